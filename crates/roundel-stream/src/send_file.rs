//! Sending a file: read block by block, written with the stream's flow control.
//!
//! The kernel's sendfile(2) is not used: it reads the file while the loop waits, and what a filter
//! has to see it would send as it is. A block is read as an operation, beside everything else.

use std::io;

use roundel_driver::{File, Outcome};
use roundel_loop::Attached;

use crate::StreamWriter;

/// Read at once. Twice as much is unsent at most, and a file costs no more memory than that.
const BLOCK: usize = 64 << 10;

impl StreamWriter {
    /// Sends up to `at_most` bytes of `file` from `offset`, behind everything written before; tells
    /// how many there were, fewer if the file ends before. Waits, as [`write`](Self::write) does,
    /// while more than the high water mark is unsent.
    ///
    /// ```no_run
    /// use roundel_loop::{Attached, File};
    /// use roundel_stream::StreamWriter;
    ///
    /// async fn send_all(file: &Attached<File>, writer: &mut StreamWriter) -> std::io::Result<u64> {
    ///     writer.send_file(file, 0, u64::MAX).await
    /// }
    /// ```
    ///
    /// # Errors
    /// Those of a write, from the first on: nothing is read for a stream that is closed. And those
    /// of reading the file: the driver's words, or `Unsupported` where files need an executor and
    /// the loop has none.
    ///
    /// # Cancel safety
    /// What was handed over by then is sent, up to a block's border; how much that was is not told.
    #[doc(alias = "sendfile")]
    #[doc(alias = "sock_sendfile")]
    pub async fn send_file(
        &mut self,
        file: &Attached<File>,
        offset: u64,
        at_most: u64,
    ) -> io::Result<u64> {
        let mut sent = 0;
        self.drain().await?;
        while sent < at_most {
            let block = usize::try_from(at_most - sent).map_or(BLOCK, |left| left.min(BLOCK));
            let read = file.read_at(offset.saturating_add(sent), block).await;
            let Outcome::Received(data) = read.map_err(io::Error::from)? else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            if data.is_empty() {
                break;
            }
            sent += data.len() as u64;
            self.write(data).await?;
        }
        Ok(sent)
    }
}
