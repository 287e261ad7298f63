//! Operations, however the kernel reports them: readiness made into completion.
//!
//! A [`Driver`] makes [`Socket`]s, opens [`File`]s, is asked for [`Operation`]s on them (receive,
//! send, accept, connect, read, write, sync, tell me when ready) and answers with [`Outcome`]s.
//! Whether the kernel reports readiness or completion is
//! the driver's own affair: [`SelectorDriver`] works over any selector by trying, arming and
//! retrying; one over io_uring hands the operation down as it is; a simulated one has no kernel.
//!
//! It is not a runtime. A driver runs no user code and wakes nobody; it says which operations are
//! done, and whoever waits for one takes its outcome from the slot. An event loop sits on top, or
//! any program with a loop of its own, as in the example of [`SelectorDriver`].
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-net · roundel-process
//! L3  roundel-executor · roundel-stream · roundel-signal
//! L2  roundel-loop · roundel-sim
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool   ◀ you are here
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! # Semantics
//!
//! - An operation that the kernel can answer at once is done at once, without a registration or a
//!   wait ([`Submitted::Done`]). Else it has a [`Key`], and everything it owns lies in its slot.
//! - Operations of one source and direction are served in the order of submission.
//! - A send or a write is done when all of it has gone out; the buffer comes back with the outcome,
//!   and its bytes with the error.
//! - A receive that waits holds no buffer, unless its caller brought one for a large amount
//!   ([`Operation::RecvInto`]). It gets one from the driver's pool when the kernel has
//!   something to put in, and the buffer returns there when dropped: an idle connection costs its
//!   entries in two tables, not a buffer.
//! - A stream may be received by one operation that goes on ([`Operation::RecvMany`]): it keeps its
//!   slot and its place in the queue, is named when there is something, and taken from piece by piece.
//! - Several datagrams are one operation ([`Operation::RecvBatch`], [`Operation::SendBatch`]), and one
//!   call where the system has it: on Linux, for what is sent, and for what UDP receives.
//! - What a socket answers at once, its addresses and options, is a method of [`Socket`].
//! - A file's operations have no order among themselves. Where the kernel cannot carry them out by
//!   itself, they are calls that block, for the caller to have made on another thread
//!   ([`Submitted::Blocking`]).
//! - Sockets and files close with their last holder: the driver that has them attached, a clone,
//!   or an outcome that nobody took.
//! - A stream source is registered at its first wait in each direction and left alone from then on.
//!   Requests and answers on epoll cost one receive, one send and a share of a wait.
//!
//! # Cancellation
//!
//! [`Driver::cancel`] gives an operation up, at any time and without blocking. A receive, read or
//! accept given up has taken nothing, or what it had taken goes to the source's next operation of
//! its kind; what a send or write has handed to the kernel stays sent. A call that another thread
//! is making goes on to its end, and a file that it opens is closed again.
//! Keys are never mistaken for their successors.
//!
//! # Platforms
//!
//! Unix. The selectors beneath say which of theirs run where.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod address;
mod arena;
mod attempt;
mod blocking;
mod boxed;
mod buffer;
mod datagram_calls;
mod driver;
mod error;
mod file;
mod file_call;
mod kernel_socket;
mod messages;
mod operation;
mod selector_driver;
mod socket;
mod socket_option;
mod surplus;
mod unclaimed;
mod watched;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use address::{Address, UnixAddress};
pub use blocking::BlockingCall;
pub use buffer::{Buffer, BufferPool};
pub use datagram_calls::DatagramCalls;
pub use driver::{Driver, DriverStatistics, Submitted};
pub use error::{DriverError, OperationError, SocketError};
pub use file::{File, FileKind, ForeignFile, Metadata, OpenOptions};
pub use messages::{Message, Messages};
pub use operation::{Completion, Datagram, Key, Operation, Outcome, SourceId};
pub use roundel_selector::{Interest, Notifier, Notify, Readiness, SelectorError, Source};
pub use selector_driver::SelectorDriver;
pub use socket::{Credentials, Family, Socket, SocketCalls, SocketKind};
pub use socket_option::{KeepAlive, SocketOption, SocketOptionName};
pub use surplus::Surplus;
pub use unclaimed::Unclaimed;
