//! Which sources are ready: select, poll, epoll, kqueue, event ports and IOCP behind one trait.
#![deny(unsafe_code)]

mod readiness;
mod selector;
mod source;
mod notifier;
mod error;

pub use error::SelectorError;
pub use notifier::{Notifier, Notify};
pub use readiness::{Event, Events, Interest, Readiness, Token, Trigger};
pub use selector::Selector;
pub use source::Source;
