//! Those who write: send, write and connect, one at a time with the kernel.

use std::{io::IoSlice, mem};

use roundel_driver::{
    Address, Buffer, Key, Operation, OperationError, Outcome, SourceId, Submitted,
};
use rustix::{
    event::PollFlags,
    io::Errno,
    net::{SocketAddrAny, SocketAddrUnix, addr::SocketAddrArg},
};

use crate::{
    UringDriver,
    endpoint::LARGE,
    message::Message,
    places::{key, place},
    queue::{Slot, Waiting},
    request::{Answer, Got, Request, Vectored},
    table::Place,
    uring_driver::{Tag, aborted},
};

/// What to do with the first writer.
enum Next {
    Finished(Outcome),
    Failed(Errno),
    /// Ask again for what is left.
    GoOn,
    /// Ask again when there is room.
    WaitForRoom,
}

impl UringDriver {
    /// Has a call of its own send what is large; what does not go that way waits for the kernel.
    pub(crate) fn submit_write(&mut self, source: SourceId, mut operation: Operation) -> Submitted {
        let (bytes, sent) = match &operation {
            Operation::Send { data, .. } => {
                (data.len(), self.send_by_call(source, &[IoSlice::new(data)]))
            }
            Operation::SendVectored { data, .. } => {
                let bytes = data.iter().map(|part| part.len()).sum();
                let sent = match bytes < LARGE {
                    true => Ok(0),
                    false => {
                        let parts: Vec<_> = data.iter().map(|part| IoSlice::new(part)).collect();
                        self.send_by_call(source, &parts)
                    }
                };
                (bytes, sent)
            }
            _ => (0, Ok(0)),
        };
        match sent {
            Ok(sent) if sent > 0 && sent == bytes => {
                Submitted::Done(Ok(sent_whole(&mut operation)))
            }
            Ok(sent) => {
                let slot = self.admit(operation);
                if let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) {
                    waiting.progress = sent;
                }
                self.wait_to_write(source, slot);
                Submitted::Pending(key(slot))
            }
            Err(cause) => Submitted::Done(Err(OperationError::new(&mut operation, 0, cause))),
        }
    }

    /// How much of what is large a call sends at once.
    pub(crate) fn send_by_call(
        &mut self,
        source: SourceId,
        data: &[IoSlice<'_>],
    ) -> Result<usize, Errno> {
        let endpoint = self.sources.get_mut(place(source));
        match endpoint.and_then(|endpoint| endpoint.send_large(data)) {
            None => Ok(0),
            Some(Err(Errno::WOULDBLOCK)) => {
                self.statistics.refused += 1;
                Ok(0)
            }
            Some(sent) => {
                self.statistics.immediate += 1;
                sent
            }
        }
    }

    fn wait_to_write(&mut self, source: SourceId, slot: Place) {
        if let Some(endpoint) = self.sources.get_mut(place(source)) {
            endpoint.writers.push(&mut self.slots, slot);
            self.start_writing(source);
        }
    }

    /// Hands the first writer to the kernel, unless it has one.
    fn start_writing(&mut self, source: SourceId) {
        while let Some(endpoint) = self.sources.get_mut(place(source))
            && !endpoint.sending
            && let Some((slot, first)) = endpoint.writers.first(&mut self.slots)
        {
            if let Some(outcome) = endpoint.send_batch(&mut first.operation) {
                endpoint.writers.pop(&mut self.slots);
                self.finish(slot, Ok(outcome));
                continue;
            }
            let is_message = is_send(&first.operation) && !endpoint.is_stream();
            return match request(first, is_message) {
                Ok(request) => self.send_to_kernel(source, slot, request),
                Err(cause) => self.writer_failed(source, slot, cause),
            };
        }
    }

    fn send_to_kernel(&mut self, source: SourceId, slot: Place, request: Request) {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return };
        let tag = Tag::Writer(source, key(slot));
        let place = self.ring.start(Some(&endpoint.descriptor), request, tag);
        endpoint.sending = true;
        if let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) {
            waiting.place = place;
        }
    }

    pub(crate) fn hear_writer(&mut self, source: SourceId, key: Key, answer: &mut Answer<Tag>) {
        let slot = Place { index: key.index() as u32, generation: key.generation() };
        let endpoint = self.sources.get_mut(place(source));
        let Some(Slot::Waiting(waiting)) = self.slots.get_mut(slot) else {
            // It was given up; the next may go.
            if let Some(endpoint) = endpoint {
                endpoint.sending = false;
            }
            return self.start_writing(source);
        };
        waiting.place = Place::NOWHERE;
        let Some(endpoint) = endpoint else {
            let asked = give_back(&mut waiting.operation, &mut answer.ended);
            waiting.progress += match answer.got {
                Ok(Got::Count(sent)) if asked => sent,
                _ => 0,
            };
            return self.fail(slot, aborted());
        };
        endpoint.sending = false;
        match judge(waiting, answer) {
            Next::Finished(outcome) => {
                endpoint.writers.pop(&mut self.slots);
                let goes_on = !endpoint.writers.is_empty();
                self.finish(slot, Ok(outcome));
                if goes_on {
                    self.start_writing(source);
                }
            }
            Next::Failed(cause) => self.writer_failed(source, slot, cause),
            Next::GoOn => self.start_writing(source),
            Next::WaitForRoom => {
                let events = PollFlags::OUT.bits().into();
                self.send_to_kernel(source, slot, Request::Poll { events, again: false });
            }
        }
    }

    fn writer_failed(&mut self, source: SourceId, slot: Place, cause: Errno) {
        self.leave_writers(source);
        self.fail(slot, cause);
        self.start_writing(source);
    }

    fn leave_writers(&mut self, source: SourceId) {
        if let Some(endpoint) = self.sources.get_mut(place(source)) {
            endpoint.writers.pop(&mut self.slots);
        }
    }
}

