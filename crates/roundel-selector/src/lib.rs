//! Which sources are ready: select, poll, epoll, kqueue, event ports and IOCP behind one trait.
#![deny(unsafe_code)]

#[cfg(unix)]
mod doorbell;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod epoll;
mod error;
mod notifier;
mod readiness;
mod registry;
mod selector;
mod source;
mod uninterrupted;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub use epoll::EpollSelector;
pub use error::SelectorError;
pub use notifier::{Notifier, Notify};
pub use readiness::{Event, Events, Interest, Readiness, Token, Trigger};
pub use selector::Selector;
pub use source::Source;
