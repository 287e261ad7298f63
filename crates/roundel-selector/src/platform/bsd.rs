//! The selectors of the BSDs and macOS, and `KqueueSelector`, the best of them.
use polling::Poller;
use rustix::fd::{AsFd, BorrowedFd};

use crate::{PollingSelector, SelectorError, by_name::Named, delegate::delegate};

pub use crate::{poll::PollSelector, select::SelectSelector};

/// Best first.
pub(crate) const SELECTORS: &[Named] = &[
    Named { name: "kqueue", open: || Ok(Box::new(KqueueSelector::new()?)) },
    Named { name: "poll", open: || Ok(Box::new(PollSelector::new()?)) },
    Named { name: "select", open: || Ok(Box::new(SelectSelector::new()?)) },
    Named { name: "polling", open: || Ok(Box::new(PollingSelector::new()?)) },
];

/// Watches sources with kqueue(2), level- or edge-triggered; the two directions of one source come as
/// two events.
#[derive(Debug)]
pub struct KqueueSelector(PollingSelector);

impl KqueueSelector {
    /// Opens a kqueue.
    ///
    /// # Errors
    ///
    /// [`SelectorError::Os`] if the kernel refuses.
    pub fn new() -> Result<Self, SelectorError> {
        PollingSelector::named("kqueue").map(Self)
    }
}

delegate!(impl[] Selector for KqueueSelector, self => self.0);

/// What a foreign loop may wait on.
pub(crate) fn descriptor(poller: &Poller) -> Option<BorrowedFd<'_>> {
    Some(poller.as_fd())
}
