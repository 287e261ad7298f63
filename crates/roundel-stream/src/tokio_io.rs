//! The traits of tokio, both ways: our streams for libraries written for tokio, and tokio's for
//! those written for `futures`. No runtime of tokio's is needed for ours.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::AsyncWrite as _;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::{Duplex, StreamReader, StreamWriter};

fn poll_read(
    reader: &mut StreamReader,
    context: &mut Context<'_>,
    room: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    if room.remaining() > 0 {
        ready!(reader.poll_some(context, room.remaining()))?;
        reader.incoming().take_to(room.remaining(), |piece| room.put_slice(piece));
    }
    Poll::Ready(Ok(()))
}

impl AsyncRead for StreamReader {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        poll_read(self.get_mut(), context, room)
    }
}

impl AsyncBufRead for StreamReader {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        futures::AsyncBufRead::poll_fill_buf(self, context)
    }

    fn consume(self: Pin<&mut Self>, len: usize) {
        StreamReader::consume(self.get_mut(), len);
    }
}

impl AsyncRead for Duplex {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        poll_read(&mut self.get_mut().reader, context, room)
    }
}

impl AsyncBufRead for Duplex {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        futures::AsyncBufRead::poll_fill_buf(self, context)
    }

    fn consume(mut self: Pin<&mut Self>, len: usize) {
        self.reader.consume(len);
    }
}

macro_rules! write_as_futures_does {
    ($ours:ty) => {
        impl AsyncWrite for $ours {
            fn poll_write(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                data: &[u8],
            ) -> Poll<io::Result<usize>> {
                futures::AsyncWrite::poll_write(self, context, data)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
                data: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                futures::AsyncWrite::poll_write_vectored(self, context, data)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
                futures::AsyncWrite::poll_flush(self, context)
            }

            fn poll_shutdown(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<io::Result<()>> {
                self.poll_close(context)
            }
        }
    };
}

write_as_futures_does!(StreamWriter);
write_as_futures_does!(Duplex);

/// Something with tokio's traits, which then has those of `futures`. What runs on tokio's reactor
/// needs a runtime of tokio's; what does not, such as a codec or a pipe in memory, runs here.
#[derive(Debug)]
pub struct FromTokio<T>(pub T);

impl<T: AsyncRead + Unpin> futures::AsyncRead for FromTokio<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(room);
        ready!(Pin::new(&mut self.0).poll_read(context, &mut room))?;
        Poll::Ready(Ok(room.filled().len()))
    }
}

impl<T: AsyncWrite + Unpin> futures::AsyncWrite for FromTokio<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
