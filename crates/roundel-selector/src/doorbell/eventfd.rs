//! The doorbell's wire on Linux: an eventfd, one descriptor and eight bytes of kernel state.
use std::io;

use rustix::{
    event::{EventfdFlags, eventfd},
    fd::{AsFd, BorrowedFd, OwnedFd},
};

#[derive(Debug)]
pub(super) struct Wire(OwnedFd);

impl Wire {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Makes the wire readable, and reports an edge if it is so already.
    ///
    /// Cannot fail: a counter nobody reads is full after 2^64 rings.
    pub(super) fn write(&self) {
        let written = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
        debug_assert_eq!(written, Ok(8));
    }

    /// Takes back what was written.
    pub(super) fn drain(&self) {
        let read = rustix::io::read(&self.0, &mut [0; 8]);
        debug_assert_eq!(read, Ok(8));
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
