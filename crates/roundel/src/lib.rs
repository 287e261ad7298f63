//! An asyncio-shaped event loop in layers, one crate each, composed bottom-up.
//!
//! Each module is one crate, which can be used alone:
//!
//! ```text
//! L5  roundel      this facade
//! L2  event_loop   call-backs in order             → timer driver promise
//!     sim          virtual clock under the loop    → timer driver
//! L1  driver       operations, however reported    → selector
//! L0  selector     which sources are ready
//!     promise      one value, later
//!     timer        when
//! ```
//!
//! ```
//! use std::time::Duration;
//! use roundel::EventLoop;
//!
//! let mut event_loop = EventLoop::new()?;
//! let handle = event_loop.handle();
//! handle.call_soon(|| println!("first"));
//! handle.call_later(Duration::from_millis(1), {
//!     let handle = handle.clone();
//!     move || handle.stop()
//! });
//! event_loop.run_forever()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg(unix)]

pub use roundel_driver as driver;
pub use roundel_loop as event_loop;
pub use roundel_promise as promise;
pub use roundel_selector as selector;
pub use roundel_sim as sim;
pub use roundel_timer as timer;

pub use roundel_loop::{
    Attached, EventLoop, LoopConfig, LoopHandle, Outcome, RemoteHandle, Source,
};
pub use roundel_promise::{Promise, Promised};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadMe;
