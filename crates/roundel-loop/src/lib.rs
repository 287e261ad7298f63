//! Call-backs in order: an event loop of ready queue, timers and one place that blocks.
//!
//! This is asyncio's `base_events` without its tasks: [`call_soon`](LoopHandle::call_soon),
//! [`call_later`](LoopHandle::call_later), [`call_at`](LoopHandle::call_at), readers and writers,
//! call-backs from other threads, and operations on sockets and pipes whose outcome is called back
//! or awaited. It has no tasks; those are call-backs too, one layer up. A binding for another
//! language, or a window system's loop, can sit on it as it is.
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
//! A second of a program's life, made of call-backs alone:
//!
//! ```
//! use std::time::Duration;
//! use roundel_loop::{EventLoop, LoopHandle};
//!
//! fn tick(left: u32) {
//!     println!("{left}");
//!     let handle = LoopHandle::current();
//!     match left {
//!         0 => handle.stop(),
//!         _ => drop(handle.call_later(Duration::from_millis(2), move || tick(left - 1))),
//!     }
//! }
//!
//! let mut event_loop = EventLoop::new()?;
//! event_loop.handle().call_soon(|| tick(3));
//! event_loop.run_forever()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//!
//! A **turn** is three steps, each of which a foreign loop may call by itself (see [`EventLoop`]):
//!
//! 1. *Poll events*: wait for the kernel, for other threads and for the next timer; not at all if
//!    something is ready. A wait from which nothing can be heard is not made.
//! 2. *Process events*: queue the call-backs of other threads, then those of finished operations,
//!    then those of due timers, in the order of their deadlines, equal ones as they were scheduled.
//! 3. *Run ready*: run exactly the call-backs that are queued by now, first in first out. What they
//!    add waits for the next turn.
//!
//! Timers are exact to the nanosecond that the kernel grants and never early. A call-back's panic
//! goes to the handler of unhandled failures and the loop goes on. A call-back that holds the loop
//! up for longer than its budget is reported, in release builds too, at no clock reading per
//! call-back. No borrow is held while user code runs, so a call-back, or the drop of one, may do
//! with the loop whatever it likes.
//!
//! A [`LoopHandle`] stays in its thread, a [`RemoteHandle`] goes anywhere:
//!
//! ```compile_fail,E0277
//! let event_loop = roundel_loop::EventLoop::new().unwrap();
//! let handle = event_loop.handle();
//! std::thread::spawn(move || handle.call_soon(|| {}));
//! ```
//!
//! # Cancellation
//!
//! Each kind of call-back has a handle that cancels it until it begins and tells whether it was in
//! time; the call-back is dropped at once. Dropping a handle cancels nothing. Dropping a
//! [`Submission`] or a [`PendingOperation`] gives its operation up; see there for what is kept.
//!
//! # Platforms
//!
//! Unix.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod attached;
mod buggify;
mod config;
mod error;
mod event_loop;
mod handle;
mod layer;
mod loop_handle;
mod receipts;
mod receipts_handle;
mod remote_handle;
mod stall;
mod statistics;
mod submission;
mod unhandled;
mod watch;

mod core;
mod current;
mod ready;
mod schedule;
mod wake_state;

pub use attached::{Attach, Attached};
pub use buggify::buggify;
pub use config::{LoopConfig, SharedClock};
pub use current::{TicketTurn, wake_ticket};
pub use error::{LoopClosed, NoExecutor, RunError};
pub use event_loop::{EventLoop, Turn};
pub use handle::{Handle, TimerHandle};
pub use layer::Layer;
pub use loop_handle::LoopHandle;
pub use ready::{Job, Site};
pub use receipts::Receipts;
pub use receipts_handle::ReceiptsHandle;
pub use remote_handle::{RemoteCall, RemoteHandle};
pub use roundel_driver::{
    Address, Buffer, Completion, Credentials, Datagram, Driver, DriverStatistics, Family, File,
    FileKind, Interest, KeepAlive, Message, Metadata, OpenOptions, Operation, OperationError,
    Outcome, Readiness, SelectorDriver, Socket, SocketError, SocketKind, SocketOption,
    SocketOptionName, Source, SourceId, UnixAddress,
};
pub use roundel_timer::{Clock, Deadline, SystemClock, TimerKey, VirtualClock};
pub use schedule::Schedule;
pub use stall::{Stall, Suspect};
pub use statistics::LoopStatistics;
pub use submission::{OperationHandle, PendingOperation, Submission};
pub use unhandled::{Unhandled, UnhandledHandler, Verdict, default_unhandled_handler};
pub use watch::WatchHandle;
