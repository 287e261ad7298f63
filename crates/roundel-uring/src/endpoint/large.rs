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
pub(crate) const LARGE: usize = Room::Large.bytes();

/// The pieces that one call takes: UIO_MAXIOV.
const MOST_SLICES: usize = 1024;

/// What a call would find, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prospect {
    /// The ring has to be asked.
    None,
    /// The ring told that there is something.
    Told,
    /// The last call filled its room.
    More,
}

const NOW: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

impl Endpoint {
    /// Whether a receive is worth so much that it is made by a call.
    pub(crate) fn receives_by_calls(&mut self) -> bool {
        self.helping as usize >= LARGE && self.worth_while() >= LARGE && self.is_stream()
    }

    /// Whether a call is worth a try.
    pub(crate) fn has_prospect(&self) -> bool {
        self.prospect != Prospect::None
    }

    pub(crate) fn expect(&mut self, prospect: Prospect) {
        self.prospect = prospect;
    }

    /// Receives the next piece, if there is likely one.
    pub(crate) fn receive_large(
        &mut self,
        pool: &BufferPool,
        at_most: usize,
    ) -> Option<Result<Buffer, Errno>> {
        if !self.has_prospect() {
            return None;
        }
        debug_assert!(self.arm.is_none(), "what it brings would have to come first");
        let room = self.worth_while().min(at_most).max(1);
        let from = self.descriptor.as_fd();
        let received = pool.fill(room, |room| {
            retry_on_intr(|| recv(from, &mut *room, RecvFlags::DONTWAIT)).map(|(count, _)| count)
        });
        match received {
            Ok(piece) => {
                let is_full = piece.len() == room;
                self.prospect = if is_full { Prospect::More } else { Prospect::None };
                self.learn(piece.len(), is_full);
                self.pass(&piece);
                Some(Ok(piece))
            }
            Err(cause) => {
                if cause == Errno::WOULDBLOCK && self.prospect == Prospect::Told {
                    // It was something else, and would be told again and again: a socket's queue of
                    // errors, for one. A receive in the kernel waits for data alone.
                    self.helping = Room::below(LARGE) as u32;
                }
                self.prospect = Prospect::None;
                Some(Err(cause))
            }
        }
    }

    /// Sends as much as goes at once, if it is much and nobody waits in front.
    pub(crate) fn send_large(&mut self, data: &[IoSlice<'_>]) -> Option<Result<usize, Errno>> {
        let bytes: usize = data.iter().map(|piece| piece.len()).sum();
        if bytes < LARGE || !self.may_send_at_once() || !self.is_stream() {
            return None;
        }
        let (to, data) = (self.descriptor.as_fd(), &data[..data.len().min(MOST_SLICES)]);
        Some(retry_on_intr(|| sendmsg(to, data, &mut SendAncillaryBuffer::default(), NOW)))
    }
}
