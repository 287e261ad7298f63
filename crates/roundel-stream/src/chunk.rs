//! `Chunk`: received bytes handed over with their memory.

use std::{fmt, ops::Deref};

use roundel_driver::Buffer;

/// Bytes as they came, in the driver's own buffer; dropped, it goes back to the pool.
///
/// A chunk that is written somewhere else is not copied: `writer.write(chunk)` hands the same
/// buffer to the kernel, unless a part of it had been read before.
#[derive(Default)]
pub struct Chunk {
    buffer: Buffer,
    read: usize,
}

impl Chunk {
    pub(crate) fn new(buffer: Buffer, read: usize) -> Self {
        Self { buffer, read }
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[self.read..]
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Chunk> for Buffer {
    fn from(chunk: Chunk) -> Self {
        if chunk.read == 0 { chunk.buffer } else { chunk[..].into() }
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").field("len", &self.len()).finish()
    }
}
