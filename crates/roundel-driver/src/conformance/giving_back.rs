//! What was received for operations that were given up afterwards: nothing is lost, doubled or out
//! of order, whoever gets it next and gives it up again.

use std::collections::VecDeque;

use super::{
    Check,
    subject::{Begun, Subject, data, recv},
};
use crate::{Address, Buffer, Completion, Key, Operation, Outcome, SocketKind, SourceId};

pub(super) const CHECKS: &[Check] = &[
    ("what is given back twice keeps its place", what_is_given_back_twice_keeps_its_place),
    ("also before what others have", also_before_what_others_have),
    ("a message that is given back stays one", a_message_stays_one),
    ("random cancels leave a stream in order", random_cancels_leave_a_stream_in_order),
    ("random cancels leave messages in order", random_cancels_leave_messages_in_order),
];

fn what_is_given_back_twice_keeps_its_place(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let [one, two] = [4, 2].map(|n| on.pending(recv(ours, n)));
    on.send(theirs, b"abcd");
    on.until_reported(&[one]);
    assert!(on.cancel(one));
    // A part goes to the second, and comes back before the rest.
    on.until_reported(&[two]);
    assert!(on.cancel(two));
    assert_eq!(on.recv_exactly(ours, 4), b"abcd");
}

fn also_before_what_others_have(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let [one, two, three] = [2; 3].map(|n| on.pending(recv(ours, n)));
    on.send(theirs, b"abcd");
    on.until_reported(&[one, two]);
    assert!(on.cancel(one));
    on.until_reported(&[three]);
    assert!(on.cancel(two) && on.cancel(three));
    assert_eq!(on.recv_exactly(ours, 4), b"abcd");
}

/// What a receive has no room for is lost, as from the kernel. Source: recv(2).
fn a_message_stays_one(on: &mut Subject<'_>) {
    let (ours, _, address) = on.bound(SocketKind::Datagram);
    let (theirs, _) = on.socket(SocketKind::Datagram);
    let keys = [(); 2].map(|()| on.pending(recv(ours, 100)));
    for message in [b"first", b"other"] {
        assert!(send_to(on, theirs, message, &address).is_ok());
    }
    on.until_reported(&keys);
    assert!(on.cancel(keys[1]) && on.cancel(keys[0]));
    assert_eq!(data(on.complete(recv(ours, 3))), b"fir");
    let into = Operation::RecvInto { source: ours, buffer: Buffer::with_room(2) };
    assert_eq!(data(on.complete(into)), b"ot");
    assert!(send_to(on, theirs, b"third", &address).is_ok());
    assert_eq!(data(on.complete(recv(ours, 100))), b"third");
}

fn send_to(on: &mut Subject<'_>, from: SourceId, data: &[u8], to: &Address) -> Completion {
    on.complete(Operation::SendTo { source: from, data: data.into(), to: Box::new(to.clone()) })
}

fn random_cancels_leave_a_stream_in_order(on: &mut Subject<'_>) {
    random_cancels(on, SocketKind::Stream);
}

/// Received one by one, and several at once.
fn random_cancels_leave_messages_in_order(on: &mut Subject<'_>) {
    random_cancels(on, SocketKind::Datagram);
}

fn random_cancels(on: &mut Subject<'_>, kind: SocketKind) {
    for seed in 1..=60 {
        let mut line = Line::new(on, kind, seed);
        for _ in 0..120 {
            match line.below(8) {
                0..=2 => line.receive(on),
                3 => line.send(on),
                4 => line.take_one(on),
                5 => line.give_up_from_anywhere(on),
                6 => line.give_up_one_that_was_named(on),
                _ => drop(on.look()),
            }
        }
        line.take_the_rest(on);
    }
}

/// A connection, and what the model knows of it. Each of its messages is of one byte.
struct Line {
    kind: SocketKind,
    ours: SourceId,
    theirs: SourceId,
    receives: VecDeque<Key>,
    sent: usize,
    taken: usize,
    seed: u64,
    random: u64,
}

