//! `copy` and `copy_bidirectional`: what comes in here goes out there, without a copy in between.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::{Poll, ready},
};

use crate::{StreamReader, StreamWriter};

/// Writes everything that `reader` brings to `writer`, and returns how many bytes that were. The
/// received buffers are sent as they are. Ends with the reader; the writer stays open.
///
/// ```
/// use std::os::unix::net::UnixStream;
/// use roundel_loop::{EventLoop, Socket};
/// use roundel_stream::{StreamReader, StreamWriter, copy};
///
/// let mut event_loop = EventLoop::new()?;
/// let (ours, theirs) = UnixStream::pair()?;
/// let mut writer = StreamWriter::new(event_loop.handle().attach(Socket::new(ours)));
/// let mut reader = StreamReader::of("as it is");
/// let copied = event_loop.run_until_complete(copy(&mut reader, &mut writer))??;
/// assert_eq!(copied, 8);
/// # drop(theirs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Reader or writer failed.
///
/// # Cancel safety
/// What was read has been handed to the writer: nothing is lost, and a new copy goes on behind it.
pub async fn copy(reader: &mut StreamReader, writer: &mut StreamWriter) -> io::Result<u64> {
    let mut copied = 0;
    // One state for both, and no chunk in it: many a connection is a copy and little else.
    poll_fn(|context| {
        loop {
            ready!(writer.poll_drain(context))?;
            let Some(chunk) = ready!(reader.poll_chunk(context))? else {
                return Poll::Ready(Ok(copied));
            };
            copied += chunk.len() as u64;
            writer.write_at_once(chunk)?;
        }
    })
    .await
}

/// Copies in both directions until both have ended, and returns how many bytes went from `one` to
/// `other` and back. The end of a direction is passed on, the other goes on.
///
/// # Errors
/// One of the four failed; the other direction is given up.
///
/// # Cancel safety
/// As [`copy`]. An end that was passed on stays so.
pub async fn copy_bidirectional(
    one: (&mut StreamReader, &mut StreamWriter),
    other: (&mut StreamReader, &mut StreamWriter),
) -> io::Result<(u64, u64)> {
    let mut there = pin!(copy_and_end(one.0, other.1));
    let mut back = pin!(copy_and_end(other.0, one.1));
    let (mut sent, mut returned) = (None, None);
    poll_fn(|context| {
        if sent.is_none()
            && let Poll::Ready(copied) = there.as_mut().poll(context)
        {
            sent = Some(copied?);
        }
        if returned.is_none()
            && let Poll::Ready(copied) = back.as_mut().poll(context)
        {
            returned = Some(copied?);
        }
        match (sent, returned) {
            (Some(sent), Some(returned)) => Poll::Ready(Ok((sent, returned))),
            _ => Poll::Pending,
        }
    })
    .await
}

async fn copy_and_end(reader: &mut StreamReader, writer: &mut StreamWriter) -> io::Result<u64> {
    let copied = copy(reader, writer).await?;
    writer.write_eof().await?;
    Ok(copied)
}
