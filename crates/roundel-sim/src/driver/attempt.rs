//! One call of the simulated kernel per operation: done, or the host would have to wait.

use std::mem;

use roundel_driver::{
    Buffer, BufferPool, Completion, Datagram, Message, Messages, Operation, OperationError, Outcome,
};
use rustix::io::Errno;

use super::{Queue, readiness};
use crate::network::{Arrived, Network, SockId, State};

/// What one receive brings at most, as on the other drivers.
const LARGEST: usize = 256 << 10;
/// So many datagrams, too.
const MOST_AT_ONCE: usize = 64;

/// On what an operation is tried.
pub(super) struct Attempt<'a> {
    pub(super) network: &'a Network,
    pub(super) id: SockId,
    pub(super) pool: &'a BufferPool,
}

/// Which queue an operation waits in.
pub(super) fn queue_of(operation: &Operation) -> Queue {
    match operation {
        Operation::Send { .. }
        | Operation::SendVectored { .. }
        | Operation::SendTo { .. }
        | Operation::SendBatch { .. }
        | Operation::Write { .. }
        | Operation::Connect { .. } => Queue::Write,
        Operation::Ready { .. } => Queue::Watch,
        _ => Queue::Read,
    }
}

/// What most operations come to, by one look at the network: a receive of what came in one piece,
/// a send for which there is room and of which nothing has gone. `None` leaves everything to
/// [`attempt`].
#[inline]
pub(super) fn at_one_look(
    on: &Attempt<'_>,
    operation: &mut Operation,
    progress: usize,
) -> Option<Outcome> {
    match operation {
        Operation::Recv { at_most, .. } => on.piece(*at_most),
        Operation::RecvMany { at_most, .. } => on.piece((*at_most).max(1)),
        Operation::Send { data, .. } if progress == 0 => {
            let is_sent = on.network.with(|state| state.send_piece(on.id, data, on.pool));
            is_sent.then(|| Outcome::Sent(mem::take(data)))
        }
        _ => None,
    }
}

/// Takes an operation as far as it goes without waiting; `None`: it has to wait.
pub(super) fn attempt(
    on: &Attempt<'_>,
    operation: &mut Operation,
    progress: &mut usize,
) -> Option<Completion> {
    let result = match operation {
        Operation::Recv { at_most, .. } | Operation::Read { at_most, .. } => {
            on.receive(*at_most).map(Outcome::Received)
        }
        Operation::RecvMany { at_most, .. } => on.receive((*at_most).max(1)).map(Outcome::Received),
        Operation::RecvInto { buffer, .. } => {
            let filled = buffer.fill(|room| on.call(|state| state.recv(on.id, room)));
            filled.map(|()| Outcome::Received(mem::take(buffer)))
        }
        Operation::RecvFrom { at_most, .. } => {
            on.receive_from(*at_most).map(|datagram| Outcome::Datagram(Box::new(datagram)))
        }
        Operation::RecvBatch { at_most, count, .. } => {
            on.receive_batch(*at_most, *count).map(Outcome::Datagrams)
        }
        Operation::Send { data, .. } | Operation::Write { data, .. } => {
            on.transmit(&[&**data], progress).map(|()| Outcome::Sent(mem::take(data)))
        }
        Operation::SendVectored { data, .. } => {
            let parts: Vec<&[u8]> = data.iter().map(|part| &**part).collect();
            on.transmit(&parts, progress).map(|()| Outcome::SentVectored(mem::take(data)))
        }
        Operation::SendTo { data, to, .. } => {
            let sent = on.call(|state| state.send_datagram(on.id, data, Some(to)));
            sent.map(|()| Outcome::Sent(mem::take(data)))
        }
        Operation::SendBatch { messages, .. } => on
            .send_batch(messages)
            .map(|()| Outcome::SentBatch(mem::take(&mut **messages).results())),
        Operation::Accept { .. } => {
            let accepted = on.call(|state| state.accept(on.id));
            accepted.map(|id| Outcome::Accepted(on.network.wrap(id)))
        }
        Operation::Connect { address, .. } if *progress == 0 => {
            match on.network.with(|state| state.connect(on.id, address)) {
                Ok(()) => Ok(Outcome::Connected),
                Err(Errno::INPROGRESS | Errno::ALREADY) => {
                    *progress = 1;
                    Err(Errno::WOULDBLOCK)
                }
                // A Unix listener with a full queue: nothing announces room, so this is an answer.
                Err(Errno::WOULDBLOCK) => Err(Errno::CONNREFUSED),
                Err(cause) => Err(cause),
            }
        }
        Operation::Connect { .. } => {
            on.network.with(|state| state.connected(on.id)).map(|()| Outcome::Connected)
        }
        Operation::Ready { interest, .. } => {
            let sock = on.network.with(|state| Some(state.socks.get(on.id.0)?.readiness()));
            readiness(sock.unwrap_or_default(), *interest)
                .map(Outcome::Ready)
                .ok_or(Errno::WOULDBLOCK)
        }
        _ => Err(Errno::NOTSUP),
    };
    match result {
        Ok(outcome) => Some(Ok(outcome)),
        Err(Errno::WOULDBLOCK) => None,
        Err(cause) => Some(Err(OperationError::new(operation, *progress, cause))),
    }
}

