//! `Duplex`: reader and writer in one, for libraries that want it so.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use futures::{AsyncBufRead, AsyncRead, AsyncWrite};

use crate::{StreamReader, StreamWriter};

/// Both ends of a stream as one value with the traits of `futures`, and of tokio and hyper where
/// those features are on.
///
/// ```
/// use futures::{AsyncReadExt, AsyncWriteExt};
/// use std::os::unix::net::UnixStream;
/// use roundel_loop::{EventLoop, Socket};
/// use roundel_stream::{Duplex, open};
///
/// let mut event_loop = EventLoop::new()?;
/// let handle = event_loop.handle();
/// let (near, far) = UnixStream::pair()?;
/// let [mut near, mut far] =
///     [near, far].map(|socket| Duplex::from(open(handle.attach(Socket::new(socket)))));
/// event_loop.run_until_complete(async {
///     near.write_all(b"hello").await?;
///     near.close().await?;
///     let mut all = String::new();
///     far.read_to_string(&mut all).await?;
///     assert_eq!(all, "hello");
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Duplex {
    /// What is read from.
    pub reader: StreamReader,
    /// What is written to.
    pub writer: StreamWriter,
}

impl From<(StreamReader, StreamWriter)> for Duplex {
    fn from((reader, writer): (StreamReader, StreamWriter)) -> Self {
        Self { reader, writer }
    }
}

impl From<Duplex> for (StreamReader, StreamWriter) {
    fn from(duplex: Duplex) -> Self {
        (duplex.reader, duplex.writer)
    }
}

impl AsyncRead for Duplex {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(context, room)
    }
}

impl AsyncBufRead for Duplex {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().reader).poll_fill_buf(context)
    }

    fn consume(mut self: Pin<&mut Self>, len: usize) {
        self.reader.consume(len);
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(context, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write_vectored(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_close(context)
    }
}
