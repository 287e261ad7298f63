//! `Incoming`: bytes that were received and not yet read. Pure; it never sees a carrier.
//!
//! They lie in two parts, read in this order: what is carried over from earlier chunks, and the
//! chunk that came last.
//!
//! ```text
//! carry  [ read │ the begin of a line  ]      memory of our own
//! chunk  [ read │ its end ⏎ next line ⏎ … ]   a buffer of the driver's pool
//! ```
//!
//! What lies in one part is lent from where it lies. Only what spans both is copied, and only as
//! far as it is read. Before a wait the chunk's rest is carried over, so that the pooled buffer goes
//! back: a connection that idles in the middle of a line holds that half line and no buffer.

use std::mem;

use memchr::memchr;
use roundel_driver::Buffer;

use crate::Chunk;

#[derive(Debug, Default)]
pub(crate) struct Incoming {
    carry: Vec<u8>,
    carry_read: usize,
    chunk: Buffer,
    chunk_read: usize,
}

impl Incoming {
    pub(crate) fn len(&self) -> usize {
        let (carry, chunk) = self.parts();
        carry.len() + chunk.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.carry_read == self.carry.len() && self.chunk_read == self.chunk.len()
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        (&self.carry[self.carry_read..], &self.chunk[self.chunk_read..])
    }

    /// As much as lies in one piece; empty only if there is nothing.
    pub(crate) fn first(&self) -> &[u8] {
        let (carry, chunk) = self.parts();
        if carry.is_empty() { chunk } else { carry }
    }

    /// Everything in one piece.
    pub(crate) fn joined(&mut self) -> &[u8] {
        if self.carry_read < self.carry.len() {
            self.carry_chunk();
        }
        self.first()
    }

    /// Where `byte` first stands, `from` there on. Moves nothing.
    #[inline]
    pub(crate) fn find(&self, byte: u8, from: usize) -> Option<usize> {
        let (carry, chunk) = self.parts();
        if carry.is_empty() {
            return memchr(byte, &chunk[from..]).map(|at| from + at);
        }
        let in_carry = carry.get(from..).and_then(|rest| memchr(byte, rest)).map(|at| from + at);
        in_carry.or_else(|| {
            let from = from.saturating_sub(carry.len());
            let in_chunk = chunk.get(from..).and_then(|rest| memchr(byte, rest));
            in_chunk.map(|at| carry.len() + from + at)
        })
    }

    /// Takes in what was received.
    pub(crate) fn push(&mut self, chunk: Buffer) {
        if self.chunk_read < self.chunk.len() {
            self.carry_chunk();
        } else if self.carry_read == self.carry.len() {
            self.carry = Vec::new();
            self.carry_read = 0;
        }
        self.chunk = chunk;
        self.chunk_read = 0;
    }

    /// Gives the pooled buffer back, for a wait.
    #[inline]
    pub(crate) fn settle(&mut self) {
        // Mostly nothing is there: what was read through is given back already.
        if self.chunk.room() > 0 || self.carry.capacity() > 0 {
            self.settle_what_is_there();
        }
    }

    fn settle_what_is_there(&mut self) {
        self.carry_chunk();
        if self.carry_read == self.carry.len() {
            self.carry = Vec::new();
            self.carry_read = 0;
        }
    }

    fn carry_chunk(&mut self) {
        let len = self.chunk.len() - self.chunk_read;
        self.carry_over(len);
        self.chunk = Buffer::default();
        self.chunk_read = 0;
    }

    /// Moves the chunk's next `len` bytes behind the carry.
    fn carry_over(&mut self, len: usize) {
        if self.carry_read > self.carry.len() / 2 {
            self.carry.drain(..self.carry_read);
            self.carry_read = 0;
        }
        let end = self.chunk_read + len;
        self.carry.extend_from_slice(&self.chunk[self.chunk_read..end]);
        self.chunk_read = end;
    }

    /// Reads `len` bytes, in one piece, which stay where they are until the next change.
    ///
    /// # Panics
    /// If there are fewer.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> &[u8] {
        let carried = self.carry.len() - self.carry_read;
        if carried == 0 {
            let begin = self.chunk_read;
            self.chunk_read += len;
            return &self.chunk[begin..self.chunk_read];
        }
        if carried < len {
            self.carry_over(len - carried);
        }
        let begin = self.carry_read;
        self.carry_read += len;
        &self.carry[begin..self.carry_read]
    }

    /// Reads as much as there is, `room.len()` bytes at most.
    pub(crate) fn take_into(&mut self, room: &mut [u8]) -> usize {
        let mut taken = 0;
        self.take_to(room.len(), |piece| {
            room[taken..taken + piece.len()].copy_from_slice(piece);
            taken += piece.len();
        });
        taken
    }

    /// Reads as much as there is, `at_most` bytes, and gives it to `put` piece by piece.
    pub(crate) fn take_to(&mut self, at_most: usize, mut put: impl FnMut(&[u8])) {
        let mut left = at_most;
        while left > 0 && !self.is_empty() {
            let len = self.first().len().min(left);
            put(self.take(len));
            left -= len;
        }
    }

    /// Reads everything that lies in one piece, and hands its memory over with it.
    pub(crate) fn take_chunk(&mut self) -> Chunk {
        if self.carry_read < self.carry.len() {
            let read = mem::take(&mut self.carry_read);
            Chunk::new(mem::take(&mut self.carry).into(), read)
        } else {
            let read = mem::take(&mut self.chunk_read);
            Chunk::new(mem::take(&mut self.chunk), read)
        }
    }

    /// Reads everything, in memory of its own.
    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        if self.carry_read == self.carry.len() {
            return Buffer::from(self.take_chunk()).into_vec();
        }
        self.carry_chunk();
        Buffer::from(self.take_chunk()).into_vec()
    }
}
