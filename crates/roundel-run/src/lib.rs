//! Where programs start: [`run`] a future, and everything is cleaned up behind it.
//!
//! A [`Runner`] owns a loop: it chooses what the loop stands on ([`Backend`]), runs one main task
//! after another on it, takes Ctrl-C over meanwhile, and shuts down in order. [`run`] is a runner
//! for one future. A [`LoopGroup`] is one loop per core, each running the same program. No other
//! crate knows which backend is in use.
//!
//! ```text
//! L5  roundel · roundel-run   ◀ you are here
//! L4  roundel-net · roundel-process
//! L3  roundel-executor · roundel-stream · roundel-signal
//! L2  roundel-loop · roundel-sim
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! ```
//! use std::time::Duration;
//! use roundel_executor::{sleep, spawn};
//!
//! let answer = roundel_run::run(async {
//!     let slow = spawn(async {
//!         sleep(Duration::from_millis(2)).await;
//!         6 * 7
//!     });
//!     slow.await
//! })?;
//! assert_eq!(answer?, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//!
//! ```text
//! run ─▶ choose backend ─▶ main task ─▶ cancel what is left ─▶ report survivors ─▶ close the loop
//!                              ▲           and await its end      of the grace
//!                           Ctrl-C: cancels it; once more: ends the program
//! ```
//!
//! - The main task is a task like any other: it has a name and a spawn site, and can be seen in
//!   `all_tasks`. Its panic goes on in the caller, after the shutdown.
//! - **Shutdown.** When the main task has ended, every other task is cancelled, and their clean-up
//!   is awaited until the grace ends (10 seconds unless changed). What lives then is reported with
//!   its spawn site and dropped. Closing the loop drops its default executor last.
//! - **Ctrl-C.** In the program's main thread, and if the program neither ignores nor handles it by
//!   itself, the first Ctrl-C cancels the main task, so its clean-up runs, and the run ends with
//!   [`RunError::Interrupted`]. The second ends the program at once with exit code 130. After the
//!   run Ctrl-C does what it did before.
//!
//! # Cancellation
//!
//! A cancel cannot be refused, so an interrupted run has no result. A main task that wants to end
//! in its own way at Ctrl-C listens to it with `roundel_signal::signal`, which goes before.
//!
//! # Platforms
//!
//! Unix.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod backend;
mod builder;
mod error;
mod group;
mod member;
mod run;
mod runner;

mod crew;
mod interrupt;
mod shutdown;

pub use backend::Backend;
pub use builder::RunnerBuilder;
pub use error::{BackendError, LoopFailure, LoopGroupError, ProgramFailure, RunError};
pub use group::LoopGroup;
pub use member::Member;
pub use run::run;
pub use runner::Runner;
