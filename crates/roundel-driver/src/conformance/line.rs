//! `Line`: a connection whose receives are begun, taken from and given up at random, and the model of
//! it.

use std::{collections::VecDeque, io::ErrorKind, net::Shutdown, time::Duration};

use super::subject::{Begun, Subject, data, recv};
use crate::{
    Buffer, Completion, Key, Operation, Outcome, Socket, SocketKind, SocketOption, SourceId,
};

/// A connection, and what the model knows of it. Each of its messages is of one byte.
pub(super) struct Line {
    kind: SocketKind,
    ours: SourceId,
    theirs: SourceId,
    /// Until the peer resets the connection.
    peer: Option<Socket>,
    receives: VecDeque<Receive>,
    sent: usize,
    taken: usize,
    peer_ended: bool,
    seed: u64,
    random: u64,
}

/// A receive under way, or done and not taken.
struct Receive {
    key: Key,
    /// It brings one piece after the other.
    goes_on: bool,
}

impl Line {
    pub(super) fn new(on: &mut Subject<'_>, kind: SocketKind, seed: u64) -> Self {
        let (ours, theirs, peer) = match kind {
            SocketKind::Stream => {
                let [(ours, _), (theirs, peer)] = on.connection();
                (ours, theirs, peer)
            }
            SocketKind::Datagram => {
                let (ours, _, address) = on.bound(kind);
                let (theirs, peer) = on.socket(kind);
                let address = Box::new(address);
                assert!(on.complete(Operation::Connect { source: theirs, address }).is_ok());
                (ours, theirs, peer)
            }
        };
        let (receives, random) = (VecDeque::new(), seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (peer, sent, taken, peer_ended) = (Some(peer), 0, 0, false);
        Self { kind, ours, theirs, peer, receives, sent, taken, peer_ended, seed, random }
    }

    /// A number by xorshift.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 32) as usize % end
    }

    pub(super) fn receive(&mut self, on: &mut Subject<'_>) {
        let (source, amount) = (self.ours, 1 + self.below(12));
        let operation = match (self.kind, self.below(4)) {
            (SocketKind::Stream, 0) => {
                Operation::RecvInto { source, buffer: Buffer::with_room(amount) }
            }
            // Small pieces: most fill their room, and leave a rest.
            (SocketKind::Stream, 1) => Operation::RecvMany { source, at_most: amount / 3 },
            (SocketKind::Stream, _) => recv(source, amount),
            (SocketKind::Datagram, 0) => Operation::RecvFrom { source, at_most: 100 },
            (SocketKind::Datagram, _) => {
                Operation::RecvBatch { source, at_most: 100, count: amount }
            }
        };
        let goes_on = operation.goes_on();
        match on.begin(operation) {
            Begun::UnderWay(key) => self.receives.push_back(Receive { key, goes_on }),
            Begun::Done(completion) => {
                assert!(!goes_on, "it has only begun; {}", self.name());
                // Those before have been served.
                while !self.receives.is_empty() {
                    assert!(!self.receives[0].goes_on, "served before its turn; {}", self.name());
                    self.take_one(on);
                }
                self.taken(*completion);
            }
        }
    }

    pub(super) fn send(&mut self, on: &mut Subject<'_>) {
        let amount = 1 + self.below(24);
        let is_too_much =
            self.kind == SocketKind::Datagram && self.sent + amount > self.taken + 100;
        // A kernel drops what it has no room for.
        if self.peer_ended || is_too_much {
            return;
        }
        let data: Vec<u8> = (self.sent..self.sent + amount).map(byte).collect();
        match self.kind {
            SocketKind::Stream => on.send(self.theirs, data),
            SocketKind::Datagram => data.iter().for_each(|byte| on.send(self.theirs, &[*byte])),
        }
        self.sent += amount;
    }

    pub(super) fn peer_ends(&mut self) {
        if self.kind == SocketKind::Stream && !self.peer_ended {
            self.peer_ended = true;
            let peer = self.peer.as_ref().expect("it has not reset the connection");
            peer.shutdown(Shutdown::Write).unwrap();
        }
    }

    /// What the first who waits gets: something, if anything is left, or the end. Else one that goes
    /// on is asked in vain, and will be named again.
    pub(super) fn take_one(&mut self, on: &mut Subject<'_>) {
        let Some(&Receive { key, goes_on }) = self.receives.front() else { return };
        if self.taken < self.sent || self.peer_ended {
            let completion = self.next(on).expect("there is a first");
            self.taken(completion);
        } else if goes_on {
            assert!(on.take(key).is_none(), "nothing has come; {}", self.name());
        }
    }

    /// All that is there for one that goes on, as whoever is told of it takes it.
    pub(super) fn take_all(&mut self, on: &mut Subject<'_>) {
        while let Some(&Receive { key, goes_on: true }) = self.receives.front()
            && let Some(completion) = on.take(key)
        {
            self.took(&completion);
            self.taken(completion);
        }
    }

