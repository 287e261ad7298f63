//! The traits of `futures`: reader and writer where other libraries expect `AsyncRead` and kin.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{AsyncBufRead, AsyncRead, AsyncWrite};

use crate::{
    StreamReader, StreamWriter,
    outgoing::{Stage, Until},
};

impl AsyncRead for StreamReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if !room.is_empty() {
            ready!(self.poll_some(context, room.len()))?;
        }
        Poll::Ready(Ok(self.incoming().take_into(room)))
    }
}

impl AsyncBufRead for StreamReader {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        ready!(this.poll_some(context, 0))?;
        Poll::Ready(Ok(this.incoming().first()))
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        StreamReader::consume(self.get_mut(), len);
    }
}

/// Takes what goes at once, or else everything that it is given, and waits before it takes more while
/// the high water mark is passed. `close` is [`write_eof`](StreamWriter::write_eof).
impl AsyncWrite for StreamWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[io::IoSlice::new(data)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(context))?;
        Poll::Ready(self.connection().write_some(data))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection().poll_until(context, Until::Flushed)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection().end(Stage::Ending);
        self.connection().poll_until(context, Until::Ended)
    }
}
