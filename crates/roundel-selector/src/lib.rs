//! Which sources are ready: select, poll, epoll, kqueue and more behind one trait.
//!
//! For writing an event loop, a driver, or a program that is content with a `while` loop of its
//! own. Not for reading and writing: a selector says when an operation would not block, and leaves
//! the operation to its caller. It has no tasks, no timers and no threads.
//!
//! ```text
//! L5  roundel   run
//! L4  net   process
//! L3  executor   stream   signal
//! L2  loop   sim
//! L1  driver   uring   sync   pool
//! L0  selector ◀── you are here       promise   timer
//! ```
//!
//! # Examples
//!
//! [`SelectorMap`] keeps data with each source. Here it is the function that handles it:
//!
//! ```
//! use std::{io::{self, Read, Write}, net::{TcpListener, TcpStream}, sync::Arc};
//! use roundel_selector::{Interest, SelectorMap, Source};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let mut peer = TcpStream::connect(listener.local_addr()?)?;
//! let stream = Arc::new(listener.accept()?.0);
//!
//! let mut map = SelectorMap::<fn(&TcpStream) -> io::Result<usize>>::new()?;
//! map.register(Source::shared(stream.clone()), Interest::READ, |mut stream| {
//!     stream.read(&mut [0; 64])
//! })?;
//!
//! peer.write_all(b"hello")?;
//! for (key, _ready) in map.select(None)? {
//!     assert_eq!(key.data()(&stream)?, 5);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [`Selector`] below it is for those who have tables of their own: it knows sources by
//! [`Token`], fills reusable [`Events`], and has edges where the kernel has them.
//!
//! # Semantics
//!
//! - A registration holds a clone of its [`Source`], whatever the mechanism: no descriptor closes,
//!   and no number is reused, while a selector watches it.
//! - A descriptor is registered once. What is registered twice, or not at all, is an error.
//! - Hang-up, end of file and errors make a source ready: whoever asks next learns of them.
//! - When more is ready than [`Events`] has room for, everybody gets a turn.
//! - Timeouts are counted in nanoseconds and never cut short, neither by rounding nor by a signal.
//! - A [`Notifier`] ends a wait from any thread; it coalesces, and loses nothing.
//!
//! # Platforms
//!
//! | name | type | where | a wait costs |
//! |---|---|---|---|
//! | `epoll` | `EpollSelector` | Linux 5.11, Android | one call; what is ready |
//! | `kqueue` | `KqueueSelector` | BSDs, macOS | what is ready |
//! | `port` | `EventPortSelector` | illumos, Solaris | what is ready |
//! | `iocp` | `IocpSelector` | Windows | what is ready |
//! | `poll` | `PollSelector` | Unix | one call; what is registered |
//! | `select` | `SelectSelector` | Linux, BSDs, macOS | one call; what is registered, below 1024 |
//! | `polling` | [`PollingSelector`] | everywhere | what the `polling` crate needs |
//! | `default` | [`DefaultSelector`] | everywhere | the first of this list that opens |
//!
//! [`by_name`] opens one of them, [`names`] lists those of this platform. On Linux four run under
//! the same tests; the others are compiled for their platforms.
#![deny(unsafe_code)]

// What every selector speaks of.
mod error;
mod events;
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
#[cfg(unix)]
mod timespec;
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
pub use events::{Event, Events};
pub use notifier::{Notifier, Notify};
pub use platform::*;
pub use polling::PollingSelector;
pub use readiness::{Interest, Readiness, Token, Trigger};
pub use selector::Selector;
pub use selector_key::SelectorKey;
pub use selector_map::SelectorMap;
pub use source::Source;
