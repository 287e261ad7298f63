//! Standard input, output and error as streams, without a thread that waits in their place.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::FileTypeExt,
    },
};

use roundel_loop::{LoopHandle, Source};
use rustix::fs::{Mode, OFlags};

use crate::{StreamReader, StreamWriter};

/// Standard input, on the current loop.
///
/// A pipe or terminal is opened once more, where the system lets us (Linux's `/proc`), so that the
/// loop's non-blocking mode stays its own affair. Else other programs that share it see that mode. A
/// file of a disk is read as any pipe; while the disk is slow, the loop waits.
///
/// ```no_run
/// # async fn echo() -> Result<(), roundel_stream::ReadError> {
/// let (mut input, mut output) = (roundel_stream::stdin()?, roundel_stream::stdout()?);
/// roundel_stream::copy(&mut input, &mut output).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// It is closed, or there are too many open files.
///
/// # Panics
/// If no loop runs in this thread.
#[track_caller]
pub fn stdin() -> io::Result<StreamReader> {
    let source = our_own(io::stdin().as_fd(), OFlags::RDONLY)?;
    Ok(StreamReader::new(LoopHandle::current().attach(source)))
}

/// Standard output, on the current loop; as [`stdin`].
///
/// What is unsent when the loop ends is lost: [`flush`](StreamWriter::flush) before.
///
/// # Errors
/// It is closed, or there are too many open files.
///
/// # Panics
/// If no loop runs in this thread.
#[track_caller]
pub fn stdout() -> io::Result<StreamWriter> {
    let source = our_own(io::stdout().as_fd(), OFlags::WRONLY)?;
    Ok(StreamWriter::new(LoopHandle::current().attach(source)))
}

/// Standard error, on the current loop; as [`stdout`].
///
/// # Errors
/// It is closed, or there are too many open files.
///
/// # Panics
/// If no loop runs in this thread.
#[track_caller]
pub fn stderr() -> io::Result<StreamWriter> {
    let source = our_own(io::stderr().as_fd(), OFlags::WRONLY)?;
    Ok(StreamWriter::new(LoopHandle::current().attach(source)))
}

/// A descriptor that is ours to close; with a mode of its own, where that can be had.
fn our_own(shared: BorrowedFd<'_>, access: OFlags) -> io::Result<Source> {
    let file = File::from(shared.try_clone_to_owned()?);
    let kind = file.metadata()?.file_type();
    // Opening a file of a disk again would begin at its begin, and a socket has no name to open.
    let again = (kind.is_fifo() || kind.is_char_device()).then(|| {
        let name = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        let flags = access | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        rustix::fs::open(name, flags, Mode::empty())
    });
    match again {
        Some(Ok(own)) => Ok(Source::new(own)),
        _ => Ok(Source::new(OwnedFd::from(file))),
    }
}
