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
        let line = &mut lines[usize::from(action >> 4) % LINES];
        let mut amount = || usize::from(program.next().unwrap_or(1));
        match action % 16 {
            0 | 1 => line.receive(&mut driver, 1 + amount() * amount() / 4),
            2 => line.receive_into(&mut driver, 1 + amount() * 64),
            3 | 4 => line.peer_writes(1 + amount() * amount()),
            5 | 6 => line.send(&mut driver, 1 + amount() * amount() * 4),
            7 => line.peer_reads(amount() * 1024),
            8 => line.give_up_a_receive(&mut driver, amount()),
            9 => line.give_up_a_send(&mut driver, amount()),
            10 => line.watch(&mut driver),
            11 if amount() < 32 => line.peer_ends(),
            12 if amount() < 32 => {
                line.let_go(&mut driver);
                *line = Line::new(&mut driver);
            }
            // The outcomes lie in their slots, and may be given up there.
            13 => wait(&mut driver),
            _ => {
                wait(&mut driver);
                lines.iter_mut().for_each(|line| line.take_outcomes(&mut driver));
            }
        }
    }
    if size & 0x80 == 0 {
        lines.iter_mut().for_each(|line| line.receive_the_rest(&mut driver));
    }
    drop(driver);
    lines.into_iter().for_each(Line::check_the_end);
}

fn wait(driver: &mut UringDriver) {
    driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
}

/// A source, its peer, and what the model knows of both.
struct Line {
    source: SourceId,
    peer: UnixStream,
    /// What the peer has written and nobody has taken.
    written: VecDeque<u8>,
    next: u8,
    peer_ended: bool,
    receives: VecDeque<Key>,
    sends: VecDeque<(Key, usize)>,
    watches: Vec<Key>,
    /// Runs of bytes that the peer is to read, in order; one that was given up may come short.
    expected: VecDeque<Run>,
    runs: u8,
}

struct Run {
    byte: u8,
    length: usize,
    /// Sent for certain: all of it has to come.
    sent: bool,
    key: Key,
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

    fn submit_receive(&mut self, driver: &mut UringDriver, operation: Operation) {
        match driver.submit(operation) {
            Submitted::Done(completion) => {
                // Those before have been served, and may not have taken it.
                self.take_outcomes(driver);
                assert!(self.receives.is_empty(), "served before his turn");
                self.received(completion);
            }
            Submitted::Pending(key) => self.receives.push_back(key),
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
        match driver.submit(Operation::Send { source: self.source, data }) {
            Submitted::Pending(key) => {
                self.sends.push_back((key, length));
                self.expected.push_back(Run { byte: self.runs, length, sent: false, key });
            }
            other => panic!("{other:?}"),
        }
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

    /// One of those who wait; where some may have their bytes already, all behind it too, whose
    /// bytes would come before what it gives back.
    fn give_up_a_receive(&mut self, driver: &mut UringDriver, which: usize) {
        if !self.receives.is_empty() {
            let first = which % self.receives.len();
            let behind = if self.written.is_empty() { 0 } else { self.receives.len() - first - 1 };
            for _ in 0..=behind {
                let key = self.receives.remove(first).expect("it is one of them");
                assert!(driver.cancel(key));
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

    /// In the order in which they were asked for; a later one is not done before an earlier one.
    fn take_outcomes(&mut self, driver: &mut UringDriver) {
        while let Some(key) = self.receives.front() {
            let Some(completion) = driver.take(*key) else { break };
            self.receives.pop_front();
            self.received(completion);
        }
        for key in self.receives.iter().skip(1) {
            assert!(driver.take(*key).is_none(), "served before his turn");
        }
        while let Some(&(key, length)) = self.sends.front() {
            let Some(completion) = driver.take(key) else { break };
            self.sends.pop_front();
            let Ok(Outcome::Sent(data)) = completion else { panic!("{completion:?}") };
            assert_eq!(data.len(), length, "the buffer comes back");
            // It may have been read already, and its run be gone.
            if let Some(run) = self.expected.iter_mut().find(|run| run.key == key) {
                run.sent = true;
            }
        }
        self.watches.retain(|key| driver.take(*key).is_none());
    }

    /// With its operations under way; sends that were under way may be sent in part.
    fn let_go(&mut self, driver: &mut UringDriver) {
        drop(driver.detach(self.source));
        for key in &self.receives {
            // Had it been served before, its outcome stands.
            driver.take(*key).expect("it has ended").map_or_else(drop, drop);
        }
    }

    /// All that the peer has written can be received by somebody.
    fn receive_the_rest(&mut self, driver: &mut UringDriver) {
        for _ in 0..10_000 {
            self.take_outcomes(driver);
            if self.written.is_empty() {
                return;
            }
            if self.receives.is_empty() {
                self.receive(driver, 1 << 16);
            }
            if !self.receives.is_empty() {
                driver.wait(Some(Duration::from_millis(100)), &mut Vec::new()).unwrap();
            }
        }
        panic!("{} bytes never came: {driver:?}", self.written.len());
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
