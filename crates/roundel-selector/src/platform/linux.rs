//! The selectors of Linux and Android.
use polling::Poller;
use rustix::fd::{AsFd, BorrowedFd};

use crate::{PollingSelector, by_name::Named};

pub use crate::{epoll::EpollSelector, poll::PollSelector, select::SelectSelector};

/// Best first.
pub(crate) const SELECTORS: &[Named] = &[
    Named { name: "epoll", open: || Ok(Box::new(EpollSelector::new()?)) },
    Named { name: "poll", open: || Ok(Box::new(PollSelector::new()?)) },
    Named { name: "select", open: || Ok(Box::new(SelectSelector::new()?)) },
    Named { name: "polling", open: || Ok(Box::new(PollingSelector::new()?)) },
];

/// What a foreign loop may wait on.
pub(crate) fn descriptor(poller: &Poller) -> Option<BorrowedFd<'_>> {
    Some(poller.as_fd())
}
