//! `DatagramCalls`: several datagrams at a call, where the system has such calls.

use rustix::{fd::BorrowedFd, io::Errno};

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(not(target_os = "linux"))]
use self::one_by_one as system;
use crate::{
    BufferPool, Datagram, Messages,
    attempt::{Attempt, receive_from, uninterrupted},
    buffer::{IDLE_BYTES_PER_SIZE, LARGEST},
};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod one_by_one;

/// One call brings no more: by then its own cost has vanished, and others want their turn.
const MOST_AT_ONCE: usize = 64;

/// How datagrams go and come on one socket, several at a call; for authors of drivers. None of it
/// waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct DatagramCalls {
    /// What came behind datagrams and could not be told with them.
    error: Option<Errno>,
    /// Whether several can be received at once; asked of the kernel once.
    receives_many: Option<bool>,
}

impl DatagramCalls {
    /// The error that came behind what was received last, once: for the next who receives.
    pub fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }

    /// Receives one datagram, as [`RecvFrom`](crate::Operation::RecvFrom) has it.
    ///
    /// # Errors
    /// There is none, or the socket has an error to tell.
    pub fn receive_one(
        &mut self,
        socket: BorrowedFd<'_>,
        pool: &BufferPool,
        at_most: usize,
    ) -> Result<Datagram, Errno> {
        match self.take_error() {
            Some(error) => Err(error),
            None => receive_from(socket, pool, at_most),
        }
    }

    /// Receives what is there, up to `count` datagrams of up to `at_most` bytes each, as
    /// [`RecvMany`](crate::Operation::RecvMany) has it; and whether that is known to be all.
    ///
    /// # Errors
    /// There is none, or the socket has an error to tell; what was to come before it has come.
    pub fn receive(
        &mut self,
        socket: BorrowedFd<'_>,
        pool: &BufferPool,
        at_most: usize,
        count: usize,
    ) -> Result<(Box<[Datagram]>, bool), Errno> {
        let at_most = at_most.min(LARGEST);
        // No more memory is at work than the pool keeps for the next time.
        let count = count.min(MOST_AT_ONCE).min(IDLE_BYTES_PER_SIZE / at_most.max(1));
        let many = self.receives_many.get_or_insert_with(|| system::receives_many(socket));
        if count > 1 && *many && self.error.is_none() {
            let received = uninterrupted(|| system::receive(socket, pool, at_most, count))?;
            let is_all = received.len() < count;
            return Ok((received.into(), is_all));
        }
        let mut received = vec![self.receive_one(socket, pool, at_most)?];
        while received.len() < count {
            match receive_from(socket, pool, at_most) {
                Ok(next) => received.push(next),
                Err(Errno::WOULDBLOCK) => return Ok((received.into(), true)),
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
        }
        Ok((received.into(), false))
    }

    /// Sends those of `messages` that are left, until the system would have to wait.
    ///
    /// # Errors
    /// `EAGAIN`: there is no room for those that are left. Any other error is its message's.
    pub fn send(&self, socket: BorrowedFd<'_>, messages: &mut Messages) -> Result<(), Errno> {
        while !messages.left().is_empty() {
            match uninterrupted(|| system::send(socket, messages.left())) {
                Ok(sent) if sent > 0 => messages.sent(sent),
                Ok(_) => messages.failed(Errno::IO),
                Err(Errno::WOULDBLOCK) => return Err(Errno::WOULDBLOCK),
                Err(cause) => messages.failed(cause),
            }
        }
        Ok(())
    }
}
