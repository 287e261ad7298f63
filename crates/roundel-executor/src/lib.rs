//! Futures as call-backs: tasks, groups, timeouts and cancellation that is waited for.
#![deny(unsafe_code)]

mod as_completed;
mod cancel_all;
mod context_var;
mod error;
mod gather;
mod group;
mod interval;
mod measure;
mod registry;
mod remote;
mod shield;
mod sleep;
mod spawn;
mod stop;
mod task;
mod timeout;
mod tree;
mod wait;
mod with;
mod yield_now;

mod cell;
mod children;
mod clean_up;
mod context;
mod executor;
mod header;
mod life;
mod roster;
mod ticket;
mod unread;

pub use as_completed::{AsCompleted, Completed, as_completed};
pub use cancel_all::cancel_all;
pub use context::ContextVars;
pub use context_var::{ContextVar, ForeignToken, Token};
pub use error::JoinError;
pub use gather::{gather, try_gather};
pub use group::{
    Cause, Child, ChildBuilder, Ending, Failure, GroupError, Results, TaskGroup, WhenFree,
};
pub use header::{TaskState, WaitsFor};
pub use interval::{Interval, MissedTick, interval, interval_at};
pub use measure::{PollTime, measure_polls};
pub use registry::{
    ExecutorStatistics, TaskInfo, all_tasks, current_task, set_grace, statistics, tasks_of,
};
pub use remote::RemoteSpawn;
pub use shield::{Shield, shield};
pub use sleep::{Sleep, sleep, sleep_until};
pub use spawn::{Builder, spawn, spawn_on};
pub use stop::{is_stop_requested, stop_requested};
pub use task::Task;
pub use timeout::{Elapsed, TimeoutScope, timeout, timeout_at, timeout_scope};
pub use tree::{Branch, TaskTree, print_task_tree, task_tree, task_tree_of};
pub use wait::{Wait, Waited, wait};
pub use with::{AsyncExit, with};
pub use yield_now::{YieldNow, yield_now};

pub use roundel_promise::ReturnWhen;
