//! The proactor: the operations of `roundel-driver` on Linux's io_uring.
//!
//! Readiness has a program asked to come and fetch; here the kernel is asked for the operation
//! itself and says when it is done. What is asked for in a turn of a loop goes to the kernel in one
//! system call, together with the wait: sixty-four connections that answer in one turn cost one
//! call, where a readiness driver makes two for each of them. Files are operations like all others.
//!
//! [`UringDriver`] passes the conformance body of every driver, so everything above runs on it
//! unchanged. [`probe`] says whether it is to be had and what the kernel offers. This crate is no
//! general binding of io_uring: what no operation needs is not here.
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-net · roundel-process
//! L3  roundel-executor · roundel-stream · roundel-signal · roundel-file
//! L2  roundel-loop · roundel-sim
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool   ◀ you are here
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! # Semantics
//!
//! Those of [`Driver`](roundel_driver::Driver), and in particular:
//!
//! - Little is tried at once: a receive is [`Done`](roundel_driver::Submitted::Done) on submission
//!   only if its data came before it, a send if it is of 64 KiB or more and goes whole, a batch of
//!   datagrams if they are there or there is room. Everything else is
//!   [`Pending`](roundel_driver::Submitted::Pending).
//! - A stream that is received from goes on receiving, until sixteen pieces lie unread. What has
//!   come when its source is detached is lost with it, though the kernel would still have it on a
//!   readiness driver. Who wants to hand a socket on must know that all has been read.
//! - Room for what is received is offered to the kernel by all sources together and taken when
//!   there is something to put in. Small receives share buffers of 4 KiB; a stream that fills one,
//!   asked for more, is given up to 256 KiB at a time.
//! - Much is moved by calls: from a stream that brings 64 KiB and more, an operation that goes on
//!   receives when it is taken from, and the ring only tells that there is something.
//! - Sends of one source go to the kernel one after the other, those of different sources at once.
//!
//! # Cancellation
//!
//! What the kernel may touch stays with the ring until the kernel's last word, whoever has lost
//! interest meanwhile: buffers, addresses, paths, and the descriptor until the kernel holds the file
//! itself. A descriptor that the kernel makes for an operation that was given up is closed, or kept
//! for the source's next accept. Dropping the driver cancels everything and waits until all is
//! answered; what the kernel does not answer for a second is leaked rather than shared.
//!
//! # Platforms
//!
//! Linux 6.0 or later; elsewhere the crate is empty. Containers often forbid io_uring; then
//! [`probe`] answers [`Unavailable::Forbidden`].
#![deny(unsafe_code)]
#![cfg(target_os = "linux")]

mod arrival;
mod bell;
mod config;
mod direction;
mod endpoint;
mod entry;
mod error;
mod files;
mod message;
mod places;
mod probe;
mod queue;
mod reading;
mod request;
mod ring;
mod room;
mod statx;
mod table;
mod uring_driver;
mod watching;
mod writing;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod large_amounts;

pub use config::UringConfig;
pub use error::Unavailable;
pub use probe::{Features, probe};
pub use uring_driver::UringDriver;
