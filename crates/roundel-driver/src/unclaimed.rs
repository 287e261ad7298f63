//! `Unclaimed`: what was received for an operation that was then cancelled.
//!
//! Between the wait that received it and the call-back or poll that takes it, an outcome lies in
//! its slot. Cancelled there, it must not be lost: the bytes, or the connection, are kept for the
//! source's next operation of their kind, in the order in which they came. Each has its place in all
//! that has ever come from the source, and takes it along: so what is claimed, cut and given up again
//! finds its way back. The driver over a selector keeps it so, and the simulated one does.

use std::{collections::VecDeque, convert::Infallible, mem};

use crate::{Buffer, Completion, Datagram, Operation, Outcome, Socket};

/// What one source had received for operations that were then cancelled; for authors of drivers.
///
/// ```
/// use roundel_driver::{Driver, Operation, Outcome, SelectorDriver, Source, Unclaimed};
///
/// let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
/// let source = SelectorDriver::by_name("default")?.attach(Source::new(ours));
/// let mut unclaimed = Unclaimed::new(true);
/// unclaimed.keep(0, Ok(Outcome::Received(b"hello".into())));
/// let mut next = Operation::Recv { source, at_most: 3 };
/// let Some((0, Outcome::Received(data))) = unclaimed.claim(&mut next) else { panic!("it is there") };
/// assert_eq!(&data[..], b"hel");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Unclaimed {
    /// Whether what one receive has no room for is for the next one.
    is_stream: bool,
    /// Each with its place.
    data: VecDeque<(u64, Buffer)>,
    datagrams: VecDeque<(u64, Datagram)>,
    sockets: VecDeque<(u64, Socket)>,
}

impl Unclaimed {
    /// Nothing yet, of a source on which a receive may leave a rest (`is_stream`) or must not.
    pub fn new(is_stream: bool) -> Self {
        let (data, datagrams, sockets) = Default::default();
        Self { is_stream, data, datagrams, sockets }
    }

    /// Keeps an outcome that began at the place `from`, counted in bytes on a stream, else in
    /// outcomes; what can be had again, an end of stream or an error, is not kept.
    pub fn keep(&mut self, from: u64, completion: Completion) {
        match completion {
            Ok(Outcome::Received(buffer)) if !buffer.is_empty() => {
                insert(&mut self.data, from, buffer);
            }
            Ok(Outcome::Datagram(datagram)) => insert(&mut self.datagrams, from, *datagram),
            Ok(Outcome::Datagrams(datagrams)) => {
                for (place, datagram) in (from..).zip(datagrams) {
                    insert(&mut self.datagrams, place, datagram);
                }
            }
            Ok(Outcome::Accepted(socket)) => insert(&mut self.sockets, from, socket),
            _ => {}
        }
    }

    /// How many places an outcome takes in all that has come.
    pub fn places(completion: &Completion) -> u64 {
        match completion {
            Ok(Outcome::Received(data)) => data.len() as u64,
            Ok(Outcome::Datagrams(datagrams)) => datagrams.len() as u64,
            _ => 1,
        }
    }

    /// What an operation gets without asking the kernel, and the place where it begins.
    pub fn claim(&mut self, operation: &mut Operation) -> Option<(u64, Outcome)> {
        match operation {
            Operation::RecvMany { at_most, .. } => {
                let (from, data) = self.data((*at_most).max(1))?;
                Some((from, Outcome::Received(data)))
            }
            Operation::Recv { at_most, .. } | Operation::Read { at_most, .. } => {
                let (from, data) = self.data(*at_most)?;
                Some((from, Outcome::Received(data)))
            }
            Operation::RecvInto { buffer, .. } => {
                let (from, data) = self.data(buffer.room())?;
                let mut buffer = mem::take(buffer);
                let Ok(()) = buffer.fill(|room| {
                    room[..data.len()].copy_from_slice(&data);
                    Ok::<_, Infallible>(data.len())
                });
                Some((from, Outcome::Received(buffer)))
            }
            Operation::RecvFrom { at_most, .. } => {
                let (from, datagram) = self.datagrams.pop_front()?;
                Some((from, Outcome::Datagram(Box::new(datagram.cut_to(*at_most)))))
            }
            Operation::RecvBatch { at_most, count, .. } => {
                let (from, first) = self.datagrams.pop_front()?;
                let mut claimed = vec![first.cut_to(*at_most)];
                // As far as nobody else has what comes between.
                while claimed.len() < *count
                    && let Some((place, _)) = self.datagrams.front()
                    && *place == from + claimed.len() as u64
                    && let Some((_, next)) = self.datagrams.pop_front()
                {
                    claimed.push(next.cut_to(*at_most));
                }
                Some((from, Outcome::Datagrams(claimed.into())))
            }
            Operation::Accept { .. } => {
                let (from, socket) = self.sockets.pop_front()?;
                Some((from, Outcome::Accepted(socket)))
            }
            _ => None,
        }
    }

    /// A message is taken whole, and what there is no room for is lost, as recv(2) has it.
    fn data(&mut self, at_most: usize) -> Option<(u64, Buffer)> {
        let (from, mut buffer) = self.data.pop_front()?;
        if self.is_stream && buffer.len() > at_most {
            let rest = buffer.split_off(at_most);
            self.data.push_front((from + at_most as u64, rest));
        }
        buffer.truncate(at_most);
        Some((from, buffer))
    }

    /// Whether nothing is left of what was kept.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty() && self.datagrams.is_empty() && self.sockets.is_empty()
    }
}

fn insert<T>(queue: &mut VecDeque<(u64, T)>, from: u64, value: T) {
    let nth = queue.partition_point(|(earlier, _)| *earlier < from);
    queue.insert(nth, (from, value));
}
