//! Files as operations of the loop: nothing waits for a disk but who wants to.
//!
//! A [`File`] is read and written at offsets, so any number of operations may be under way at once
//! and none moves another's place. [`read`] and [`write()`] are for a whole file at a time. This is
//! no buffered stream, and no walk through directories.
//!
//! ```text
//! L5  roundel · roundel-run
//! L4  roundel-net · roundel-process
//! L3  roundel-executor · roundel-stream · roundel-signal · roundel-file   ◀ you are here
//! L2  roundel-loop · roundel-sim
//! L1  roundel-driver · roundel-uring · roundel-sync · roundel-pool
//! L0  roundel-selector · roundel-promise · roundel-timer
//! ```
//!
//! ```
//! use roundel_file::File;
//! use roundel_loop::EventLoop;
//!
//! let mut event_loop = EventLoop::new()?;
//! // Where the driver is no proactor, somebody has to wait for the disk.
//! event_loop.handle().set_default_executor(|job| drop(std::thread::spawn(job)));
//! # let path = std::env::temp_dir().join(format!("roundel-file-doc-{}", std::process::id()));
//! event_loop.run_until_complete(async {
//!     let file = File::create(&path).await?;
//!     file.write_at(0, b"hello, disk").await?;
//!     file.sync().await?;
//!     assert_eq!(&file.read_at(7, 100).await?[..], b"disk");
//!     file.close().await
//! })??;
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Semantics
//!
//! - On io_uring each call is a request to the kernel. On a driver that hears of readiness, which
//!   no disk has, it is a blocking call on the loop's
//!   [default executor](roundel_loop::LoopHandle::set_default_executor); without one it fails with
//!   [`Unsupported`](std::io::ErrorKind::Unsupported), and says so.
//! - A write that fails gives its bytes back, with how many of them were written.
//! - Closing is by drop, where it may block for a moment, or by [`File::close`], where it does not.
//!   Neither tells whether what was written lies on the disk: [`File::sync`] does.
//!
//! # Cancellation
//!
//! A call that is dropped may have been carried out or not, for the kernel or a thread may have
//! begun it; nothing that it held is lost or leaked. What was read for it is dropped, and can be
//! read again at the same offset. Each function says the rest.
//!
//! # Platforms
//!
//! Unix.
#![forbid(unsafe_code)]
#![cfg(unix)]

mod file;
mod whole;

pub use file::File;
pub use roundel_loop::{Buffer, FileKind, Metadata, OpenOptions, OperationError};
pub use whole::{read, write};
