//! One value, later: a promise in two ends, awaited, blocked on or called back.
//!
//! [`promise`] makes a pair. The [`Promise`] owes a value and is used up by setting it; the
//! [`Promised`] has a claim to it. Where `concurrent.futures` has one future with every verb,
//! here each end has the verbs that are its own, so "the value was already set" cannot be written.
//! It carries *one* value: for a stream of them use a channel. It starts no work and knows no loop:
//! any executor can await it, any thread can wait for it.
//!
//! ```text
//! L5  roundel · run
//! L4  net · process
//! L3  executor · stream · signal
//! L2  loop · sim
//! L1  driver · uring · sync · pool
//! L0  selector · promise · timer
//!                ▲ you are here
//! ```
//!
//! # Example
//!
//! ```
//! use futures::executor::block_on;
//! use roundel_promise::{ReturnWhen, promise, wait};
//!
//! // One end goes to whoever does the work …
//! let (promise_a, promised_a) = promise();
//! let (promise_b, promised_b) = promise();
//! std::thread::spawn(move || promise_a.set(2));
//! std::thread::spawn(move || promise_b.set(3));
//!
//! // … the other can be called back, waited for, awaited, or blocked on.
//! promised_a.on_done(|outcome| println!("decided: {outcome:?}"));
//! let mut waited = wait([promised_a, promised_b], ReturnWhen::AllCompleted, None);
//! let b = waited.done.pop().expect("both are done");
//! let a = waited.done.pop().expect("both are done");
//! assert_eq!(block_on(a)? + b.result()?, 5);
//! # Ok::<(), roundel_promise::Broken>(())
//! ```
//!
//! # Semantics
//!
//! - **The outcome is decided once**: set, cancelled, or abandoned (the writing end was dropped).
//!   So nobody waits for a value that cannot come. [`State`] has the whole life.
//! - **Values are handed over, not shared.** One claim moves the value out, so it need neither be
//!   cloned nor be `Sync`. Only values that can be cloned can be claimed twice.
//! - **Call-backs borrow**: they get `Result<&T, Broken>`, in order, in the thread that decides,
//!   without a lock. While they look, readers wait for them. A panic in one is reported by the
//!   panic hook and goes no further.
//! - **Done is not settled.** A cancelled promise is done for its readers at once; [`wait`] and
//!   [`as_completed`] count it only once the writer has seen the cancellation, by
//!   [`start`](Promise::start), by [`set`](Promise::set) or by being dropped.
//! - **You can see inside**: `{:?}` and [`Promised::inspect`] show state, result, error, waiters
//!   and call-backs.
//!
//! The pair costs one allocation, in which each of the two ends has a seat to wait in. Only a crowd
//! (a second claim, a call-back, a [`wait`]) and a blocked thread cost more. [`local`] has the same
//! pair for one thread, without atomics.
//!
//! # Cancellation
//!
//! [`Promised::cancel`] succeeds until the writer starts; it never stops work that runs. A writer
//! that wants to hear of it awaits [`Promise::cancelled`]. Dropping a reading end cancels nothing.
//! Every future here may be dropped at any time: it gives up its own claim and disturbs nobody
//! else's.
//!
//! # Platforms
//!
//! All that have `std`. No unsafe code, no dependency but an error derive.
#![forbid(unsafe_code)]

mod arrivals;
mod claim;
mod crowd;
mod error;
mod inspection;
mod leftover;
pub mod local;
mod middle;
mod pair;
mod promised;
mod shared;
mod state;
mod sync;
mod wait;
mod waiters;

pub use error::{Broken, Cancelled, ResultTimeoutError, SetError, TimedOut};
pub use inspection::Inspection;
pub use promised::Promised;
pub use shared::{Promise, promise};
pub use state::State;
pub use wait::{AsCompleted, ReturnWhen, Waited, as_completed, wait};
