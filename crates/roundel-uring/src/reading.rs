//! Those who read: receive, read and accept, served by their source's arm.

use std::mem;

use roundel_driver::{
    Buffer, Completion, Datagram, Operation, Outcome, Readiness, Socket, SourceId,
};
use rustix::{event::PollFlags, io::Errno};

use crate::{
    UringDriver,
    arrival::Arrival,
    endpoint::{Arm, Prospect, at_most_u32},
    places::{key, place},
    queue::Slot,
    request::{Answer, Got, Request, Room},
    table::Place,
    uring_driver::{Tag, completion, stop},
};

impl UringDriver {
    pub(crate) fn wait_to_read(&mut self, source: SourceId, slot: Place) {
        if let Some(endpoint) = self.sources.get_mut(place(source)) {
            endpoint.readers.push(&mut self.slots, slot);
            self.arm(source);
        }
    }

    /// Asks the kernel for what the first reader waits for, unless it has been asked, or the reader can be
    /// told that there is something.
    pub(crate) fn arm(&mut self, source: SourceId) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        let Some((slot, first)) = endpoint.readers.first(&mut self.slots) else { return };
        if first.operation.goes_on() && (endpoint.is_full() || endpoint.has_last()) {
            // It comes back here when it has taken all of it. Whoever else waits, waits for something
            // of another kind than what is there.
            return;
        }
        if first.operation.goes_on() && endpoint.has_prospect() {
            return self.name(slot);
        }
        match endpoint.arm {
            Some(arm) if arm.suits(&first.operation) => {}
            // Its last answer leads here again.
            Some(_) => stop(&mut self.ring, endpoint),
            None if endpoint.claimed => {
                let request = endpoint.arming(&mut first.operation);
                self.arm_with(source, request);
            }
            None => self.claim_and_arm(source, slot),
        }
    }

    fn claim_and_arm(&mut self, source: SourceId, first: Place) {
        if let Err(cause) = self.claim(source) {
            if let Some(endpoint) = self.sources.get_mut(place(source)) {
                endpoint.readers.pop(&mut self.slots);
            }
            self.fail(first, cause);
        }
        self.arm(source);
    }

    fn arm_with(&mut self, source: SourceId, request: Request) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        let mut arm = Arm::new(Place::NOWHERE, &request);
        arm.place = self.ring.start(Some(&endpoint.descriptor), request, Tag::Arm(source));
        endpoint.arm = Some(arm);
        // From here on what is there may be on its way.
        endpoint.expect(Prospect::None);
        self.statistics.registrations += 1;
    }

    /// What the arm brought.
    pub(crate) fn hear_arm(&mut self, source: SourceId, answer: &mut Answer<Tag>) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        if answer.ended.is_some() {
            endpoint.arm = None;
        }
        match (answer.take(), &mut answer.ended) {
            (Ok(Got::Data(data)), Some(Request::RecvFrom { message, .. })) => {
                let datagram = Datagram::new(data, message.sender(), message.is_truncated());
                self.arrived(source, Arrival::Datagram(Box::new(datagram)));
            }
            (Ok(Got::Data(data)), _) => {
                if endpoint.learn(data.len(), answer.nonempty) {
                    stop(&mut self.ring, endpoint);
                }
                self.data_arrived(source, data);
            }
            (Ok(Got::Descriptor(socket)), _) => {
                self.arrived(source, Arrival::Socket(Socket::new(socket)));
            }
            (Ok(Got::Count(length)), Some(Request::RecvInto { buffer })) => {
                buffer.truncate(length);
                self.arrived(source, Arrival::data(mem::take(buffer)));
            }
            (Ok(Got::Count(_)), _) => self.receive_by_call(source),
            (Err(cause), ended) => {
                let accepting = matches!(ended, Some(Request::AcceptMany));
                let room = ended.as_ref().and_then(Request::room);
                self.give_room_back(source, ended.take());
                if self.refused(source, cause, room, accepting) {
                    return;
                }
            }
        }
        self.arm(source);
    }

    /// What a refusal means. True if the source is armed again.
    fn refused(
        &mut self,
        source: SourceId,
        cause: Errno,
        room: Option<Room>,
        accepting: bool,
    ) -> bool {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return true };
        let waited_for = !endpoint.readers.is_empty();
        match cause {
            // Who has much that nobody takes has no need of more room.
            Errno::NOBUFS if room.is_some() && endpoint.is_full() => {}
            Errno::NOBUFS if room.is_some() => self.ring.grow(room.unwrap_or(Room::Small)),
            Errno::AGAIN if waited_for && endpoint.arm.is_none() => {
                // A file that was made non-blocking and has no way to wait by itself.
                let events = PollFlags::IN.bits().into();
                self.arm_with(source, Request::Poll { events, again: false });
                return true;
            }
            // It was told to stop, or the peer gave up in the listener's queue.
            Errno::AGAIN | Errno::CANCELED | Errno::INTR | Errno::CONNABORTED => {}
            // A listener's troubles are still there when the next one asks.
            _ if accepting && !waited_for => {}
            _ => self.arrived(source, Arrival::Failed(cause)),
        }
        false
    }

    /// The memory of a receive that came to nothing goes back to its operation.
    fn give_room_back(&mut self, source: SourceId, ended: Option<Request>) {
        if let Some(Request::RecvInto { buffer: room }) = ended
            && let Some(endpoint) = self.sources.get_mut(place(source))
            && let Some((_, first)) = endpoint.readers.first(&mut self.slots)
            && let Operation::RecvInto { buffer, .. } = &mut first.operation
            && buffer.room() == 0
        {
            *buffer = room;
        }
    }

    fn arrived(&mut self, source: SourceId, arrival: Arrival) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        endpoint.keep(arrival);
        self.serve_readers(source);
        self.after_arrival(source);
    }

    /// As [`arrived`](Self::arrived). What the first reader waits for and takes whole is not kept
    /// in between.
    fn data_arrived(&mut self, source: SourceId, data: Buffer) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        match endpoint.readers.first(&mut self.slots) {
            Some((slot, first))
                if !endpoint.has_arrivals() && takes_whole(&first.operation, &data) =>
            {
                let from = endpoint.pass(&data);
                if let Operation::RecvMany { at_most, .. } = first.operation {
                    self.hold(slot, data, from, source, at_most);
                    return self.after_arrival(source);
                }
                endpoint.readers.pop(&mut self.slots);
                self.deliver(slot, Ok(Outcome::Received(data)), from);
            }
            _ => {
                endpoint.keep(Arrival::data(data));
                self.serve_readers(source);
            }
        }
        self.after_arrival(source);
    }

    /// Brings the first reader what can be had: several datagrams if it wants them, or word of it if it
    /// comes to take it.
    fn receive_by_call(&mut self, source: SourceId) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        let Some((slot, first)) = endpoint.readers.first(&mut self.slots) else { return };
        if first.operation.goes_on() {
            endpoint.expect(Prospect::Told);
        } else if let Some((from, outcome)) =
            endpoint.receive_batch(&first.operation, self.ring.pool())
        {
            let completion = completion(&mut first.operation, outcome);
            endpoint.readers.pop(&mut self.slots);
            self.deliver(slot, completion, from);
            self.after_arrival(source);
        }
    }

    fn after_arrival(&mut self, source: SourceId) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        if !endpoint.watchers.is_empty() {
            // The arm took away what the watchers' polls would have seen.
            self.tell_watchers(source, Readiness::READABLE);
        }
        if let Some(endpoint) = self.sources.get_mut(place(source))
            && endpoint.is_full()
        {
            stop(&mut self.ring, endpoint);
        }
    }

    /// Gives what has come to those who wait, in order.
    pub(crate) fn serve_readers(&mut self, source: SourceId) {
        while let Some(endpoint) = self.sources.get_mut(place(source))
            && endpoint.has_arrivals()
            && let Some((slot, first)) = endpoint.readers.first(&mut self.slots)
        {
            if first.operation.goes_on() {
                return self.name(slot);
            }
            let Some((from, outcome)) = endpoint.claim(&mut first.operation) else { return };
            let completion = completion(&mut first.operation, outcome);
            endpoint.readers.pop(&mut self.slots);
            self.deliver(slot, completion, from);
        }
    }
}

