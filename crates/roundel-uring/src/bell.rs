//! `Bell`: an eventfd that the ring watches, rung by other threads.
//!
//! One flag, `rung`, so that however often it is rung before the ring's owner hears it, it is
//! written once. The ring polls the eventfd edge-triggered and for good: it is never read.
//!
//! ```text
//! ring:    was = rung.swap(true);   if !was { write the eventfd }
//! hear:    (its completion was taken from the queue)   rung.swap(false);
//! ```
//!
//! A ring that found `false` writes after the last hearing, so its write makes a completion of its
//! own. A ring that found `true` and came before the hearing is covered by the completion that is
//! heard; all swaps are `AcqRel` and form one release sequence, so what the ringing thread wrote
//! before is visible to whoever heard. After the hearing it would have found `false`.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use roundel_driver::{Notify, Source};
use rustix::{
    event::{EventfdFlags, eventfd},
    fd::OwnedFd,
};

#[derive(Debug)]
pub(crate) struct Bell {
    rung: AtomicBool,
    eventfd: Arc<OwnedFd>,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let eventfd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { rung: AtomicBool::new(false), eventfd: Arc::new(eventfd) })
    }

    /// What the ring polls.
    pub(crate) fn source(&self) -> Source {
        Source::shared(Arc::clone(&self.eventfd))
    }

    /// The ring has reported it; from now on it rings again.
    pub(crate) fn hear(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }
}

impl Notify for Bell {
    fn notify(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // Cannot fail: a counter nobody reads is full after 2^64 rings.
            let written = rustix::io::write(&*self.eventfd, &1_u64.to_ne_bytes());
            debug_assert_eq!(written, Ok(8));
        }
    }
}