    /// What the first gets, now or later.
    fn next(&mut self, on: &mut Subject<'_>) -> Option<Completion> {
        let &Receive { key, goes_on } = self.receives.front()?;
        let unasked = if goes_on { on.take(key) } else { None };
        let completion = unasked.unwrap_or_else(|| {
            let [completion] = on.finish([key]);
            completion
        });
        self.took(&completion);
        Some(completion)
    }

    /// That was all for the first, unless it goes on.
    fn took(&mut self, completion: &Completion) {
        let is_piece = matches!(completion, Ok(Outcome::Received(piece)) if !piece.is_empty());
        if !(self.receives[0].goes_on && is_piece) {
            self.receives.pop_front();
        }
    }

    #[track_caller]
    fn taken(&mut self, completion: Completion) {
        let data = match completion {
            Ok(Outcome::Datagram(one)) => one.data.to_vec(),
            Ok(Outcome::Datagrams(many)) => many.iter().map(|one| one.data[0]).collect(),
            completion => data(completion),
        };
        let end = self.taken + data.len();
        let expected: Vec<u8> = (self.taken..end).map(byte).collect();
        assert_eq!(data, expected, "lost, doubled or out of order; {}", self.name());
        assert!(end <= self.sent, "{}", self.name());
        let is_end = self.peer_ended && self.taken == self.sent;
        assert_eq!(data.is_empty(), is_end, "the end is behind everything; {}", self.name());
        self.taken = end;
    }

    /// One, and those behind it, which may have what comes after; in any order. One that goes on has
    /// nothing yet, nor has anybody behind it: it may go alone.
    pub(super) fn give_up_from_anywhere(&mut self, on: &mut Subject<'_>) {
        let first = self.below(self.receives.len() + 1);
        let rest = self.receives.iter().skip(first);
        let mut count = rest.take_while(|receive| !receive.goes_on).count();
        count = count.max(1).min(self.receives.len() - first);
        for left in (1..=count).rev() {
            let which = first + self.below(left);
            self.give_up(on, which);
        }
    }

    /// The last of those who were named, or the last who had something to itself, before one that
    /// goes on; those who still wait get what it had, in order. One at a time: a driver that has only
    /// named the next gives it what this one had.
    pub(super) fn give_up_one_that_was_named(&mut self, on: &mut Subject<'_>) {
        on.look();
        let is_named = |receive: &&Receive| on.has_reported(receive.key);
        let mut named = self.receives.iter().take_while(is_named).count();
        if named > 1 && self.receives[named - 1].goes_on && self.below(2) == 0 {
            named -= 1;
        }
        if named > 0 {
            self.give_up(on, named - 1);
        }
    }

    fn give_up(&mut self, on: &mut Subject<'_>, which: usize) {
        let Receive { key, .. } = self.receives.remove(which).expect("it is one of them");
        assert!(on.cancel(key), "{}", self.name());
    }

    /// One end or the other goes, or neither before all is taken.
    pub(super) fn end(mut self, on: &mut Subject<'_>) {
        match self.below(4) {
            0 if self.kind == SocketKind::Stream => self.reset(on),
            1 => self.let_go(on),
            _ => self.take_the_rest(on),
        }
        let (ours, theirs) = (on.detach(self.ours), on.detach(self.theirs));
        drop((ours, theirs));
    }

    fn take_the_rest(&mut self, on: &mut Subject<'_>) {
        self.give_up_from_anywhere(on);
        while self.taken < self.sent {
            self.receive(on);
            self.take_one(on);
        }
        for which in (0..self.receives.len()).rev() {
            self.give_up(on, which);
        }
    }

    /// The peer's reset comes behind what came before it, unless that is lost by it.
    fn reset(&mut self, on: &mut Subject<'_>) {
        let peer = self.peer.take().expect("once");
        peer.set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
        drop(peer);
        drop(on.detach(self.theirs));
        let mut is_over = false;
        while let Some(completion) = self.next(on) {
            match completion {
                Ok(Outcome::Received(piece)) if !piece.is_empty() => {
                    assert!(!is_over, "{}", self.name());
                    self.taken(Ok(Outcome::Received(piece)));
                }
                // It is told once, and then there is nothing.
                Ok(_) => is_over = true,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{}", self.name());
                    is_over = true;
                }
            }
        }
    }

    /// With its receives under way. Had one been served before, its outcome stands; one that goes on
    /// ends with what nobody has taken from it.
    fn let_go(&mut self, on: &mut Subject<'_>) {
        drop(on.detach(self.ours));
        let mut is_over = false;
        while let Some(&Receive { goes_on, .. }) = self.receives.front() {
            match self.next(on).expect("there is a first") {
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ConnectionAborted, "{}", self.name());
                    is_over = true;
                }
                done => {
                    assert!(!goes_on && !is_over, "{}", self.name());
                    self.taken(done);
                }
            }
        }
    }

    fn name(&self) -> String {
        format!("{:?}, seed {}", self.kind, self.seed)
    }
}

/// The byte at a place of the stream: no two short stretches are alike.
fn byte(place: usize) -> u8 {
    ((place as u32).wrapping_mul(0x9e37_79b9) >> 24) as u8
}
