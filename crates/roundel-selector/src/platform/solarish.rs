//! The selectors of illumos and Solaris, and `EventPortSelector`, the best of them.
use polling::Poller;
use rustix::fd::BorrowedFd;

use crate::{PollingSelector, SelectorError, by_name::Named, delegate::delegate};

pub use crate::poll::PollSelector;

/// Best first.
pub(crate) const SELECTORS: &[Named] = &[
    Named { name: "port", open: || Ok(Box::new(EventPortSelector::new()?)) },
    Named { name: "poll", open: || Ok(Box::new(PollSelector::new()?)) },
    Named { name: "polling", open: || Ok(Box::new(PollingSelector::new()?)) },
];

/// Watches sources with an event port, the heir of `/dev/poll`, level-triggered.
///
/// A port reports a source once; sources that were reported are armed again by the next `select`.
#[doc(alias = "DevpollSelector")]
#[derive(Debug)]
pub struct EventPortSelector(PollingSelector);

impl EventPortSelector {
    /// Opens an event port.
    ///
    /// # Errors
    ///
    /// [`SelectorError::Os`] if the kernel refuses.
    pub fn new() -> Result<Self, SelectorError> {
        PollingSelector::named("port").map(Self)
    }
}

delegate!(impl[] Selector for EventPortSelector, self => self.0);

/// None: a port is not readable for sources that are still to be armed again.
pub(crate) fn descriptor(_: &Poller) -> Option<BorrowedFd<'_>> {
    None
}
