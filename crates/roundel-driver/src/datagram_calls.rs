//! `DatagramCalls`: several datagrams at a call, where the system has such calls.

use rustix::{fd::BorrowedFd, io::Errno};

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(not(target_os = "linux"))]
use self::one_by_one as system;
use crate::{
    BufferPool, Datagram, Messages,
    attempt::{Attempt, receive_from, uninterrupted},
    buffer::LARGEST,
};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod one_by_one;

/// One call brings no more: by then its own cost has vanished, and others want their turn.
const MOST_AT_ONCE: usize = 64;

/// How datagrams go and come on one socket, several at a call; for authors of drivers. None of it
/// waits.
///
/// ```
/// use std::{net::UdpSocket, os::fd::AsFd};
/// use roundel_driver::{BufferPool, DatagramCalls, Message, Messages};
///
/// let (ours, theirs) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
/// let to = ours.local_addr()?;
/// let words = [b"one", b"two"].into_iter();
/// let mut messages: Messages =
///     words.map(|word| Message { data: word.into(), to: Some(to.into()) }).collect();
/// DatagramCalls::default().send(theirs.as_fd(), &mut messages)?;
/// assert!(messages.left().is_empty());
///
/// let pool = BufferPool::new();
/// let (received, _) = DatagramCalls::default().receive(ours.as_fd(), &pool, 100, 10)?;
/// assert_eq!(received[0].data[..], *b"one");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct DatagramCalls {
    /// Whether several can be received at once; asked of the kernel once.
    receives_batches: Option<bool>,
}

impl DatagramCalls {
    /// Receives what is there, up to `count` datagrams of up to `at_most` bytes each, as
    /// [`RecvBatch`](crate::Operation::RecvBatch) has it; and whether that is known to be all.
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
        let count = count.min(MOST_AT_ONCE).min(pool.keeps(at_most));
        let many = self.receives_batches.get_or_insert_with(|| system::receives_batches(socket));
        if count <= 1 || !*many {
            let one = receive_from(socket, pool, at_most)?;
            return Ok(([one].into(), false));
        }
        let received = uninterrupted(|| system::receive(socket, pool, at_most, count))?;
        let is_all = received.len() < count;
        Ok((received.into(), is_all))
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
