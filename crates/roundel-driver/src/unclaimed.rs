//! `Unclaimed`: what was received for an operation that was then cancelled.
//!
//! Between the wait that received it and the call-back or poll that takes it, an outcome lies in
//! its slot. Cancelled there, it must not be lost: the bytes, or the connection, are kept for the
//! source's next operation of their kind, in the order in which they came.

use std::{collections::VecDeque, convert::Infallible, mem};

use crate::{Buffer, Completion, Datagram, Operation, Outcome, Socket};

#[derive(Debug, Default)]
pub(crate) struct Unclaimed {
    /// With the number of their arrival.
    data: VecDeque<(u64, Buffer)>,
    datagrams: VecDeque<(u64, Box<Datagram>)>,
    sockets: VecDeque<(u64, Socket)>,
}

impl Unclaimed {
    /// Keeps an outcome; what can be had again, an end of stream or an error, is not kept.
    pub(crate) fn keep(&mut self, arrival: u64, completion: Completion) {
        match completion {
            Ok(Outcome::Received(buffer)) if !buffer.is_empty() => {
                insert(&mut self.data, arrival, buffer);
            }
            Ok(Outcome::Datagram(datagram)) => insert(&mut self.datagrams, arrival, datagram),
            Ok(Outcome::Accepted(socket)) => insert(&mut self.sockets, arrival, socket),
            _ => {}
        }
    }

    /// What an operation gets without asking the kernel.
    pub(crate) fn claim(&mut self, operation: &mut Operation) -> Option<Outcome> {
        match operation {
            Operation::Recv { at_most, .. } | Operation::Read { at_most, .. } => {
                self.data(*at_most).map(Outcome::Received)
            }
            Operation::RecvInto { buffer, .. } => {
                let data = self.data(buffer.room())?;
                let mut buffer = mem::take(buffer);
                let Ok(()) = buffer.fill(|room| {
                    room[..data.len()].copy_from_slice(&data);
                    Ok::<_, Infallible>(data.len())
                });
                Some(Outcome::Received(buffer))
            }
            Operation::RecvFrom { at_most, .. } => {
                let (_, mut datagram) = self.datagrams.pop_front()?;
                datagram.truncated |= datagram.data.len() > *at_most;
                datagram.data.truncate(*at_most);
                Some(Outcome::Datagram(datagram))
            }
            Operation::Accept { .. } => {
                self.sockets.pop_front().map(|(_, it)| Outcome::Accepted(it))
            }
            _ => None,
        }
    }

    fn data(&mut self, at_most: usize) -> Option<Buffer> {
        let (arrival, mut buffer) = self.data.pop_front()?;
        let rest = buffer.split_off(at_most);
        if !rest.is_empty() {
            self.data.push_front((arrival, rest));
        }
        Some(buffer)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_empty() && self.datagrams.is_empty() && self.sockets.is_empty()
    }
}

fn insert<T>(queue: &mut VecDeque<(u64, T)>, arrival: u64, value: T) {
    let place = queue.partition_point(|(earlier, _)| *earlier < arrival);
    queue.insert(place, (arrival, value));
}