impl Line {
    fn new(on: &mut Subject<'_>, kind: SocketKind, seed: u64) -> Self {
        let (ours, theirs) = match kind {
            SocketKind::Stream => on.pair(),
            SocketKind::Datagram => {
                let (ours, _, address) = on.bound(kind);
                let (theirs, _) = on.socket(kind);
                let address = Box::new(address);
                assert!(on.complete(Operation::Connect { source: theirs, address }).is_ok());
                (ours, theirs)
            }
        };
        let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { kind, ours, theirs, receives: VecDeque::new(), sent: 0, taken: 0, seed, random }
    }

    /// A number by xorshift.
    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 32) as usize % end
    }

    fn receive(&mut self, on: &mut Subject<'_>) {
        let (source, amount) = (self.ours, 1 + self.below(12));
        let operation = match (self.kind, self.below(3)) {
            (SocketKind::Stream, 0) => {
                Operation::RecvInto { source, buffer: Buffer::with_room(amount) }
            }
            (SocketKind::Stream, _) => recv(source, amount),
            (SocketKind::Datagram, 0) => Operation::RecvFrom { source, at_most: 100 },
            (SocketKind::Datagram, _) => {
                Operation::RecvBatch { source, at_most: 100, count: amount }
            }
        };
        match on.begin(operation) {
            Begun::UnderWay(key) => self.receives.push_back(key),
            Begun::Done(completion) => {
                // Those before have been served.
                while !self.receives.is_empty() {
                    self.take_one(on);
                }
                self.taken(*completion);
            }
        }
    }

    fn send(&mut self, on: &mut Subject<'_>) {
        let amount = 1 + self.below(24);
        if self.kind == SocketKind::Datagram && self.sent + amount > self.taken + 100 {
            // A kernel drops what it has no room for.
            return;
        }
        let data: Vec<u8> = (self.sent..self.sent + amount).map(byte).collect();
        match self.kind {
            SocketKind::Stream => on.send(self.theirs, data),
            SocketKind::Datagram => data.iter().for_each(|byte| on.send(self.theirs, &[*byte])),
        }
        self.sent += amount;
    }

    /// What the first who waits gets: something, if anything is left.
    fn take_one(&mut self, on: &mut Subject<'_>) {
        if self.taken < self.sent
            && let Some(first) = self.receives.pop_front()
        {
            let [completion] = on.finish([first]);
            self.taken(completion);
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
        assert_eq!(data, expected, "lost, doubled or out of order; seed {}", self.seed);
        assert!((self.taken + 1..=self.sent).contains(&end), "seed {}", self.seed);
        self.taken = end;
    }

    /// One, and all behind it, which may have what comes after; in any order.
    fn give_up_from_anywhere(&mut self, on: &mut Subject<'_>) {
        let first = self.below(self.receives.len() + 1);
        while self.receives.len() > first {
            let which = first + self.below(self.receives.len() - first);
            self.give_up(on, which);
        }
    }

    /// The last of those who were named; those who still wait get what it had, in order. One at a
    /// time: a driver that has only named the next gives it what this one had.
    fn give_up_one_that_was_named(&mut self, on: &mut Subject<'_>) {
        on.look();
        let named = self.receives.iter().take_while(|&&key| on.has_reported(key)).count();
        if named > 0 {
            self.give_up(on, named - 1);
        }
    }

    fn give_up(&mut self, on: &mut Subject<'_>, which: usize) {
        let key = self.receives.remove(which).expect("it is one of them");
        assert!(on.cancel(key));
    }

    fn take_the_rest(mut self, on: &mut Subject<'_>) {
        self.give_up_from_anywhere(on);
        while self.taken < self.sent {
            self.receive(on);
            self.take_one(on);
        }
        for which in (0..self.receives.len()).rev() {
            self.give_up(on, which);
        }
        let (ours, theirs) = (on.detach(self.ours), on.detach(self.theirs));
        drop((ours, theirs));
    }
}

/// The byte at a place of the stream: no two short stretches are alike.
fn byte(place: usize) -> u8 {
    ((place as u32).wrapping_mul(0x9e37_79b9) >> 24) as u8
}