impl UringDriver {
    /// Says once that there is something for an operation that goes on.
    fn name(&mut self, place: Place) {
        if let Some(Slot::Waiting(waiting)) = self.slots.get_mut(place)
            && mem::replace(&mut waiting.progress, 1) == 0
        {
            self.finished.push(key(place));
        }
    }

    /// Gives a piece to an operation that goes on.
    fn hold(&mut self, place: Place, piece: Buffer, from: u64, source: SourceId, at_most: usize) {
        self.name(place);
        if let Some(slot) = self.slots.get_mut(place) {
            let at_most = at_most_u32(at_most);
            *slot = Slot::Holding { piece, from, source, at_most };
        }
    }

    /// The piece that an operation holds, for its owner.
    pub(crate) fn take_held(&mut self, slot: Place) -> Option<Completion> {
        let (piece, _, source) = self.slots.get_mut(slot)?.take_held()?;
        self.statistics.delayed += 1;
        if piece.is_empty() {
            self.end(source, slot);
        }
        Some(Ok(Outcome::Received(piece)))
    }

    /// The piece that an operation holds is for whoever comes next.
    pub(crate) fn give_piece_back(&mut self, slot: Place) {
        if let Some((piece, from, source)) = self.slots.get_mut(slot).and_then(Slot::take_held)
            && let Some(endpoint) = self.sources.get_mut(place(source))
        {
            endpoint.take_back(from, Ok(Outcome::Received(piece)));
        }
    }

