//! Futures as call-backs: tasks, groups, timeouts and cancellation that is waited for.
#![deny(unsafe_code)]

mod error;
mod registry;
mod sleep;
mod spawn;
mod stop;
mod task;
mod timeout;
mod with;
mod yield_now;

mod cell;
mod clean_up;
mod executor;
mod header;
mod ticket;
mod unread;

pub use error::JoinError;
pub use header::{TaskState, WaitsFor};
pub use registry::{
    ExecutorStatistics, TaskInfo, all_tasks, current_task, set_grace, statistics, tasks_of,
};
pub use sleep::{Sleep, sleep, sleep_until};
pub use spawn::{Builder, spawn, spawn_on};
pub use stop::{is_stop_requested, stop_requested};
pub use task::Task;
pub use timeout::{Elapsed, TimeoutScope, timeout, timeout_at, timeout_scope};
pub use with::{AsyncExit, with};
pub use yield_now::{YieldNow, yield_now};
