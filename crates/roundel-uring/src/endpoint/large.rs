//! Large amounts, moved by calls of their own.
//!
//! What the ring saves is calls, which count for little where much is copied. What it costs is time between
//! a copy and the next, in which other sources' copies push this one's memory out of the cache. So of a
//! stream that brings much, the ring only tells that there is something; it is received when its owner
//! takes it, into the memory that came back last, and what is sent goes at once.

use std::io::IoSlice;

use roundel_driver::{Buffer, BufferPool};
use rustix::{
    fd::AsFd,
    io::{Errno, retry_on_intr},
    net::{RecvFlags, SendAncillaryBuffer, SendFlags, recv, sendmsg},
};

use super::Endpoint;
use crate::request::Room;

/// From where on an amount is large: with 32 KiB the ring costs no more, with 128 KiB twice as much.
const LARGE: usize = Room::Large.bytes();

const NOW: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

impl Endpoint {
    /// Whether a receive is worth so much that it is made by a call.
    pub(crate) fn receives_by_calls(&mut self) -> bool {
        self.helping as usize >= LARGE && self.worth_while() >= LARGE && self.is_stream()
    }

    /// Receives the next piece, if the kernel has said that there is something.
    pub(crate) fn receive_large(
        &mut self,
        pool: &BufferPool,
        at_most: usize,
    ) -> Option<Result<Buffer, Errno>> {
        if !self.readable {
            return None;
        }
        let room = self.worth_while().min(at_most).max(1);
        let from = self.descriptor.as_fd();
        let received = pool.fill(room, |room| {
            retry_on_intr(|| recv(from, &mut *room, RecvFlags::DONTWAIT)).map(|(count, _)| count)
        });
        match received {
            Ok(piece) => {
                self.readable = piece.len() == room;
                self.learn(piece.len(), self.readable);
                self.pass(&piece);
                Some(Ok(piece))
            }
            Err(cause) => {
                self.readable = false;
                (cause != Errno::WOULDBLOCK).then_some(Err(cause))
            }
        }
    }

    /// Sends as much as goes at once, if it is much and nobody waits in front.
    pub(crate) fn send_large(&mut self, data: &[IoSlice<'_>]) -> Result<usize, Errno> {
        let bytes: usize = data.iter().map(|piece| piece.len()).sum();
        if bytes < LARGE || !self.may_send_at_once() || !self.is_stream() {
            return Ok(0);
        }
        let to = self.descriptor.as_fd();
        match retry_on_intr(|| sendmsg(to, data, &mut SendAncillaryBuffer::default(), NOW)) {
            Err(Errno::WOULDBLOCK) => Ok(0),
            sent => sent,
        }
    }
}