/// Whether it may be of a message, as its socket says.
fn is_send(operation: &Operation) -> bool {
    matches!(operation, Operation::Send { .. } | Operation::SendVectored { .. })
}

/// The request that takes an operation further.
fn request(waiting: &mut Waiting, is_message: bool) -> Result<Request, Errno> {
    let from = waiting.progress;
    Ok(match &mut waiting.operation {
        Operation::Send { data, .. } => {
            let left = data.len().saturating_sub(from);
            Request::Send { data: mem::take(data), from, left, is_message }
        }
        Operation::SendTo { data, to, .. } => {
            Request::SendTo { address: kernels(to)?, data: mem::take(data) }
        }
        Operation::SendVectored { data, .. } => {
            let message = Message::sending(&[], 0);
            let data = mem::take(data);
            Request::SendVectored(Box::new(Vectored { data, from, message, is_message }))
        }
        // Those that are left go when there is room.
        Operation::SendBatch { .. } => {
            Request::Poll { events: PollFlags::OUT.bits().into(), again: false }
        }
        Operation::Write { data, .. } => Request::Write { data: mem::take(data), from },
        Operation::Connect { address, .. } => Request::Connect { address: kernels(address)? },
        _ => return Err(Errno::INVAL),
    })
}

/// An address as the kernel lays it out.
fn kernels(address: &Address) -> Result<Box<SocketAddrAny>, Errno> {
    let unix = match address {
        Address::Inet(address) => return Ok(Box::new((*address).into())),
        Address::Unix(address) => address,
        _ => return Err(Errno::AFNOSUPPORT),
    };
    let unix = match (unix.path(), unix.abstract_name()) {
        (Some(path), _) => SocketAddrUnix::new(path)?,
        (None, Some(name)) => SocketAddrUnix::new_abstract_name(name)?,
        (None, None) => SocketAddrUnix::new_unnamed(),
    };
    Ok(Box::new(unix.as_any()))
}

/// Puts back what the kernel had of an operation. False if it was not the operation itself that
/// was asked for, but room.
fn give_back(operation: &mut Operation, ended: &mut Option<Request>) -> bool {
    match (operation, ended) {
        (_, Some(Request::Poll { .. })) => return false,
        (
            Operation::Send { data, .. }
            | Operation::SendTo { data, .. }
            | Operation::Write { data, .. },
            Some(
                Request::Send { data: bytes, .. }
                | Request::SendTo { data: bytes, .. }
                | Request::Write { data: bytes, .. },
            ),
        ) => *data = mem::take(bytes),
        (Operation::SendVectored { data, .. }, Some(Request::SendVectored(vectored))) => {
            *data = mem::take(&mut vectored.data);
        }
        _ => {}
    }
    true
}

/// What an answer means for its operation, which gets its bytes back.
fn judge(waiting: &mut Waiting, answer: &mut Answer<Tag>) -> Next {
    let left = match answer.ended {
        Some(Request::Send { left, .. }) => Some(left),
        _ => None,
    };
    let asked = give_back(&mut waiting.operation, &mut answer.ended);
    if let Operation::Connect { .. } = waiting.operation {
        return judge_connect(waiting, asked, answer.take());
    }
    let sent = match answer.take() {
        Ok(Got::Count(sent)) if asked => sent,
        Ok(_) | Err(Errno::INTR) => return Next::GoOn,
        Err(Errno::AGAIN) => return Next::WaitForRoom,
        Err(cause) => return Next::Failed(cause),
    };
    waiting.progress += sent;
    let is_all = match (left, &waiting.operation) {
        (Some(left), _) => sent >= left,
        (None, Operation::SendVectored { data, .. }) => {
            waiting.progress >= data.iter().map(|part| part.len()).sum()
        }
        (None, Operation::SendTo { data, .. } | Operation::Write { data, .. }) => {
            waiting.progress >= data.len()
        }
        _ => true,
    };
    match (is_all, sent) {
        (true, _) => Next::Finished(sent_whole(&mut waiting.operation)),
        // A device that takes nothing and does not refuse would be asked for ever.
        (false, 0) => Next::Failed(Errno::IO),
        (false, _) => Next::GoOn,
    }
}

fn sent_whole(operation: &mut Operation) -> Outcome {
    match operation {
        Operation::Send { data, .. }
        | Operation::SendTo { data, .. }
        | Operation::Write { data, .. } => Outcome::Sent(mem::take(data)),
        Operation::SendVectored { data, .. } => Outcome::SentVectored(mem::take(data)),
        _ => Outcome::Sent(Buffer::default()),
    }
}

fn judge_connect(waiting: &mut Waiting, asked: bool, got: Result<Got, Errno>) -> Next {
    match got {
        Ok(_) if asked => Next::Finished(Outcome::Connected),
        Ok(_) => Next::GoOn,
        // It is under way, whoever began it; the next connect after it tells how it ended.
        Err(Errno::INPROGRESS | Errno::ALREADY | Errno::INTR) => {
            waiting.progress = 1;
            Next::WaitForRoom
        }
        Err(Errno::ISCONN) if waiting.progress == 1 => Next::Finished(Outcome::Connected),
        // A Unix listener with a full queue: no event announces room, so this is an answer.
        Err(Errno::AGAIN) => Next::Failed(Errno::CONNREFUSED),
        Err(cause) => Next::Failed(cause),
    }
}
