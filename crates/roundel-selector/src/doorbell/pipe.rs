//! The doorbell's wire where there is no eventfd: a pipe that holds one byte at most.
use std::io;

use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    io::{FdFlags, fcntl_setfd, ioctl_fionbio},
    pipe::pipe,
};

#[derive(Debug)]
pub(super) struct Wire {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Wire {
    pub(super) fn new() -> io::Result<Self> {
        // `pipe2` would set both flags at once, but macOS does not have it.
        let (reader, writer) = pipe()?;
        for end in [&reader, &writer] {
            fcntl_setfd(end, FdFlags::CLOEXEC)?;
            ioctl_fionbio(end, true)?;
        }
        Ok(Self { reader, writer })
    }

    /// Makes the wire readable. The pipe holds one byte at most, so the write cannot fail.
    pub(super) fn write(&self) {
        let written = rustix::io::write(&self.writer, &[1]);
        debug_assert_eq!(written, Ok(1));
    }

    /// Takes back what was written.
    pub(super) fn drain(&self) {
        let read = rustix::io::read(&self.reader, &mut [0; 1]);
        debug_assert_eq!(read, Ok(1));
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
