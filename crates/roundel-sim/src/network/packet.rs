//! `Packet`: what travels, or happens later; `Packets`: all of them, by the time they arrive.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    net::SocketAddr,
};

use roundel_driver::Buffer;

use super::sock::SockId;

/// What arrives, or is due.
#[derive(Debug)]
pub(crate) enum Packet {
    /// A part of a stream, with its number in the sender's order.
    Segment { from: SockId, to: SockId, number: u64, content: Content },
    /// The other end is gone, or does not want to hear more.
    Reset { to: SockId },
    /// A question for a connection.
    Syn { from: SockId, to: SocketAddr, tries: u32 },
    /// Its answer: `from` is the connection's new end.
    SynAck { from: SockId, to: SockId, tries: u32 },
    /// The answer to the answer.
    Ack { from: SockId, to: SockId, tries: u32 },
    /// Nobody listens there.
    Refused { to: SockId },
    /// A connect has been tried for long enough, or there is no way.
    Failed { to: SockId, why: i32 },
    /// A message.
    Datagram(Box<Posted>),
    /// A part of a connection's making that got lost is sent again.
    Resend(Box<Packet>),
    /// What a stream could not deliver is sent again.
    Again { from: SockId },
    /// The other end has read: there may be room.
    Room { to: SockId },
    /// A silent connection is looked after.
    Probe { of: SockId, missed: u32 },
}

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) from: SockId,
    pub(crate) source: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) data: Vec<u8>,
}

#[derive(Debug)]
pub(crate) enum Content {
    Data(Buffer),
    End,
}

#[derive(Debug)]
struct Due {
    at: u64,
    /// Equal times are told apart by the seed, then by the order of sending.
    tie: u64,
    number: u64,
    packet: Packet,
}

impl Due {
    fn rank(&self) -> (u64, u64, u64) {
        (self.at, self.tie, self.number)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Packets {
    due: BinaryHeap<Reverse<Due>>,
    sent: u64,
}

impl Packets {
    pub(crate) fn push(&mut self, at: u64, tie: u64, packet: Packet) {
        self.sent += 1;
        self.due.push(Reverse(Due { at, tie, number: self.sent, packet }));
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.due.peek().map(|Reverse(due)| due.at)
    }

    pub(crate) fn pop_until(&mut self, now: u64) -> Option<(u64, Packet)> {
        if self.next_at()? > now {
            return None;
        }
        self.due.pop().map(|Reverse(due)| (due.at, due.packet))
    }
}
