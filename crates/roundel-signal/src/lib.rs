//! OS signals as a stream, and Ctrl-C as an ordinary event.
//!
//! A signal interrupts a program anywhere, and almost nothing may be done there. [`signal`] makes a
//! [`Stream`](futures::Stream) of it, which a task awaits like anything else; [`ctrl_c`] does what
//! a program wants of Ctrl-C: the first is told, the second ends the program. Neither needs a
//! particular loop: both wake whatever executor polls them.
//!
//! This crate sends no signals and knows no children: those are `roundel-process`.
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-net · roundel-process
//! L3  roundel-executor · roundel-stream · roundel-signal   ◀ you are here
//! L2  roundel-loop · roundel-sim
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! ```
//! use futures::StreamExt;
//! use roundel_loop::EventLoop;
//! use roundel_signal::{SignalKind, signal};
//!
//! let mut hang_ups = signal(SignalKind::HANGUP)?;
//! let mut event_loop = EventLoop::new()?;
//! # nix::sys::signal::raise(nix::sys::signal::SIGHUP)?;
//! // … somebody runs `kill -HUP` …
//! assert_eq!(event_loop.run_until_complete(hang_ups.next())?, Some(SignalKind::HANGUP));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//!
//! ```text
//! kernel ──▶ handler ──▶ thread "signals" ──▶ every stream of that kind ──▶ its waker
//!            marks it, rings   looks who listens
//! ```
//!
//! - Everybody who listens to a kind hears it. Signals that come before a stream is polled again
//!   are one: the kernel merges them too.
//! - A kind is handled from the first time anybody listens to it. When the last listener is gone,
//!   the signal does again what it did before: what the system does by default, or what the
//!   program's own handler does, or nothing if it was ignored. The first is imitated: the handler
//!   stays and makes the default happen.
//! - Nothing costs a loop anything until a signal comes: no descriptor is watched and no call made.
//!   The first listener starts a thread, which sleeps.
//!
//! # Cancellation
//!
//! Dropping a wait for a signal loses nothing, dropping the stream gives up what it has not told.
//!
//! # Platforms
//!
//! Unix. Whether a signal was ignored or handled before is read from `/proc`; where there is none,
//! it is taken to have done the default. A library that handles the same signal through
//! `signal-hook` after the last listener here has gone does not stop the default from happening.
//! Real-time signals have no imitated default: when the last listener is gone, they are ignored.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod ctrl_c;
mod error;
mod kind;
mod signal;

mod disposition;
mod switchboard;

pub use ctrl_c::{CtrlC, ctrl_c};
pub use error::SignalError;
pub use kind::SignalKind;
pub use signal::{Signal, signal};
