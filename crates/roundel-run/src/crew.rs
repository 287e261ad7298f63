//! `Crew`: what the threads of a group share: who still works, and when to stop.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use roundel_promise::{Promise, Promised, promise};

/// Something that happens once and that everybody hears.
pub(crate) struct Announcement {
    promise: Mutex<Option<Promise<()>>>,
    heard: Promised<()>,
}

impl Announcement {
    fn new() -> Self {
        let (promise, heard) = promise();
        Self { promise: Mutex::new(Some(promise)), heard }
    }

    /// Again has no effect.
    pub(crate) fn make(&self) {
        let promise = self.promise.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(promise) = promise {
            // We hold a claim ourselves, and cancel nothing.
            let _ = promise.set(());
        }
    }

    pub(crate) fn heard(&self) -> Promised<()> {
        self.heard.clone()
    }
}

pub(crate) struct Crew {
    /// Every program is to be cancelled.
    pub(crate) stop: Announcement,
    /// No program runs any more.
    pub(crate) all_ended: Announcement,
    working: AtomicUsize,
}

impl Crew {
    pub(crate) fn of(loops: usize) -> Self {
        Self {
            stop: Announcement::new(),
            all_ended: Announcement::new(),
            working: AtomicUsize::new(loops),
        }
    }
}

/// A loop that still works, until dropped.
pub(crate) struct Working<'a>(pub(crate) &'a Crew);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let Self(crew) = self;
        if std::thread::panicking() {
            crew.stop.make();
        }
        // The last one sees what all the others did before.
        if crew.working.fetch_sub(1, Ordering::AcqRel) == 1 {
            crew.all_ended.make();
        }
    }
}
