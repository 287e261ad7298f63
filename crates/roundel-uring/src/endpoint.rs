//! `Endpoint`: what is known of a source: who waits at it, what the kernel was asked for, and what
//! came before anybody asked.
//!
//! Receiving is the source's affair, not an operation's. While somebody waits for more than a
//! call would bring, the source has a request in the kernel, its *arm*; on a stream it receives again and
//! again. What it brings goes
//! to the operations in their order, and what nobody waits for is kept for whoever comes next. So
//! giving up an operation loses nothing and needs no answer from the kernel.
//!
//! The ring has no entry for several datagrams. Where several are asked for, it only tells when there
//! are some, and a call that does not wait moves them all.

use std::{collections::VecDeque, mem};

use roundel_driver::{Buffer, Completion, DatagramCalls, Operation, Outcome, Source};
use rustix::{
    event::PollFlags,
    fd::AsFd,
    io::Errno,
    net::{SocketType, sockopt},
};

use crate::{
    arrival::Arrival,
    message::Message,
    queue::Queue,
    request::{Request, Room},
    ring::Descriptor,
    table::Place,
};

pub(crate) use large::{LARGE, Prospect};

mod batch;
mod large;

/// How much may come unasked before the source stops receiving.
const KEPT_AT_MOST: usize = 16;
const KEPT_BYTES: u64 = 64 << 10;

/// A receive that filled its small room is followed by so many large ones; each that would have
/// filled it again begins the count anew.
const LARGE_RECEIVES: u8 = 8;

/// A request in the kernel that brings arrivals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arm {
    pub(crate) place: Place,
    /// It was told to stop; its last answer is to come.
    pub(crate) stopping: bool,
    reach: Reach,
}

/// Whom an arm serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Whoever wants data, again and again, in small pieces.
    Many,
    /// Whoever wants data.
    Once,
    /// Whoever wants a datagram and its sender.
    From,
    /// Whoever accepts.
    Accept,
    /// Nobody yet, or whoever has a call made, for several datagrams or for much: it waits until
    /// something can be had.
    Poll,
}

impl Arm {
    pub(crate) fn new(place: Place, request: &Request) -> Self {
        let reach = match request {
            Request::RecvMany => Reach::Many,
            Request::RecvFrom { .. } => Reach::From,
            Request::AcceptMany => Reach::Accept,
            Request::Poll { .. } => Reach::Poll,
            _ => Reach::Once,
        };
        Self { place, stopping: false, reach }
    }

    /// Whether it will bring what `operation` waits for, in a way worth waiting for.
    pub(crate) fn suits(&self, operation: &Operation) -> bool {
        match operation {
            Operation::RecvInto { .. } => self.reach == Reach::Once,
            Operation::Recv { .. } | Operation::Read { .. } => {
                matches!(self.reach, Reach::Many | Reach::Once)
            }
            Operation::RecvMany { .. } => {
                matches!(self.reach, Reach::Many | Reach::Once | Reach::Poll)
            }
            Operation::RecvFrom { .. } => self.reach == Reach::From,
            Operation::RecvBatch { .. } => self.reach == Reach::Poll,
            _ => self.reach == Reach::Accept,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unknown,
    /// Bytes may be cut and joined at will.
    Stream,
    /// Each message is one receive.
    Messages,
}

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) descriptor: Descriptor,
    pub(crate) readers: Queue,
    pub(crate) writers: Queue,
    pub(crate) watchers: Queue,
    pub(crate) arm: Option<Arm>,
    /// The first writer, or one before it that was given up, is with the kernel.
    pub(crate) sending: bool,
    /// Its descriptor is waited on through it and no other.
    pub(crate) claimed: bool,
    /// What nobody has, each with its place in all that has ever come: so that what is delivered,
    /// cut, and given back finds its way there.
    arrivals: VecDeque<(u64, Arrival)>,
    come: u64,
    kind: Kind,
    calls: DatagramCalls,
    /// What was asked for last.
    appetite: u32,
    /// How much of that a receive is worth, where whoever asks leaves it to the driver; else 0.
    helping: u32,
    large_receives: u8,
    /// The last receive took all there was.
    drained: bool,
    /// Whether a call is worth a try; only while the kernel was asked for nothing.
    prospect: Prospect,
}

