//! `Filter`: what stands between the bytes of the program and those of the wire, as TLS does.

use std::{io, ops::ControlFlow, time::Duration};

use crate::{StreamReader, StreamWriter};

/// What the bytes of a stream go through on their way: the program's, called plain here, become the
/// wire's and back. It performs no I/O. It is handed bytes and asked for bytes, and the stream does
/// the rest, so that everything made for streams works through it unchanged.
///
/// It is called while the stream is at work, and must not use it.
///
/// ```
/// use std::{io, ops::ControlFlow, os::unix::net::UnixStream, time::Duration};
/// use roundel_loop::{EventLoop, Socket};
/// use roundel_stream::{Filter, filter, open};
///
/// /// Everything upside down, and a zero for the end.
/// #[derive(Default)]
/// struct Inverted(Vec<u8>);
///
/// impl Filter for Inverted {
///     fn receive(
///         &mut self,
///         wire: Option<&[u8]>,
///         plain: &mut Vec<u8>,
///     ) -> io::Result<ControlFlow<()>> {
///         let Some(wire) = wire else { return Err(io::ErrorKind::UnexpectedEof.into()) };
///         plain.extend(wire.iter().take_while(|byte| **byte != 0).map(|byte| !byte));
///         let has_ended = wire.contains(&0);
///         Ok(if has_ended { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
///     }
///
///     fn send(&mut self, plain: &[u8]) {
///         self.0.extend(plain.iter().map(|byte| !byte));
///     }
///
///     fn end(&mut self) {
///         self.0.push(0);
///     }
///
///     fn take_wire(&mut self) -> Vec<u8> {
///         std::mem::take(&mut self.0)
///     }
///
///     fn patience(&self) -> Duration {
///         Duration::from_secs(1)
///     }
/// }
///
/// let mut event_loop = EventLoop::new()?;
/// let (ours, wire) = UnixStream::pair()?;
/// let (mut reader, mut writer) = open(event_loop.handle().attach(Socket::new(ours)));
/// let (mut wire_reader, mut wire_writer) = open(event_loop.handle().attach(Socket::new(wire)));
/// event_loop.run_until_complete(async {
///     filter(&mut reader, &mut writer, Inverted::default())?;
///     writer.write(b"ask").await?;
///     writer.write_eof().await?;
///     assert_eq!(wire_reader.read_to_end().await?, [!b'a', !b's', !b'k', 0]);
///     wire_writer.write(&[!b'o', !b'k', !b'\n', 0]).await?;
///     assert_eq!(reader.read_line().await?, b"ok\n");
///     assert_eq!(reader.read_line().await?, b"");
///     Ok::<_, roundel_stream::ReadError>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Filter {
    /// Takes in what came from the wire, or none at the wire's end, and appends what that is to the
    /// program to `plain`. [`Break`](ControlFlow::Break) says that the peer has ended: nothing more
    /// can come. Asked once with no bytes when it begins.
    ///
    /// # Errors
    /// What came is not right, or the wire ended where it must not. The program gets what was
    /// appended, then the error; and if the wire has not ended, what [`take_wire`](Self::take_wire)
    /// has is sent, and writing fails from then on.
    fn receive(&mut self, wire: Option<&[u8]>, plain: &mut Vec<u8>) -> io::Result<ControlFlow<()>>;

    /// Takes in what the program sends.
    fn send(&mut self, plain: &[u8]);

    /// The program sends no more. Called once at most; nothing goes out to the wire behind it.
    fn end(&mut self);

    /// Everything that is to go out to the wire; asked for after each of the others.
    fn take_wire(&mut self) -> Vec<u8>;

    /// How long a close waits for the peer's end, once the program's is sent.
    fn patience(&self) -> Duration;
}

/// Lets everything that `reader` and `writer` have not yet given out or taken in go through
/// `filter`, from now on. What the reader has received ahead goes through it too. A stream that has a
/// filter gets the new one on the program's side of it.
///
/// A close then sends the [end](Filter::end), ends the wire's sending direction, and waits for the
/// peer's end, dropping what else comes, before it closes: within the filter's
/// [patience](Filter::patience), else with [`TimedOut`](io::ErrorKind::TimedOut).
///
/// # Errors
/// Reader and writer are not of one stream, or what was written is not flushed, with
/// [`InvalidInput`](io::ErrorKind::InvalidInput); nothing has changed then.
pub fn filter(
    reader: &mut StreamReader,
    writer: &mut StreamWriter,
    filter: impl Filter + 'static,
) -> io::Result<()> {
    let refuse = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if !reader.pairs_with(writer) {
        return refuse("a filter is for the reader and the writer of one stream");
    }
    if writer.buffered_bytes() > 0 {
        return refuse("a filter begins behind what is unsent, which is to be flushed before");
    }
    reader.begin_filter(Box::new(filter));
    Ok(())
}

/// A filter on the program's side of another, as TLS within TLS.
pub(crate) struct Stack {
    pub(crate) inner: Box<dyn Filter>,
    pub(crate) outer: Box<dyn Filter>,
}

impl Filter for Stack {
    fn receive(&mut self, wire: Option<&[u8]>, plain: &mut Vec<u8>) -> io::Result<ControlFlow<()>> {
        let mut between = Vec::new();
        let outer = match wire {
            Some(wire) => self.outer.receive(Some(wire), &mut between),
            // Who has ended before has nothing to say to that.
            None => self.outer.receive(None, &mut between).map(|_| ControlFlow::Break(())),
        };
        let inner = self.inner.receive(Some(&between), plain)?;
        match outer? {
            ControlFlow::Break(()) if inner.is_continue() => self.inner.receive(None, plain),
            _ => Ok(inner),
        }
    }

    fn send(&mut self, plain: &[u8]) {
        self.inner.send(plain);
        self.pass_on();
    }

    fn end(&mut self) {
        self.inner.end();
        self.pass_on();
        self.outer.end();
    }

    fn take_wire(&mut self) -> Vec<u8> {
        self.pass_on();
        self.outer.take_wire()
    }

    fn patience(&self) -> Duration {
        self.inner.patience().max(self.outer.patience())
    }
}

impl Stack {
    fn pass_on(&mut self) {
        let between = self.inner.take_wire();
        if !between.is_empty() {
            self.outer.send(&between);
        }
    }
}
