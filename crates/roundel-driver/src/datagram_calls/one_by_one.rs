//! Where the system has no call for several datagrams, or no safe one.

use rustix::{fd::BorrowedFd, io::Errno, net::send as send_connected};

use super::Attempt;
use crate::{
    BufferPool, Datagram, Message,
    attempt::{NOW, send_to},
};

pub(super) fn receives_batches(_: BorrowedFd<'_>) -> bool {
    false
}

pub(super) fn receive(
    _: BorrowedFd<'_>,
    _: &BufferPool,
    _: usize,
    _: usize,
) -> Attempt<Vec<Datagram>> {
    Err(Errno::NOTSUP)
}

/// Sends the first.
pub(super) fn send(socket: BorrowedFd<'_>, messages: &[Message]) -> Attempt<usize> {
    let Some(Message { data, to }) = messages.first() else { return Ok(0) };
    match to {
        Some(to) => send_to(socket, data, to)?,
        None => drop(send_connected(socket, data, NOW)?),
    }
    Ok(1)
}
