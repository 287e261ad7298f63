//! `Subject`: the driver under test, and the words in which the checks speak of it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    ops::{Deref, DerefMut},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::{
    Address, Buffer, Completion, Driver, Family, Key, Operation, Outcome, Socket, SocketKind,
    SourceId, Submitted,
};

/// Bounds a wait that must succeed, so that a driver that lost something fails instead of hanging.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A driver, and what it has reported so far.
pub(super) struct Subject<'a> {
    driver: &'a mut dyn Driver,
    reported: Vec<Key>,
    /// They make the calls that block.
    threads: Vec<JoinHandle<()>>,
}

/// An operation that was begun: done, or to be waited for.
#[derive(Debug)]
pub(super) enum Begun {
    Done(Box<Completion>),
    UnderWay(Key),
}

impl<'a> Subject<'a> {
    pub(super) fn new(driver: &'a mut dyn Driver) -> Self {
        Self { driver, reported: Vec::new(), threads: Vec::new() }
    }

    /// Begins an operation; a call that blocks gets a thread.
    pub(super) fn begin(&mut self, operation: Operation) -> Begun {
        match self.driver.submit(operation) {
            Submitted::Done(completion) => Begun::Done(Box::new(completion)),
            Submitted::Pending(key) => Begun::UnderWay(key),
            Submitted::Blocking(key, call) => {
                self.threads.push(std::thread::spawn(|| call.make()));
                Begun::UnderWay(key)
            }
        }
    }

    /// The key of an operation that has to wait.
    #[track_caller]
    pub(super) fn pending(&mut self, operation: Operation) -> Key {
        match self.begin(operation) {
            Begun::UnderWay(key) => key,
            done => panic!("done at once: {done:?}"),
        }
    }

    /// The outcome, now or later.
    #[track_caller]
    pub(super) fn complete(&mut self, operation: Operation) -> Completion {
        let begun = self.begin(operation);
        self.end(begun)
    }

    /// The outcome of what was begun.
    #[track_caller]
    pub(super) fn end(&mut self, begun: Begun) -> Completion {
        match begun {
            Begun::Done(completion) => *completion,
            Begun::UnderWay(key) => {
                let [completion] = self.finish([key]);
                completion
            }
        }
    }

    /// Waits until each of `keys` is done; their outcomes in that order.
    #[track_caller]
    pub(super) fn finish<const N: usize>(&mut self, keys: [Key; N]) -> [Completion; N] {
        keys.map(|key| {
            loop {
                self.until_reported(&[key]);
                // A driver may find that it was told in vain.
                if let Some(completion) = self.driver.take(key) {
                    return completion;
                }
            }
        })
    }

    /// Waits until the driver has named each of `keys`, and takes nothing.
    #[track_caller]
    pub(super) fn until_reported(&mut self, keys: &[Key]) {
        let end = Instant::now() + PATIENCE;
        while !keys.iter().all(|key| self.reported.contains(key)) {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never finished: {keys:?}, only {:?}", self.reported);
            self.driver.wait(Some(left), &mut self.reported).unwrap();
        }
        self.reported.retain(|key| !keys.contains(key));
    }

    /// Whether the driver has named `key`, and nobody has waited for it.
    pub(super) fn has_reported(&self, key: Key) -> bool {
        self.reported.contains(&key)
    }

    /// One look, which blocks for nothing; what it finds.
    pub(super) fn look(&mut self) -> Vec<Key> {
        let mut found = Vec::new();
        self.driver.wait(Some(Duration::ZERO), &mut found).unwrap();
        self.reported.extend(&found);
        found
    }

    /// A socket that the driver makes and takes in.
    pub(super) fn socket(&mut self, kind: SocketKind) -> (SourceId, Socket) {
        let socket = self.driver.socket(Family::V4, kind).unwrap();
        (self.driver.attach_socket(socket.clone()), socket)
    }

    /// A socket bound to a port that was free.
    pub(super) fn bound(&mut self, kind: SocketKind) -> (SourceId, Socket, Address) {
        let (source, socket) = self.socket(kind);
        socket.bind(&loopback()).unwrap();
        let address = socket.local_address().unwrap();
        (source, socket, address)
    }

    /// A socket that listens.
    pub(super) fn listener(&mut self) -> (SourceId, Address) {
        let (source, socket, address) = self.bound(SocketKind::Stream);
        socket.listen(128).unwrap();
        (source, address)
    }

    /// Two ends of a connection, with their sockets.
    #[track_caller]
    pub(super) fn connection(&mut self) -> [(SourceId, Socket); 2] {
        let (listener, address) = self.listener();
        let accepting = self.begin(Operation::Accept { source: listener });
        let (source, socket) = self.socket(SocketKind::Stream);
        let connected = self.complete(Operation::Connect { source, address: address.into() });
        assert!(matches!(connected, Ok(Outcome::Connected)), "{connected:?}");
        let accepted = accepted(self.end(accepting));
        self.driver.detach(listener);
        [(source, socket), (self.driver.attach_socket(accepted.clone()), accepted)]
    }

    /// Two ends of a connection; detaching one closes it.
    #[track_caller]
    pub(super) fn pair(&mut self) -> (SourceId, SourceId) {
        let [(ours, _), (theirs, _)] = self.connection();
        (ours, theirs)
    }

    #[track_caller]
    pub(super) fn send(&mut self, source: SourceId, data: impl Into<Buffer>) {
        let completion = self.complete(Operation::Send { source, data: data.into() });
        assert!(matches!(completion, Ok(Outcome::Sent(_))), "{completion:?}");
    }

    /// Receives until `count` bytes have come.
    #[track_caller]
    pub(super) fn recv_exactly(&mut self, source: SourceId, count: usize) -> Vec<u8> {
        let mut received = Vec::with_capacity(count);
        while received.len() < count {
            let more = data(self.complete(recv(source, count - received.len())));
            assert!(!more.is_empty(), "ended after {} of {count} bytes", received.len());
            received.extend(more);
        }
        received
    }
}

impl Drop for Subject<'_> {
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            let made = thread.join();
            assert!(made.is_ok() || std::thread::panicking(), "a blocking call panicked");
        }
    }
}

impl<'a> Deref for Subject<'a> {
    type Target = dyn Driver + 'a;

    fn deref(&self) -> &Self::Target {
        self.driver
    }
}

impl DerefMut for Subject<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.driver
    }
}

pub(super) fn loopback() -> Address {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()
}

pub(super) fn recv(source: SourceId, at_most: usize) -> Operation {
    Operation::Recv { source, at_most }
}

#[track_caller]
pub(super) fn data(completion: Completion) -> Vec<u8> {
    match completion {
        Ok(Outcome::Received(buffer)) => buffer.into_vec(),
        other => panic!("no data: {other:?}"),
    }
}

#[track_caller]
pub(super) fn accepted(completion: Completion) -> Socket {
    match completion {
        Ok(Outcome::Accepted(socket)) => socket,
        other => panic!("not accepted: {other:?}"),
    }
}
