//! `Doorbell`: a descriptor that becomes readable when another thread wants attention.
//!
//! It carries no data, so however often it is rung before somebody answers, it is written once.
//!
//! # Why no ring is lost
//!
//! One flag, `rung`, changed by `swap` only:
//!
//! ```text
//! ring:    was = rung.swap(true);   if !was { write the descriptor }
//! answer:  (the descriptor was seen readable)   make it quiet;   rung.swap(false);
//! ```
//!
//! - A ring that found `false` writes. The write comes after the last answer, which left the
//!   descriptor quiet, so the current or the next wait sees it.
//! - A ring that found `true` is covered by the ring that set the flag, which has written or is
//!   about to. If its swap came before the answer's, the wait that this answer ends is the one that
//!   returns for it; all swaps are `AcqRel` and form one release sequence, so what the ringing
//!   thread wrote before is visible to whoever returns from that wait.
//! - If its swap came after the answer's, it found `false`: the first case.
//!
//! Between two answers there is one write, so ringing never fills the descriptor and never blocks.
//! The descriptor is made quiet *before* the flag falls. The other way round, a ring between the two
//! steps would write, be swallowed, and leave the flag up with nothing to see: deaf for ever.
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fd::{AsFd, BorrowedFd};

use crate::Notify;

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "doorbell/eventfd.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "doorbell/pipe.rs")]
mod wire;

/// Rung from any thread, answered by the selector that watches it.
#[derive(Debug)]
pub(crate) struct Doorbell {
    rung: AtomicBool,
    wire: wire::Wire,
}

impl Doorbell {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { rung: AtomicBool::new(false), wire: wire::Wire::new()? })
    }

    /// After a level-triggered wait saw the descriptor: makes it quiet and takes rings again.
    pub(crate) fn answer(&self) {
        self.wire.drain();
        self.answer_edge();
    }

    /// After an edge-triggered wait saw the descriptor: it is quiet by having been reported.
    pub(crate) fn answer_edge(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }
}

impl Notify for Doorbell {
    fn notify(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.wire.write();
        }
    }
}

impl AsFd for Doorbell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn is_readable(doorbell: &Doorbell) -> bool {
        let mut fds = [PollFd::new(doorbell, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).unwrap() > 0
    }

    #[test]
    fn many_rings_are_one_write() {
        let doorbell = Doorbell::new().unwrap();
        (0..1_000_000).for_each(|_| doorbell.notify());
        // An eventfd answers with the sum of what was written, a pipe with all its bytes.
        let mut written = [0; 8];
        let length = rustix::io::read(&doorbell, &mut written).unwrap();
        assert!(length == 1 || u64::from_ne_bytes(written) == 1);
    }

    #[test]
    fn an_answered_bell_is_quiet_and_rings_again() {
        let doorbell = Doorbell::new().unwrap();
        for _ in 0..3 {
            assert!(!is_readable(&doorbell));
            doorbell.notify();
            doorbell.notify();
            assert!(is_readable(&doorbell));
            doorbell.answer();
        }
    }
}