impl Endpoint {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            descriptor: Descriptor::new(source),
            readers: Queue::EMPTY,
            writers: Queue::EMPTY,
            watchers: Queue::EMPTY,
            arm: None,
            sending: false,
            claimed: false,
            arrivals: VecDeque::new(),
            come: 0,
            kind: Kind::Unknown,
            calls: DatagramCalls::default(),
            appetite: 0,
            helping: 0,
            large_receives: 0,
            drained: false,
            prospect: Prospect::None,
        }
    }

    /// The request that serves `operation`, the first of the readers.
    pub(crate) fn arming(&mut self, operation: &mut Operation) -> Request {
        match operation {
            Operation::Recv { at_most, .. } => self.receiving(*at_most),
            Operation::RecvMany { .. } if self.receives_by_calls() => {
                Request::Poll { events: PollFlags::IN.bits().into(), again: false }
            }
            Operation::RecvMany { .. } => self.receiving(self.worth_while()),
            Operation::RecvInto { buffer, .. } => {
                self.is_stream();
                Request::RecvInto { buffer: whole(mem::take(buffer)) }
            }
            Operation::RecvFrom { at_most, .. } => {
                self.is_stream();
                let at_most = (*at_most).clamp(1, Room::LARGEST);
                let message = Message::receiving(at_most);
                Request::RecvFrom { room: Room::holding(at_most), message }
            }
            Operation::RecvBatch { .. } => {
                self.is_stream();
                Request::Poll { events: PollFlags::IN.bits().into(), again: false }
            }
            Operation::Read { at_most, .. } => {
                let at_most = (*at_most).min(Room::LARGEST);
                Request::Read { room: Room::holding(at_most), at_most }
            }
            _ => Request::AcceptMany,
        }
    }

    /// Learns from what is asked for, also of what has come already, how large receives are worth
    /// while.
    pub(crate) fn asked(&mut self, operation: &Operation) {
        match operation {
            Operation::Recv { at_most, .. } => {
                (self.appetite, self.helping) = (at_most_u32(*at_most), 0);
            }
            Operation::RecvMany { at_most, .. } => {
                self.appetite = at_most_u32(*at_most);
                self.helping = self.helping.max(Room::SMALL as u32);
            }
            _ => {}
        }
    }

    /// How much the next receive is to bring at most.
    fn worth_while(&self) -> usize {
        let worth = if self.helping == 0 { u32::MAX } else { self.helping };
        worth.min(self.appetite) as usize
    }

    fn receiving(&mut self, at_most: usize) -> Request {
        let stream = self.is_stream();
        if !stream || (self.large_receives > 0 && at_most > Room::SMALL) {
            let (at_most, poll_first) = (at_most.min(Room::LARGEST), self.drained);
            return Request::Recv { room: Room::holding(at_most), at_most, poll_first };
        }
        Request::RecvMany
    }

    /// Whether bytes may be cut and joined. The kernel is asked once; who never receives is never
    /// looked at.
    pub(crate) fn is_stream(&mut self) -> bool {
        if self.kind == Kind::Unknown {
            self.kind = match sockopt::socket_type(self.descriptor.as_fd()) {
                Ok(SocketType::STREAM) | Err(_) => Kind::Stream,
                Ok(_) => Kind::Messages,
            };
        }
        self.kind == Kind::Stream
    }

    /// Learns from a receive how to go on. True if it filled small room, of an arm that goes on,
    /// and larger is wanted.
    pub(crate) fn learn(&mut self, received: usize, nonempty: bool) -> bool {
        self.drained = !nonempty;
        self.help_to(received, nonempty);
        let filled = received >= Room::SMALL && self.worth_while() > Room::SMALL;
        self.large_receives =
            if filled { LARGE_RECEIVES } else { self.large_receives.saturating_sub(1) };
        filled && self.kind == Kind::Stream && self.arm.is_some()
    }

    /// What filled its room and was not all is followed by more, what would have fitted a smaller one
    /// by less.
    fn help_to(&mut self, received: usize, nonempty: bool) {
        let next = match self.helping as usize {
            0 => return,
            helping if received >= helping && nonempty => Room::above(helping),
            helping if received < Room::below(helping) => Room::below(helping),
            _ => return,
        };
        self.helping = next as u32;
    }

    /// Whether as much is kept as may be.
    pub(crate) fn is_full(&self) -> bool {
        !self.arrivals.is_empty() && self.has_enough()
    }

    fn has_enough(&self) -> bool {
        self.arrivals.len() >= KEPT_AT_MOST
            || self.arrivals.iter().map(|(_, arrival)| arrival.length()).sum::<u64>() >= KEPT_BYTES
    }

    /// Whether the last of what is kept is the last that a stream brings.
    pub(crate) fn has_last(&self) -> bool {
        self.arrivals.back().is_some_and(|(_, arrival)| arrival.is_last())
    }

    pub(crate) fn has_arrivals(&self) -> bool {
        !self.arrivals.is_empty()
    }

    /// Keeps what nobody waits for.
    pub(crate) fn keep(&mut self, arrival: Arrival) {
        let arrival_length = arrival.length();
        self.arrivals.push_back((self.come, arrival));
        self.come += arrival_length;
    }

    /// Counts what is delivered without being kept; says where in all that has come it begins.
    pub(crate) fn pass(&mut self, data: &Buffer) -> u64 {
        let from = self.come;
        // The end of a stream has a place too.
        self.come += data.len().max(1) as u64;
        from
    }

    /// Takes back what was delivered and not taken, to where it stood in the order.
    pub(crate) fn take_back(&mut self, from: u64, completion: Completion) {
        for (from, arrival) in (from..).zip(Arrival::of(completion)) {
            let place = self.arrivals.partition_point(|(earlier, _)| *earlier < from);
            self.arrivals.insert(place, (from, arrival));
        }
    }

    /// What `operation` gets without waiting: what has come, or nothing if it asks for nothing.
    pub(crate) fn answer_at_once(
        &mut self,
        operation: &mut Operation,
    ) -> Option<Result<Outcome, Errno>> {
        let nothing = match operation {
            Operation::Recv { at_most, .. } | Operation::Read { at_most, .. } => *at_most == 0,
            Operation::RecvInto { buffer, .. } => buffer.room() == 0,
            _ => false,
        };
        if nothing && self.is_stream() {
            return Some(Ok(Outcome::Received(Buffer::default())));
        }
        self.claim(operation).map(|(_, outcome)| outcome)
    }

    /// What `operation` gets of what has come, and where in all that has come it begins.
    pub(crate) fn claim(
        &mut self,
        operation: &mut Operation,
    ) -> Option<(u64, Result<Outcome, Errno>)> {
        if let Operation::RecvBatch { at_most, count, .. } = *operation {
            return self.claim_batch(at_most, count);
        }
        let suits = |(_, arrival): &(u64, Arrival)| arrival.suits(operation);
        let nth = self.arrivals.iter().position(suits)?;
        let (from, arrival) = self.arrivals.remove(nth)?;
        let length = arrival.length();
        let (outcome, rest) = arrival.serve(operation, self.kind != Kind::Messages);
        if let Some(rest) = rest {
            let served = length - rest.length();
            self.arrivals.insert(nth, (from + served, rest));
        }
        Some((from, outcome))
    }
}

pub(crate) fn at_most_u32(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// All of a buffer's room, as content.
pub(crate) fn whole(mut buffer: Buffer) -> Buffer {
    let Ok(()) = buffer.fill(|room| Ok::<_, std::convert::Infallible>(room.len()));
    buffer
}