    /// An operation that went on has had its last piece.
    fn end(&mut self, source: SourceId, slot: Place) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        endpoint.readers.remove(&mut self.slots, slot);
        self.slots.remove(slot);
        self.waiting -= 1;
        // Of those who have come behind it nobody else would think.
        self.serve_readers(source);
        self.arm(source);
    }

    /// The next piece for an operation that goes on; if there is none, it will be named again.
    pub(crate) fn take_piece(&mut self, slot: Place) -> Option<Completion> {
        let Slot::Waiting(waiting) = self.slots.get_mut(slot)? else { return None };
        let Operation::RecvMany { source, at_most } = waiting.operation else { return None };
        let endpoint = self.sources.get_mut(place(source))?;
        let outcome = match endpoint.has_arrivals() {
            true => endpoint.claim(&mut waiting.operation).map(|(_, outcome)| outcome),
            false => self.receive_large(source, at_most),
        };
        let Slot::Waiting(waiting) = self.slots.get_mut(slot)? else { return None };
        let Some(outcome) = outcome else {
            waiting.progress = 0;
            // It may have stopped while there was much.
            self.arm(source);
            return None;
        };
        let completion = completion(&mut waiting.operation, outcome);
        self.statistics.delayed += 1;
        if !completion.as_ref().is_ok_and(Outcome::is_data) {
            self.end(source, slot);
        }
        Some(completion)
    }

    /// What a call of its own brings, where one is worth a try.
    fn receive_large(
        &mut self,
        source: SourceId,
        at_most: usize,
    ) -> Option<Result<Outcome, Errno>> {
        let endpoint = self.sources.get_mut(place(source))?;
        let received = endpoint.receive_large(self.ring.pool(), at_most)?;
        if matches!(received, Err(Errno::WOULDBLOCK)) {
            self.statistics.refused += 1;
            return None;
        }
        if !endpoint.watchers.is_empty() {
            // The call took away what the watchers' polls would have seen.
            self.tell_watchers(source, Readiness::READABLE);
        }
        Some(received.map(Outcome::Received))
    }
}

/// Whether `operation` wants all of `data`, in the memory it lies in.
fn takes_whole(operation: &Operation, data: &Buffer) -> bool {
    match operation {
        Operation::Recv { at_most, .. }
        | Operation::RecvMany { at_most, .. }
        | Operation::Read { at_most, .. } => data.len() <= *at_most,
        _ => false,
    }
}