impl Attempt<'_> {
    /// A call, made again if a signal interrupts it.
    fn call<T>(&self, mut call: impl FnMut(&mut State) -> Result<T, Errno>) -> Result<T, Errno> {
        loop {
            let result = self
                .network
                .with(|state| if state.is_interrupted() { Err(Errno::INTR) } else { call(state) });
            if result.as_ref().err() != Some(&Errno::INTR) {
                return result;
            }
        }
    }

    /// What came in one piece, if that is what there is.
    fn piece(&self, at_most: usize) -> Option<Outcome> {
        let piece = self.network.with(|state| state.take_piece(self.id, at_most))?;
        Some(Outcome::Received(self.pool.adopt(piece)))
    }

    fn receive(&self, at_most: usize) -> Result<Buffer, Errno> {
        let at_most = at_most.min(LARGEST);
        // Asked before, so that a receive that waits touches no memory.
        if at_most > 0 && !self.network.with(|state| state.has_news_for_reader(self.id)) {
            return Err(Errno::WOULDBLOCK);
        }
        self.pool.fill(at_most, |room| self.call(|state| state.recv(self.id, room)))
    }

    fn receive_from(&self, at_most: usize) -> Result<Datagram, Errno> {
        self.received(self.call(|state| state.recv_from(self.id))?, at_most)
    }

    /// An error behind the first is left for the next who asks, as recvmmsg(2) leaves it.
    fn receive_batch(&self, at_most: usize, count: usize) -> Result<Box<[Datagram]>, Errno> {
        let mut received = vec![self.receive_from(at_most)?];
        while received.len() < count.min(MOST_AT_ONCE)
            && let Some(message) = self.network.with(|state| state.recv_along(self.id))
        {
            received.push(self.received(message, at_most)?);
        }
        Ok(received.into())
    }

    fn received(&self, message: Arrived, at_most: usize) -> Result<Datagram, Errno> {
        let count = message.data.len().min(at_most.min(LARGEST));
        let data = self.pool.fill(count, |room| {
            room.copy_from_slice(&message.data[..count]);
            Ok::<_, Errno>(count)
        })?;
        Ok(Datagram::new(data, message.from, message.data.len() > count))
    }

    fn send_batch(&self, messages: &mut Messages) -> Result<(), Errno> {
        while let Some(Message { data, to }) = messages.left().first() {
            match self.call(|state| state.send_datagram(self.id, data, to.as_ref())) {
                Ok(()) => messages.sent(1),
                Err(Errno::WOULDBLOCK) => return Err(Errno::WOULDBLOCK),
                Err(cause) => messages.failed(cause),
            }
        }
        Ok(())
    }

    /// Sends all of `parts` behind each other, from where `progress` stands.
    fn transmit(&self, parts: &[&[u8]], progress: &mut usize) -> Result<(), Errno> {
        if parts.len() != 1 && self.network.with(|state| state.is_of_datagrams(self.id)) {
            let message = parts.concat();
            return self.call(|state| state.send_datagram(self.id, &message, None));
        }
        let all: usize = parts.iter().map(|part| part.len()).sum();
        if all == 0 {
            return self.call(|state| state.send(self.id, &[])).map(|_| ());
        }
        let mut before = 0;
        for part in parts {
            while *progress < before + part.len() {
                let rest = &part[*progress - before..];
                *progress += self.call(|state| state.send(self.id, rest))?;
            }
            before += part.len();
        }
        Ok(())
    }
}
