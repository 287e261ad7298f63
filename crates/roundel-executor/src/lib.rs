//! Futures as call-backs: tasks, groups, timeouts and cancellation that is awaited.
//!
//! The loop below runs call-backs in order. Here a future becomes one: a [`Task`] is polled when
//! the ready queue reaches it, and queued again when it is woken. On that stand
//! [`TaskGroup`], [`gather`], [`timeout`], [`wait`], [`as_completed`] and [`shield`], and everything
//! that lets you see what they do. Futures need be neither `Send` nor guarded by locks: a loop and its tasks
//! stay in one thread.
//!
//! It does no I/O, starts no thread and does not choose a driver: `roundel-run` does that, and gives
//! most programs their entry.
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
//! use std::time::Duration;
//! use roundel_executor::{sleep, spawn, spawn_on, timeout};
//!
//! let mut event_loop = roundel_loop::EventLoop::new()?;
//! let main = spawn_on(&event_loop.handle(), async {
//!     let slow = spawn(async {
//!         sleep(Duration::from_secs(3600)).await;
//!         "slow"
//!     });
//!     let quick = spawn(async { "quick" });
//!     assert_eq!(quick.await.unwrap(), "quick");
//!     timeout(Duration::from_millis(1), slow).await.is_err()
//! });
//! assert!(event_loop.run_until_complete(main)??);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//!
//! *Steps.* A task's first step comes in the turn after it was spawned, or within the call if it
//! starts eagerly ([`Builder::eager_start`]). It resumes in the turn after what it awaits is ready.
//! Any number of wakes before its turn is one step. Whatever is ready already costs no turn.
//!
//! *Ends.* A task ends with a value, a panic or a cancel, and whoever awaits it gets that as a
//! `Result<T, JoinError>`. Nothing is silent: the panic of a task that nobody owns goes to the
//! loop's handler of unhandled failures at that moment, with the task's name and spawn site.
//!
//! *Owners.* Dropping a [`Task`] lets it go on: the loop keeps it alive. A [`TaskGroup`] owns its
//! children, which may borrow from what surrounds it: it does not end before them, and dropping it
//! ends them. When the loop is closed, every future that is left is dropped, once.
//!
//! *Context.* A task begins with a copy of its creator's context variables ([`ContextVar`]).
//!
//! # Cancellation
//!
//! In Rust, a future is ended by dropping it, at once and wherever it waits. That is quick, but a
//! dropped future cannot say goodbye: destructors do not await. In Python a cancel is an exception
//! that can do so, but also be caught and forgotten. Roundel takes the sure end of the one and the
//! clean-up of the other:
//!
//! ```text
//!                 task.cancel()        a request; the caller goes on at once
//!                      │
//!  ── its next turn ───┼────────────────────────────────────────────────────────────
//!                      ▼
//!      ┌─ its future, dropped in place ─┐
//!      │ with(outer, …                  │
//!      │   with(inner, …                │   1  destructors run, inner ones first;
//!      │     sleep(…)  ◀ it waited here │      each `with` leaves its exit
//!      └────────────────────────────────┘
//!                      ▼
//!        inner.exit().await, then outer.exit().await     2  clean-up, within the grace
//!                      ▼
//!        task.await gives Err(JoinError), cancelled       3  only now it is done
//! ```
//!
//! - **It cannot be refused.** No code of the task runs on after the point where it waits, so no
//!   loop or `catch` swallows a cancel, and nothing has to count cancels. A cancel before the first
//!   step means that the body never runs; a cancel wins over a value that is ready in the same step.
//! - **It is waited for.** A cancelled task is done when its clean-up is. What was cancelled is
//!   still using its connection until `await` says otherwise.
//! - **Clean-up may await.** [`with`] is Python's `async with`: the resource's
//!   [`exit`](AsyncExit::exit) runs on return, error, panic and cancel alike, exactly once, in the
//!   reverse order of entry. A second cancel does not cut it short; the grace does
//!   ([`set_grace`], 10 s unless changed), and reports it.
//! - **A timeout is the same thing inside a task.** At its deadline [`timeout`] drops its future,
//!   awaits what that leaves, and then answers [`Elapsed`]; the task goes on. A [`TaskGroup`] that
//!   fails does the same with its children.
//! - **To be asked first is a separate matter.** [`Task::stop`] asks a task to come to an end by
//!   itself ([`stop_requested`]) and cancels it if it does not. [`shield`] lets an awaiter be
//!   cancelled while the task it awaits goes on.
//!
//! So there are two kinds of code to write. Most needs nothing: values are dropped, sockets close.
//! What has to await at its end goes into an [`AsyncExit`]. And each function here tells under
//! "Cancel safety" what is lost if it is dropped at one of its awaits.
//!
//! # Sight
//!
//! Always on, and never in the way: a look polls nothing and waits for nothing.
//! [`all_tasks`] gives records; [`task_tree`] shows who awaits whom; [`statistics`] counts.
//! A stall of the loop is reported with the name of its task. Times of polls cost a clock reading
//! each and are switched on by [`measure_polls`].
//!
//! # Features
//!
//! - `hyper`: `HyperExecutor` and `HyperTimer`, what hyper asks of an executor.
//!
//! # Platforms
//!
//! Unix, as the loop below it.
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
mod to_thread;
mod tree;
mod wait;
mod with;
mod yield_now;

mod alarm;
mod blocks;
mod cell;
mod children;
mod clean_up;
mod context;
mod executor;
mod header;
mod life;
mod note;
mod roster;
mod seats;
mod ticket;
mod unread;

#[cfg(feature = "hyper")]
mod hyper_rt;

pub use as_completed::{AsCompleted, Completed, as_completed};
pub use cancel_all::cancel_all;
pub use context::ContextVars;
pub use context_var::{ContextVar, ForeignToken, Token};
pub use error::JoinError;
pub use gather::{gather, try_gather};
pub use group::{
    Cause, Child, ChildBuilder, Ending, Failure, GroupError, Results, TaskGroup, WhenFree,
};
pub use header::TaskState;
#[cfg(feature = "hyper")]
pub use hyper_rt::{HyperExecutor, HyperTimer};
pub use interval::{Interval, MissedTick, interval, interval_at};
pub use measure::{PollTime, measure_polls};
pub use note::WaitsFor;
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
pub use to_thread::{ToThreadError, to_thread};
pub use tree::{Branch, TaskTree, print_task_tree, task_tree, task_tree_of};
pub use wait::{Wait, Waited, wait};
pub use with::{AsyncExit, with};
pub use yield_now::{YieldNow, yield_now};

pub use roundel_promise::ReturnWhen;
