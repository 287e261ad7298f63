//! When: clocks, deadlines and an exact timer queue.
//!
//! The time of an event loop in three nouns. A [`Clock`] tells the time, and can be replaced by a
//! [`VirtualClock`] that moves only when told. A [`Deadline`] is an instant or never, and does not
//! overflow. A [`TimerQueue`] holds values until they are due, and hands them out in the exact
//! order of their deadlines.
//!
//! It is not a runtime: nothing here sleeps by itself, calls back or wakes a task. Whoever owns
//! the queue asks it how long to block and what is due, as the event loop does, and as any program
//! with a loop of its own may.
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-net · roundel-process
//! L3  roundel-executor · roundel-stream · roundel-signal
//! L2  roundel-loop · roundel-sim
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool
//! L0  roundel-selector · roundel-promise · roundel-timer   ◀ you are here
//! ```
//!
//! # Example
//!
//! A loop, reduced to its timers. On the virtual clock an hour takes no time; with
//! [`SystemClock`], blocking is `std::thread::sleep`.
//!
//! ```
//! use roundel_timer::{Clock, Deadline, TimerQueue, VirtualClock};
//! use std::time::Duration;
//!
//! let clock = VirtualClock::new();
//! let mut timers = TimerQueue::new();
//! let hour = Duration::from_secs(3600);
//! timers.insert(Deadline::after(clock.now(), hour), "tea");
//! let idle = timers.insert(Deadline::after(clock.now(), hour / 2), "idle");
//! timers.cancel(idle);
//!
//! let mut ran = Vec::new();
//! while let Some(deadline) = timers.next_deadline() {
//!     clock.advance_to(deadline); // block here
//!     while let Some(call) = timers.pop_due(clock.now()) {
//!         ran.push(call);
//!     }
//! }
//! assert_eq!(ran, ["tea"]);
//! assert_eq!(clock.elapsed(), hour);
//! ```
//!
//! # Semantics
//!
//! - Timers become due in the order of their deadlines, to the nanosecond; equal deadlines in the
//!   order they were set. asyncio leaves the order of equal deadlines open.
//! - A timer is due when its deadline is not after the time the queue is told; never before.
//! - However late the queue is asked, each timer is due once. There is no catching up.
//! - A timer that is due but not taken can still be cancelled; the value comes back.
//! - A key whose timer is gone reaches nothing, for ever.
//! - The clock may jump. Forward, more is due at once; backward, less is.
//!
//! # Platforms
//!
//! Everything `std` runs on. [`SystemClock`] reads the clock that `std::time::Instant` names for
//! the platform: on Linux `CLOCK_MONOTONIC`, which stands still while the machine is suspended.
#![forbid(unsafe_code)]

mod clock;
mod deadline;
mod timer_key;
mod timer_queue;
mod virtual_clock;

mod entries;
mod order;
mod run;
mod statistics;

pub use clock::{Clock, SystemClock};
pub use deadline::Deadline;
pub use statistics::TimerStatistics;
pub use timer_key::TimerKey;
pub use timer_queue::TimerQueue;
pub use virtual_clock::VirtualClock;
