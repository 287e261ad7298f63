//! `Arrival`: what came from a source for those who read.

use std::{convert::Infallible, mem};

use roundel_driver::{Buffer, Completion, Datagram, Operation, Outcome, Socket};
use rustix::io::Errno;

#[derive(Debug)]
pub(crate) enum Arrival {
    /// Bytes, of which the first `taken` are gone. None at all: the end of a stream.
    Data {
        buffer: Buffer,
        taken: usize,
    },
    Datagram(Box<Datagram>),
    Socket(Socket),
    Failed(Errno),
}

impl Arrival {
    pub(crate) fn data(buffer: Buffer) -> Self {
        Self::Data { buffer, taken: 0 }
    }

    /// What of an outcome that nobody took is to be kept; what can be had again is not.
    pub(crate) fn of(completion: Completion) -> Vec<Self> {
        match completion {
            Ok(Outcome::Received(buffer)) if !buffer.is_empty() => vec![Self::data(buffer)],
            Ok(Outcome::Datagram(datagram)) => vec![Self::Datagram(datagram)],
            Ok(Outcome::Datagrams(datagrams)) => {
                datagrams.into_iter().map(|datagram| Self::Datagram(Box::new(datagram))).collect()
            }
            Ok(Outcome::Accepted(socket)) => vec![Self::Socket(socket)],
            _ => Vec::new(),
        }
    }

    /// How much room it takes in the order of arrivals.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Data { buffer, taken } => (buffer.len() - taken).max(1) as u64,
            _ => 1,
        }
    }

    /// Whether a stream brings nothing behind it.
    pub(crate) fn is_last(&self) -> bool {
        match self {
            Self::Data { buffer, .. } => buffer.is_empty(),
            Self::Failed(_) => true,
            Self::Datagram(_) | Self::Socket(_) => false,
        }
    }

    /// Whether it is what `operation` waits for.
    pub(crate) fn suits(&self, operation: &Operation) -> bool {
        match operation {
            Operation::Recv { .. }
            | Operation::RecvMany { .. }
            | Operation::RecvInto { .. }
            | Operation::Read { .. } => {
                matches!(self, Self::Data { .. } | Self::Failed(_))
            }
            Operation::RecvFrom { .. } => matches!(self, Self::Datagram(_) | Self::Failed(_)),
            _ => matches!(self, Self::Socket(_) | Self::Failed(_)),
        }
    }

    /// The outcome of `operation`, which it suits, and what is left: the rest of what a stream
    /// brought. A message is taken whole, and what the operation has no room for is lost, as
    /// recv(2) has it.
    pub(crate) fn serve(
        self,
        operation: &mut Operation,
        stream: bool,
    ) -> (Result<Outcome, Errno>, Option<Self>) {
        match (self, operation) {
            (Self::Failed(error), _) => (Err(error), None),
            (Self::Socket(socket), _) => (Ok(Outcome::Accepted(socket)), None),
            (Self::Datagram(datagram), Operation::RecvFrom { at_most, .. }) => {
                (Ok(Outcome::Datagram(Box::new(datagram.cut_to(*at_most)))), None)
            }
            (Self::Datagram(datagram), _) => (Ok(Outcome::Datagram(datagram)), None),
            (Self::Data { buffer, taken }, Operation::RecvInto { buffer: room, .. })
                // Else the data came in the operation's own memory.
                if room.room() > 0 =>
            {
                let end = taken + (buffer.len() - taken).min(room.room());
                let mut filled = mem::take(room);
                let Ok(()) = filled.fill(|room| {
                    room[..end - taken].copy_from_slice(&buffer[taken..end]);
                    Ok::<_, Infallible>(end - taken)
                });
                (Ok(Outcome::Received(filled)), left(buffer, end, stream))
            }
            (Self::Data { mut buffer, taken }, operation) => {
                let at_most = match operation {
                    Operation::Recv { at_most, .. } | Operation::Read { at_most, .. } => *at_most,
                    Operation::RecvMany { at_most, .. } => (*at_most).max(1),
                    _ => usize::MAX,
                };
                if taken == 0 && (buffer.len() <= at_most || !stream) {
                    buffer.truncate(at_most);
                    return (Ok(Outcome::Received(buffer)), None);
                }
                let end = taken + (buffer.len() - taken).min(at_most);
                let part = Buffer::from(&buffer[taken..end]);
                (Ok(Outcome::Received(part)), left(buffer, end, stream))
            }
        }
    }
}

fn left(buffer: Buffer, taken: usize, stream: bool) -> Option<Arrival> {
    (stream && taken < buffer.len()).then_some(Arrival::Data { buffer, taken })
}

#[cfg(test)]
mod tests {
    use roundel_driver::{Buffer, Operation, Outcome, SourceId};

    use super::Arrival;

    const SOURCE: fn() -> SourceId = || SourceId::new(0, 0);

    fn recv(at_most: usize) -> Operation {
        Operation::Recv { source: SOURCE(), at_most }
    }

    fn served(
        arrival: Arrival,
        mut operation: Operation,
        stream: bool,
    ) -> (Vec<u8>, Option<Arrival>) {
        match arrival.serve(&mut operation, stream) {
            (Ok(Outcome::Received(buffer)), rest) => (buffer.into_vec(), rest),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stream_is_cut_where_the_reader_wants() {
        let into = |room| Operation::RecvInto { source: SOURCE(), buffer: Buffer::with_room(room) };
        let mut left = Some(Arrival::data(Buffer::from(b"abcdefghij")));
        for (operation, expected) in
            [(recv(1), "a"), (into(2), "bc"), (recv(3), "def"), (recv(2), "gh"), (into(9), "ij")]
        {
            let (part, rest) = served(left.take().expect("not yet all"), operation, true);
            assert_eq!(part, expected.as_bytes());
            left = rest;
        }
        assert!(left.is_none());
    }

    #[test]
    fn a_message_is_taken_whole() {
        let (part, rest) = served(Arrival::data(Buffer::from(b"abc")), recv(2), false);
        assert_eq!(part, b"ab");
        assert!(rest.is_none());
    }

    #[test]
    fn an_end_is_served_once() {
        let (part, rest) = served(Arrival::data(Buffer::default()), recv(2), true);
        assert!(part.is_empty() && rest.is_none());
    }
}
