//! An asyncio-shaped event loop in layers, one crate each, composed bottom-up.
//!
//! ```
//! use std::time::Duration;
//!
//! let greeting = roundel::run(async {
//!     let slow = roundel::spawn(async {
//!         roundel::sleep(Duration::from_millis(2)).await;
//!         "world"
//!     });
//!     let in_time = roundel::timeout(Duration::from_secs(5), slow).await;
//!     format!("hello, {}", in_time.expect("it takes 2 ms").expect("it does not panic"))
//! })?;
//! assert_eq!(greeting, "hello, world");
//! # Ok::<(), roundel::RunError>(())
//! ```
//!
//! What programs need every day stands at the root. Each module is one crate, which can be used
//! alone, and has everything:
//!
//! ```text
//! L5  roundel      this facade
//!     run          run, Runner, backends, a loop per core
//! L4  net          connect, serve, resolve         → stream executor event_loop
//!     tls          TLS over a stream (a feature)   → net stream executor
//!     sim          a simulated world, and its kernel → net executor event_loop
//! L3  executor     futures as call-backs           → event_loop promise timer
//!     stream       buffered byte streams           → event_loop driver
//!     signal       OS signals as a stream          → promise
//!     file         files as operations             → event_loop
//! L2  event_loop   call-backs in order             → timer driver promise
//! L1  driver       operations, however reported    → selector
//! L0  selector     which sources are ready
//!     promise      one value, later
//!     timer        when
//! ```
//!
//! The loop below runs without tasks too, on call-backs alone:
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
//!
//! # Features
//!
//! - `tls`: TLS over a stream, by rustls, as the module `tls`.
//! - `hyper`: the streams have the traits of hyper's `rt`, and there are
//!   `executor::HyperExecutor` and `executor::HyperTimer`.
//! - `tls`: the module `tls`, client and server by rustls.
#![forbid(unsafe_code)]
#![cfg(unix)]

pub use roundel_driver as driver;
pub use roundel_executor as executor;
pub use roundel_file as file;
pub use roundel_loop as event_loop;
pub use roundel_net as net;
pub use roundel_promise as promise;
pub use roundel_run as run;
pub use roundel_selector as selector;
pub use roundel_signal as signal;
pub use roundel_stream as stream;
pub use roundel_timer as timer;
#[cfg(feature = "tls")]
pub use roundel_tls as tls;
pub use roundel_world as sim;

pub use roundel_executor::{
    AsyncExit, ContextVar, Elapsed, GroupError, JoinError, RemoteSpawn, ReturnWhen, Task,
    TaskGroup, all_tasks, as_completed, current_task, gather, interval, shield, sleep, sleep_until,
    spawn, stop_requested, task_tree, timeout, timeout_at, to_thread, try_gather, wait, with,
    yield_now,
};
pub use roundel_loop::{
    Attached, EventLoop, LoopConfig, LoopHandle, Outcome, RemoteHandle, Source,
};
pub use roundel_promise::{Promise, Promised};
pub use roundel_run::{Backend, LoopGroup, RunError, Runner, run};
pub use roundel_signal::{SignalKind, signal};
pub use roundel_stream::{StreamReader, StreamWriter};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ReadMe;
