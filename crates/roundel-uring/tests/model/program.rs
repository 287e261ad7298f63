//! `run`: a program read from bytes, carried out on a driver and on the model.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    time::Duration,
};

use roundel_driver::{
    Buffer, Completion, Driver, Interest, Key, Operation, Outcome, Source, SourceId, Submitted,
};
use roundel_uring::{UringConfig, UringDriver};

const LINES: usize = 4;

/// Runs the program that `bytes` stand for.
///
/// # Panics
/// If the driver does what the model does not.
pub(crate) fn run(bytes: &[u8]) {
    let mut program = bytes.iter().copied();
    let size = program.next().unwrap_or(0);
    let config = match size % 3 {
        0 => UringConfig { submissions: 2, completions: 4 },
        1 => UringConfig { submissions: 8, completions: 16 },
        _ => UringConfig::default(),
    };
    let mut driver = UringDriver::with_config(config).expect("it was probed");
    let mut lines: Vec<_> = (0..LINES).map(|_| Line::new(&mut driver)).collect();
    while let Some(action) = program.next() {
        let nth = usize::from(action >> 4) % LINES;
        let line = &mut lines[nth];
        let mut amount = || usize::from(program.next().unwrap_or(1));
        match action % 16 {
            0 => line.receive(&mut driver, 1 + amount() * amount() / 4),
            1 => line.receive_many(&mut driver, amount() * amount() * 4),
            2 => line.receive_into(&mut driver, 1 + amount() * 64),
            3 | 4 => line.peer_writes(1 + amount() * amount()),
            5 | 6 => line.send(&mut driver, 1 + amount() * amount() * 4),
            7 => line.peer_reads(amount() * 1024),
            8 => {
                line.give_up_a_receive(&mut driver, amount());
                if amount() < 64 {
                    // Whoever is left has what was given up.
                    receive_the_rest(&mut driver, &mut lines, nth);
                }
            }
            9 => line.give_up_a_send(&mut driver, amount()),
            10 => line.watch(&mut driver),
            11 if amount() < 32 => line.peer_ends(),
            12 if amount() < 32 => {
                line.let_go(&mut driver);
                *line = Line::new(&mut driver);
            }
            // The outcomes lie in their slots, and may be given up there.
            11 | 12 => wait(&mut driver, &mut lines),
            13 if amount() < 64 => bring_much(&mut driver, &mut lines, nth),
            13 => wait(&mut driver, &mut lines),
            14 => {
                line.take_one(&mut driver);
            }
            _ => {
                wait(&mut driver, &mut lines);
                lines.iter_mut().for_each(|line| line.take_outcomes(&mut driver));
            }
        }
    }
    if size & 0x80 == 0 {
        for nth in 0..LINES {
            receive_the_rest(&mut driver, &mut lines, nth);
        }
    }
    drop(driver);
    lines.into_iter().for_each(Line::check_the_end);
}

/// So much that a source whose receive goes on has learned to receive it by calls.
fn bring_much(driver: &mut UringDriver, lines: &mut [Line], nth: usize) {
    for _ in 0..8 {
        lines[nth].peer_writes(100_000);
        receive_the_rest(driver, lines, nth);
    }
}

/// Nothing is waited for, and nobody takes what was named.
fn wait(driver: &mut UringDriver, lines: &mut [Line]) {
    hear(driver, lines, Duration::ZERO);
}

/// Tells the lines which of their receives were named.
fn hear(driver: &mut UringDriver, lines: &mut [Line], timeout: Duration) {
    let mut named = Vec::new();
    driver.wait(Some(timeout), &mut named).unwrap();
    for receive in lines.iter_mut().flat_map(|line| &mut line.receives) {
        receive.named += named.iter().filter(|key| **key == receive.key).count();
        assert!(receive.named <= 1 + receive.taken, "named again and not taken from: {driver:?}");
    }
}

/// All that the peer has written can be received by somebody who takes what he is told of.
fn receive_the_rest(driver: &mut UringDriver, lines: &mut [Line], nth: usize) {
    let mut rounds_in_vain = 0;
    lines[nth].take_outcomes(driver);
    while !lines[nth].written.is_empty() {
        let line = &mut lines[nth];
        if line.receives.is_empty() {
            line.receive_to_the_end(driver, nth.is_multiple_of(2));
        }
        let Some(&Receive { key, named, .. }) = line.receives.front() else { continue };
        hear(driver, lines, Duration::from_millis(100));
        let line = &mut lines[nth];
        if line.receives[0].named > named {
            line.take_outcomes(driver);
            rounds_in_vain = 0;
        }
        rounds_in_vain += 1;
        assert!(
            rounds_in_vain < 100,
            "{key:?} was never named for {} bytes: {driver:?}",
            line.written.len()
        );
    }
}

