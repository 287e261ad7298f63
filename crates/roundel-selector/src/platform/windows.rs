//! The selectors of Windows, and `IocpSelector`, the best of them.
use polling::Poller;
use rustix::fd::BorrowedFd;

use crate::{PollingSelector, SelectorError, by_name::Named, delegate::delegate};

/// Best first.
pub(crate) const SELECTORS: &[Named] = &[
    Named { name: "iocp", open: || Ok(Box::new(IocpSelector::new()?)) },
    Named { name: "polling", open: || Ok(Box::new(PollingSelector::new()?)) },
];

/// Watches sockets with an I/O completion port and the AFD driver below Winsock, level-triggered.
#[derive(Debug)]
pub struct IocpSelector(PollingSelector);

impl IocpSelector {
    /// Opens a completion port.
    ///
    /// # Errors
    ///
    /// [`SelectorError::Os`] if the kernel refuses.
    pub fn new() -> Result<Self, SelectorError> {
        PollingSelector::named("iocp").map(Self)
    }
}

delegate!(impl[] Selector for IocpSelector, self => self.0);

/// None: a completion port is not a socket.
pub(crate) fn descriptor(_: &Poller) -> Option<BorrowedFd<'_>> {
    None
}
