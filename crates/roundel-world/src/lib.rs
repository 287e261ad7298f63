//! A simulated world: hosts with loops of their own, faults, seeds, replay.
//!
//! [`run`] makes a [`World`] from a seed. Its [`Host`]s run any program on roundel, unchanged: each
//! has an event loop of its own over a simulated kernel, with sockets, a disk and a clock. Links
//! between them are slow, lossy and cut off; hosts crash, restart and pause; calls come out short.
//! All of it follows from the seed, and virtual hours pass in no time. [`check`] is for tests:
//! many seeds, and the failing one is told with the command that shows it again.
//!
//! It simulates no child processes, no threads and no signals, and knows nothing of how long code
//! runs: a call-back takes no virtual time.
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-net · roundel-process · roundel-world   ◀ you are here
//! L3  roundel-executor · roundel-stream · roundel-signal
//! L2  roundel-loop · roundel-sim
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! ```
//! use std::time::Duration;
//! use roundel_executor::sleep;
//! use roundel_loop::{Family, LoopHandle, Outcome, SocketKind};
//! use roundel_world::{Faults, Host, check};
//!
//! async fn serve(host: Host) {
//!     let here = LoopHandle::current();
//!     let socket = here.socket(Family::V4, SocketKind::Datagram).unwrap();
//!     socket.bind(&host.address(7).into()).unwrap();
//!     let socket = here.attach(socket);
//!     while let Ok(Outcome::Datagram(question)) = socket.recv_from(1000).await {
//!         let _ = socket.send_to(question.data, question.from).await;
//!     }
//! }
//!
//! check(10, async |world| {
//!     world.set_faults(Faults::SOME);
//!     let server = world.host("server", serve);
//!     sleep(Duration::from_millis(1)).await;
//!     let here = LoopHandle::current();
//!     let socket = here.attach(here.socket(Family::V4, SocketKind::Datagram).unwrap());
//!     let _ = socket.send_to(b"hello", server.address(7)).await.unwrap();
//!     let Ok(Outcome::Datagram(answer)) = socket.recv_from(1000).await else { panic!() };
//!     assert_eq!(&answer.data[..], b"hello");
//! });
//! ```
//!
//! # Semantics
//!
//! - *Time* stands still while anybody can run, and then jumps to the next packet or timer.
//! - *Order*: which host turns next is drawn from the seed; within a host, its loop's order holds.
//!   Packets and timers of the same instant come in any order, but a stream's bytes in theirs.
//! - *Ends*: a panic in any task of any host, a deadlock and a world that runs in circles end the
//!   run with a [`Failure`].
//! - *Names*: hosts know each other by theirs, through `roundel-net` too.
//! - *Replay*: [`Run::trace_hash`] is the same for the same run, on any machine. What has a say
//!   beside the seed (the order of a `HashMap`, an address, the wall clock, a thread) shows in it,
//!   and `check` runs the first seeds twice to see that.
//!
//! # Cancellation
//!
//! A crash drops a host's loop with all its tasks; they clean up nothing that awaits.
//!
//! # Platforms
//!
//! Unix.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod check;
mod drift;
mod failure;
mod host;
mod lives;
mod names;
mod polled;
mod run;
mod sequencer;
mod turning;
mod world;

pub use check::{Found, check, try_check};
pub use failure::{Cause, Failure};
pub use host::Host;
pub use run::{Run, Simulation, run};
pub use sequencer::{Sequencer, assert_yields};
pub use world::World;

pub use roundel_sim::*;
