//! Which sources are ready: select, poll, epoll, kqueue, event ports and IOCP behind one trait.
#![deny(unsafe_code)]

// What every selector speaks of.
mod error;
mod notifier;
mod readiness;
mod selector;
mod source;

// What selectors are made of.
mod delegate;
#[cfg(unix)]
mod doorbell;
mod raw;
mod registry;
mod uninterrupted;

// The selectors.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod epoll;
#[cfg(unix)]
mod poll;
mod polling;
#[cfg(all(unix, not(any(target_os = "illumos", target_os = "solaris"))))]
mod select;

// Which of them to use.
mod by_name;
mod default;
#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "platform/linux.rs")]
#[cfg_attr(any(target_os = "illumos", target_os = "solaris"), path = "platform/solarish.rs")]
#[cfg_attr(windows, path = "platform/windows.rs")]
#[cfg_attr(
    any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly"
    ),
    path = "platform/bsd.rs"
)]
mod platform;

// For programs that keep their own data with each source.
mod selector_key;
mod selector_map;

pub use by_name::{by_name, names};
pub use default::DefaultSelector;
pub use error::SelectorError;
pub use notifier::{Notifier, Notify};
pub use platform::*;
pub use polling::PollingSelector;
pub use readiness::{Event, Events, Interest, Readiness, Token, Trigger};
pub use selector::Selector;
pub use selector_key::SelectorKey;
pub use selector_map::SelectorMap;
pub use source::Source;