/// A source, its peer, and what the model knows of both.
struct Line {
    source: SourceId,
    peer: UnixStream,
    /// What the peer has written and nobody has taken.
    written: VecDeque<u8>,
    next: u8,
    peer_ended: bool,
    receives: VecDeque<Receive>,
    sends: VecDeque<(Key, usize)>,
    watches: Vec<Key>,
    /// Runs of bytes that the peer is to read, in order; one that was given up may come short.
    expected: VecDeque<Run>,
    runs: u8,
}

/// A receive under way, or done and not taken.
struct Receive {
    key: Key,
    /// It brings one piece after the other.
    goes_on: bool,
    /// How often, so far.
    named: usize,
    taken: usize,
}

struct Run {
    byte: u8,
    length: usize,
    /// Sent for certain: all of it has to come.
    sent: bool,
    /// None if it was sent at once.
    key: Option<Key>,
}

impl Line {
    fn new(driver: &mut UringDriver) -> Self {
        let (ours, peer) = UnixStream::pair().unwrap();
        peer.set_nonblocking(true).unwrap();
        Self {
            source: driver.attach(Source::new(ours)),
            peer,
            written: VecDeque::new(),
            next: 0,
            peer_ended: false,
            receives: VecDeque::new(),
            sends: VecDeque::new(),
            watches: Vec::new(),
            expected: VecDeque::new(),
            runs: 0,
        }
    }

    fn receive(&mut self, driver: &mut UringDriver, at_most: usize) {
        let operation = Operation::Recv { source: self.source, at_most };
        self.submit_receive(driver, operation);
    }

    fn receive_into(&mut self, driver: &mut UringDriver, room: usize) {
        let buffer = Buffer::with_room(room);
        self.submit_receive(driver, Operation::RecvInto { source: self.source, buffer });
    }

    fn receive_many(&mut self, driver: &mut UringDriver, at_most: usize) {
        let operation = Operation::RecvMany { source: self.source, at_most };
        self.submit_receive(driver, operation);
    }

    /// Whoever takes all that is left.
    fn receive_to_the_end(&mut self, driver: &mut UringDriver, goes_on: bool) {
        match goes_on {
            true => self.receive_many(driver, 1 << 18),
            false => self.receive(driver, 1 << 16),
        }
    }

    fn submit_receive(&mut self, driver: &mut UringDriver, operation: Operation) {
        let goes_on = operation.goes_on();
        match driver.submit(operation) {
            Submitted::Done(completion) => {
                assert!(!goes_on, "it has only begun");
                // Those before have been served, and may not have taken it.
                self.take_outcomes(driver);
                assert!(self.receives.is_empty(), "served before his turn");
                self.received(completion);
            }
            Submitted::Pending(key) => {
                self.receives.push_back(Receive { key, goes_on, named: 0, taken: 0 });
            }
            other => panic!("{other:?}"),
        }
    }

    /// What came is what comes next.
    fn received(&mut self, completion: Completion) {
        let Ok(Outcome::Received(data)) = completion else { panic!("{completion:?}") };
        if data.is_empty() {
            assert!(self.peer_ended && self.written.is_empty(), "an end in the middle");
        }
        for byte in &*data {
            assert_eq!(self.written.pop_front(), Some(*byte), "lost, doubled or out of order");
        }
    }

