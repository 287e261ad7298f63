//! Buffered byte streams over a transport: readers that lend, writers that wait.
//!
//! [`open`] makes a [`StreamReader`] and a [`StreamWriter`] of a connected socket or of any other
//! descriptor that bytes go through. They are asyncio's streams with their flow control, and the
//! same on every driver. Connecting, accepting and resolving names are the affair of `roundel-net`.
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
//! use std::os::unix::net::UnixStream;
//! use roundel_loop::{EventLoop, Socket};
//!
//! let mut event_loop = EventLoop::new()?;
//! let handle = event_loop.handle();
//! let (near, far) = UnixStream::pair()?;
//! let (mut reader, mut writer) = roundel_stream::open(handle.attach(Socket::new(near)));
//! let (mut far_reader, mut far_writer) = roundel_stream::open(handle.attach(Socket::new(far)));
//!
//! event_loop.run_until_complete(async {
//!     writer.write(b"how much is 6 * 7?\n").await?;
//!     let question = far_reader.read_line().await?;
//!     assert_eq!(question, b"how much is 6 * 7?\n");
//!     far_writer.write(b"42\n").await?;
//!     assert_eq!(reader.read_line().await?, b"42\n");
//!     Ok::<_, roundel_stream::ReadError>(())
//! })??;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//!
//! - A reader receives when a read needs more than it has, so that what it holds is bounded by what
//!   it was asked for; a peer that sends more waits.
//! - What is read is lent. A line that lies in one received buffer is not copied, a chunk is handed
//!   over with its memory, and each byte is searched once in a read.
//! - A reader that waits holds no buffer, at most the half of a line that it could not give out yet.
//! - A write hands its bytes over at once. It waits only while more than the high water mark is
//!   unsent; what is unsent goes out on the loop's call-backs, whether anybody waits or not.
//! - Small writes with `write_buffered` go out together, at the latest in the loop's next turn.
//! - Dropping the writer ends the sending direction behind what is unsent, dropping both closes.
//!
//! [`Transport`] and [`Protocol`] are the layer beneath as asyncio has it: call-backs in place of
//! tasks, on the same ground.
//!
//! What all bytes of a stream are to go through, such as TLS, is a [`Filter`]; reader and writer stay
//! the same.
//!
//! # Features
//!
//! - `tokio`: the reader, the writer and [`Duplex`] have tokio's traits, and `FromTokio` gives what
//!   has tokio's those of `futures`. No runtime of tokio's takes part.
//! - `hyper`: [`Duplex`] has the traits of hyper's `rt`.
//!
//! # Cancellation
//!
//! A read that is dropped has read nothing, and what it waited for is for the next read. A write
//! that is dropped after its first poll is sent all the same, once.
//!
//! # Platforms
//!
//! Unix.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod cached;
mod carrier;
mod chunk;
mod connection;
mod copy;
mod duplex;
mod error;
mod filter;
mod filtered;
mod find;
mod flow;
mod futures_io;
mod incoming;
mod lender;
mod lines;
mod open;
mod outgoing;
mod protocol;
mod reader;
mod receiving;
mod send_file;
mod standard;
mod transport;
mod writer;

#[cfg(feature = "hyper")]
mod hyper_io;
#[cfg(feature = "tokio")]
mod tokio_io;

pub use carrier::Carrier;
pub use chunk::Chunk;
pub use copy::{copy, copy_bidirectional};
pub use duplex::Duplex;
pub use error::{ReadError, SendFileError};
pub use filter::{Filter, filter};
pub use flow::{Flow, WaterMarks};
pub use lender::{Lease, Lender};
pub use lines::Lines;
pub use open::open;
pub use protocol::Protocol;
pub use reader::StreamReader;
pub use standard::{stderr, stdin, stdout};
#[cfg(feature = "tokio")]
pub use tokio_io::FromTokio;
pub use transport::Transport;
pub use writer::StreamWriter;
