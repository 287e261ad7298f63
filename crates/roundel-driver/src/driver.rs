//! `Driver`: the trait above which nobody knows how the kernel reports.

use std::{fmt, io::IoSlice, time::Duration};

use roundel_selector::{Notifier, Source};
use rustix::fd::BorrowedFd;

use crate::{
    BlockingCall, Completion, DriverError, Family, File, Key, Operation, OperationError, Socket,
    SocketError, SocketKind, SourceId, kernel_socket,
};

/// Carries out operations and tells which are done.
///
/// A driver never runs user code and never wakes anybody: [`wait`](Self::wait) names the
/// operations that finished, and whoever waits for one takes its outcome from the slot. Everything
/// an operation owns lies in that slot, so its owner may forget it at any time.
pub trait Driver: fmt::Debug {
    /// Takes a source in, to be named in operations. Costs no system call; the kernel hears of the
    /// source when an operation first has to wait.
    fn attach(&mut self, source: Source) -> SourceId;

    /// Makes a socket, non-blocking and closed on exec: the kernel's, unless the driver has a
    /// network of its own.
    ///
    /// # Errors
    /// There are too many open files, or the system has no such sockets.
    fn socket(&mut self, family: Family, kind: SocketKind) -> Result<Socket, SocketError> {
        kernel_socket::open(family, kind)
    }

    /// Takes in a socket that this driver made or accepted, or one of the kernel's.
    ///
    /// # Panics
    /// If it is a socket that only another driver knows.
    #[track_caller]
    fn attach_socket(&mut self, socket: Socket) -> SourceId {
        self.attach(socket.source().expect("a socket is attached to the driver that made it"))
    }

    /// Takes in a file that this driver opened, or one of the kernel's.
    ///
    /// # Panics
    /// If it is a file that only another driver knows.
    #[track_caller]
    fn attach_file(&mut self, file: File) -> SourceId {
        self.attach(file.source().expect("a file is attached to the driver that opened it"))
    }

    /// Lets a source go. Its operations under way fail with
    /// [`ConnectionAborted`](std::io::ErrorKind::ConnectionAborted); those of a file may also come
    /// to their end. Returns the kernel's descriptor, to be dropped where foreign code may run;
    /// there is none if the driver did not have the source, or alone knows what it is.
    fn detach(&mut self, id: SourceId) -> Option<Source>;

    /// Starts an operation, or finishes it on the spot where the kernel lets it.
    fn submit(&mut self, operation: Operation) -> Submitted;

    /// Sends as much of `data`, one slice behind the other, on a socket as goes at once, and tells how
    /// many bytes that were: none if others wait in front, if the kernel has no room, or if the
    /// driver sends by operations only. Whoever has more then [submits](Self::submit) the rest.
    /// Source: sendmsg(2).
    ///
    /// # Errors
    /// As those of [`Operation::Send`]; nothing went.
    fn send_now(
        &mut self,
        source: SourceId,
        data: &[IoSlice<'_>],
    ) -> Result<usize, OperationError> {
        let _ = (source, data);
        Ok(0)
    }

    /// Takes the outcome of a finished operation; `None` while it is under way, and for a key that
    /// has been taken or cancelled. A driver may make the call of an operation that it named here,
    /// and find that the kernel has nothing after all: then it is under way again, and will be named
    /// again.
    ///
    /// An operation that [goes on](Operation::goes_on) is named when there is something, and then not
    /// again until it was taken from, perhaps not before that was in vain: whoever is told takes until
    /// there is nothing, or comes back for the rest unasked. An empty piece or an error is the last, and
    /// the key is free with it.
    fn take(&mut self, key: Key) -> Option<Completion>;

    /// Gives an operation up: what it owns is freed as soon as the kernel lets go of it. What it
    /// had received or accepted already is kept for the source's next operation of its kind, in
    /// order. Tells whether the key was still in use. Never blocks.
    fn cancel(&mut self, key: Key) -> bool;

    /// Waits until an operation is done, the notifier fires or `timeout` passes (`None`: no
    /// limit), and appends the keys of the finished operations to `completed`. May return sooner
    /// with nothing to tell.
    /// The only place in the whole stack that blocks.
    ///
    /// # Errors
    /// The kernel's waiting call failed; operations are unharmed.
    fn wait(
        &mut self,
        timeout: Option<Duration>,
        completed: &mut Vec<Key>,
    ) -> Result<(), DriverError>;

    /// What ends a wait from any thread.
    fn notifier(&self) -> Notifier;

    /// How many operations a `wait` could report: under way, or finished and not yet named.
    fn in_flight(&self) -> usize;

    /// A descriptor that is readable when `wait` has something to report, for a foreign loop to
    /// watch; `None` where the mechanism has none.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Whether the code above is to go an uncommon way at this place of it, once. Never, but on a
    /// simulated kernel: to what it does to programs belongs what it makes them do to themselves.
    fn buggify(&mut self, site: &'static str) -> bool {
        let _ = site;
        false
    }

    /// The mechanism's name.
    fn name(&self) -> &'static str;

    /// What the driver holds and has done.
    fn statistics(&self) -> DriverStatistics;
}

/// The immediate answer to a submission.
#[derive(Debug)]
#[must_use = "an operation nobody waits for is an operation to cancel"]
pub enum Submitted {
    /// It is done already.
    Done(Completion),
    /// It is under way; the outcome will be found under the key.
    Pending(Key),
    /// It takes a call that blocks, which the driver must not make: whoever submitted the
    /// operation has the call made on another thread. The outcome will be found under the key.
    Blocking(Key, BlockingCall),
}

/// A driver's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DriverStatistics {
    /// Sources attached now.
    pub sources: usize,
    /// Operations under way or not yet taken.
    pub operations: usize,
    /// Receive buffers that hold data which somebody has, or has yet to take.
    pub buffers: usize,
    /// Calls of `wait` so far.
    pub waits: u64,
    /// Operations that finished on submission, without waiting.
    pub immediate: u64,
    /// Calls that the kernel refused because it had nothing to give or no room to take.
    pub refused: u64,
    /// Operations that finished after waiting, and pieces of those that go on.
    pub delayed: u64,
    /// Changes made to the kernel's list of watched sources.
    pub registrations: u64,
}