    fn peer_writes(&mut self, amount: usize) {
        if self.peer_ended {
            return;
        }
        let data: Vec<u8> = (0..amount).map(|nth| self.next.wrapping_add(nth as u8)).collect();
        match self.peer.write(&data) {
            Ok(written) => {
                self.written.extend(&data[..written]);
                self.next = self.next.wrapping_add(written as u8);
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }

    fn peer_ends(&mut self) {
        self.peer.shutdown(Shutdown::Write).unwrap();
        self.peer_ended = true;
    }

    fn send(&mut self, driver: &mut UringDriver, length: usize) {
        // No two neighbours are alike, so that their border shows.
        self.runs = self.runs % 250 + 1;
        let data = vec![self.runs; length].into();
        let key = match driver.submit(Operation::Send { source: self.source, data }) {
            Submitted::Pending(key) => {
                self.sends.push_back((key, length));
                Some(key)
            }
            Submitted::Done(Ok(Outcome::Sent(data))) => {
                assert_eq!(data.len(), length, "the buffer comes back");
                // Those before have been sent, and may not have been taken.
                self.take_sends(driver);
                assert!(self.sends.is_empty(), "sent before its turn");
                None
            }
            other => panic!("{other:?}"),
        };
        self.expected.push_back(Run { byte: self.runs, length, sent: key.is_none(), key });
    }

    /// Reads some, and finds the runs that the model expects.
    fn peer_reads(&mut self, amount: usize) {
        let mut room = vec![0; amount];
        if let Ok(read) = self.peer.read(&mut room) {
            for byte in &room[..read] {
                self.read_one(*byte);
            }
        }
    }

    fn read_one(&mut self, byte: u8) {
        while let Some(run) = self.expected.front_mut() {
            if run.byte == byte && run.length > 0 {
                run.length -= 1;
                return;
            }
            assert!(!run.sent || run.length == 0, "{} bytes of a whole send are lost", run.length);
            self.expected.pop_front();
        }
        panic!("{byte}: nobody sent this");
    }

    /// One of those who wait. Where some may have their bytes already, those behind it too, whose
    /// bytes would come before what it gives back; from one that goes on nobody has any.
    fn give_up_a_receive(&mut self, driver: &mut UringDriver, which: usize) {
        if !self.receives.is_empty() {
            let first = which % self.receives.len();
            let mut count = 1;
            if !self.written.is_empty() {
                let rest = self.receives.iter().skip(first);
                count = rest.take_while(|receive| !receive.goes_on).count().max(1);
            }
            for _ in 0..count {
                let receive = self.receives.remove(first).expect("it is one of them");
                assert!(driver.cancel(receive.key));
            }
        }
    }

    fn give_up_a_send(&mut self, driver: &mut UringDriver, which: usize) {
        if !self.sends.is_empty() {
            let (key, _) = self.sends.remove(which % self.sends.len()).unwrap();
            assert!(driver.cancel(key));
        }
    }

    fn watch(&mut self, driver: &mut UringDriver) {
        let operation = Operation::Ready { source: self.source, interest: Interest::READ };
        match driver.submit(operation) {
            Submitted::Done(completion) => {
                assert!(completion.is_ok() && !self.written.is_empty() || self.peer_ended);
            }
            Submitted::Pending(key) => self.watches.push(key),
            other => panic!("{other:?}"),
        }
    }

    /// What the first has: its outcome, or its next piece, of which an empty one is the last.
    /// False if it has nothing.
    fn take_one(&mut self, driver: &mut UringDriver) -> bool {
        let Some(first) = self.receives.front_mut() else { return false };
        first.taken += 1;
        let Some(completion) = driver.take(first.key) else { return false };
        let is_piece = matches!(&completion, Ok(Outcome::Received(piece)) if !piece.is_empty());
        if !(first.goes_on && is_piece) {
            assert!(!driver.cancel(first.key), "the key is free");
            self.receives.pop_front();
        }
        self.received(completion);
        true
    }

    /// In the order in which they were asked for; a later one is not done before an earlier one.
    fn take_outcomes(&mut self, driver: &mut UringDriver) {
        while self.take_one(driver) {}
        for receive in self.receives.iter().skip(1) {
            assert!(driver.take(receive.key).is_none(), "served before his turn");
        }
        self.take_sends(driver);
        self.watches.retain(|key| driver.take(*key).is_none());
    }

    fn take_sends(&mut self, driver: &mut UringDriver) {
        while let Some(&(key, length)) = self.sends.front() {
            let Some(completion) = driver.take(key) else { break };
            self.sends.pop_front();
            let Ok(Outcome::Sent(data)) = completion else { panic!("{completion:?}") };
            assert_eq!(data.len(), length, "the buffer comes back");
            // It may have been read already, and its run be gone.
            if let Some(run) = self.expected.iter_mut().find(|run| run.key == Some(key)) {
                run.sent = true;
            }
        }
    }

    /// With its operations under way; sends that were under way may be sent in part.
    fn let_go(&mut self, driver: &mut UringDriver) {
        drop(driver.detach(self.source));
        for receive in &self.receives {
            // Had it been served before, its outcome stands.
            let ended = driver.take(receive.key).expect("it has ended");
            assert!(ended.is_err() || !receive.goes_on, "{ended:?}");
        }
    }

    /// The driver is gone: the peer finds the end behind what was sent.
    fn check_the_end(mut self) {
        self.peer.set_nonblocking(false).unwrap();
        let mut rest = Vec::new();
        match self.peer.read_to_end(&mut rest) {
            Ok(_) => {}
            // Something the peer had written was not received.
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        rest.into_iter().for_each(|byte| self.read_one(byte));
    }
}
