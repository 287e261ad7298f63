//! Sending a file: by the kernel as far as it has the file in memory, else read block by block and
//! written with the stream's flow control.
//!
//! The kernel's way, sendfile(2), spares two copies and a thread, but it reads the disk while the
//! loop waits, and it passes by a filter. So it is asked only for bytes that it has in memory, and
//! only over a bare socket; a block is read as an operation, beside everything else (ADR 16).

use std::io;

use roundel_driver::{File, Outcome};
use roundel_loop::Attached;

use crate::{
    Carrier, SendFileError, StreamWriter,
    cached::{Cached, Piece},
};

/// Read at once. Twice as much is unsent at most, and a file costs no more memory than that.
const BLOCK: usize = 64 << 10;

/// Sent by the kernel in one call, so that no call keeps the loop for long: asyncio's block.
const PIECE: usize = 256 << 10;

/// Pieces in a row that the kernel took at once, after which the others on the loop have their turn.
const IN_A_ROW: u8 = 4;

impl StreamWriter {
    /// Sends up to `at_most` bytes of `file` from `offset`, behind everything written before; tells
    /// how many there were, fewer if the file ends before. Waits while the peer takes no more.
    ///
    /// On Linux, what the kernel has of the file in memory it sends by itself (sendfile(2)) if the
    /// stream runs over one of its sockets, a non-blocking one, as all are that the loop makes, and
    /// through no [`filter`](crate::filter). Whatever else, bytes that have yet to be read from a
    /// disk above all, is read in blocks of 64 KiB, as an operation of the loop, and written as by
    /// [`write`](Self::write).
    ///
    /// Whoever changes the file meanwhile changes what is sent, also of that which the kernel has
    /// taken and the peer has not: it refers to the file's memory until then.
    ///
    /// A send by the kernel to a peer that has gone raises `SIGPIPE`, which has no effect in programs
    /// that ignore it, as Rust's do from their start.
    ///
    /// ```no_run
    /// use roundel_loop::{Attached, File};
    /// use roundel_stream::{SendFileError, StreamWriter};
    ///
    /// async fn send_all(
    ///     file: &Attached<File>,
    ///     writer: &mut StreamWriter,
    /// ) -> Result<u64, SendFileError> {
    ///     writer.send_file(file, 0, u64::MAX).await
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of a write, from the first on: nothing is read for a stream that has ended. And those
    /// of reading the file: the driver's words, or `Unsupported` where files need an executor and
    /// the loop has none. The error tells how much had been handed over before.
    ///
    /// # Cancel safety
    /// What was handed over by then is sent, in order and without a gap; how much that was is not
    /// told.
    #[doc(alias = "sendfile")]
    #[doc(alias = "sock_sendfile")]
    pub async fn send_file(
        &mut self,
        file: &Attached<File>,
        offset: u64,
        at_most: u64,
    ) -> Result<u64, SendFileError> {
        let mut sent = 0;
        match self.hand_over(file, offset, at_most, &mut sent).await {
            Ok(()) => Ok(sent),
            Err(cause) => Err(SendFileError { sent, cause }),
        }
    }

    async fn hand_over(
        &mut self,
        file: &Attached<File>,
        offset: u64,
        at_most: u64,
        sent: &mut u64,
    ) -> io::Result<()> {
        self.connection().check()?;
        self.drain().await?;
        let mut kernel = self
            .connection()
            .past_no_filter(|socket| Cached::between(file.file(), socket))
            .flatten();
        while *sent < at_most {
            let (here, left) = (offset.saturating_add(*sent), at_most - *sent);
            if let Some(cached) = &kernel
                && cached.has(here, bounded(left, PIECE))
            {
                match self.send_piece(cached, here, bounded(left, PIECE)).await? {
                    Piece::Sent(0) => break,
                    Piece::Sent(more) => {
                        *sent += more as u64;
                        continue;
                    }
                    Piece::NoRoom => continue,
                    Piece::Refused => kernel = None,
                }
            }
            let read = file.read_at(here, bounded(left, BLOCK)).await;
            let Outcome::Received(data) = read.map_err(io::Error::from)? else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            if data.is_empty() {
                break;
            }
            *sent += data.len() as u64;
            self.write(data).await?;
        }
        Ok(())
    }

    /// Has the kernel send as much as goes in one call; or else waits until it has room.
    async fn send_piece(
        &mut self,
        cached: &Cached,
        from: u64,
        at_most: usize,
    ) -> io::Result<Piece> {
        self.flush().await?;
        let piece = self.connection().past_no_filter(|socket| cached.send(socket, from, at_most));
        let piece = piece.unwrap_or(Ok(Piece::Refused));
        match piece.map_err(|cause| self.connection().fail_with(cause))? {
            Piece::NoRoom => {
                self.has_waited();
                let Some(room) = self.connection().with(Carrier::room) else {
                    return Ok(Piece::Refused);
                };
                // What is wrong is met by the next write.
                Ok(room.await.map_or(Piece::Refused, |_| Piece::NoRoom))
            }
            piece => {
                self.has_not_waited(IN_A_ROW).await;
                Ok(piece)
            }
        }
    }
}

fn bounded(left: u64, most: usize) -> usize {
    usize::try_from(left).map_or(most, |left| left.min(most))
}
