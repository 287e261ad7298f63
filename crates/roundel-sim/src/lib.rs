//! Time that jumps: a virtual clock under the real event loop.
//!
//! [`AutoJump`] wraps any driver: where the loop would wait for its next timer, it moves a
//! [`VirtualClock`] there instead. A program of timers runs in no time and in exact order, every
//! time; real descriptors and threads go on working beside it.
//!
//! [`cancel_at_every_await`] is for tests of futures, on this clock or any other: it drops an
//! operation at each of its awaits, so that the test can see what that loses.
//!
//! It is not a simulated network yet: sockets are the kernel's, and take real time.
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-net · roundel-process
//! L3  roundel-executor · roundel-stream · roundel-signal
//! L2  roundel-loop · roundel-sim   ◀ you are here
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! # Platforms
//!
//! Unix.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod auto_jump;
mod bell;
mod cancel_at_every_await;
mod disk;
mod driver;
mod network;
mod random;
mod slab;
mod socket;
mod trace;

pub use auto_jump::AutoJump;
pub use cancel_at_every_await::{Cut, CutShort, cancel_at_every_await};
pub use disk::Disk;
pub use driver::{RungHosts, SimDriver};
pub use network::{Faults, HostId, Link, Network};
pub use random::Random;
pub use roundel_timer::VirtualClock;
pub use trace::TraceEvent;
