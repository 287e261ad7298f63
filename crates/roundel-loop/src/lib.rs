//! Call-backs in order: an event loop of ready queue, timers and one place that blocks.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod attached;
mod config;
mod error;
mod event_loop;
mod handle;
mod loop_handle;
mod remote_handle;
mod stall;
mod statistics;
mod submission;
mod unhandled;
mod watch;

mod core;
mod current;
mod ready;
mod wake_state;

pub use attached::Attached;
pub use config::{LoopConfig, SharedClock};
pub use error::{LoopClosed, NoExecutor, RunError};
pub use event_loop::EventLoop;
pub use handle::{Handle, TimerHandle};
pub use loop_handle::LoopHandle;
pub use ready::{Job, Site};
pub use remote_handle::{RemoteCall, RemoteHandle};
pub use roundel_driver::{
    Address, Buffer, Completion, Driver, DriverStatistics, Interest, Operation, OperationError,
    Outcome, Readiness, SelectorDriver, Source, SourceId,
};
pub use roundel_timer::{Clock, Deadline, SystemClock, VirtualClock};
pub use stall::Stall;
pub use statistics::LoopStatistics;
pub use submission::{OperationHandle, PendingOperation, Submission};
pub use unhandled::{Unhandled, UnhandledHandler, Verdict, default_unhandled_handler};
pub use watch::WatchHandle;
