//! `StreamReader`: reads that lend what came, from where it came to lie.

use std::{
    fmt,
    future::poll_fn,
    io,
    rc::Rc,
    task::{Context, Poll, ready},
};

use roundel_driver::Address;

use crate::{
    Carrier, Chunk, Filter, Lines, ReadError, StreamWriter,
    connection::Connection,
    find::{Found, find, searched},
    incoming::Incoming,
    receiving::Receiving,
};

/// asyncio's.
const DEFAULT_LIMIT: usize = 64 << 10;

/// The reading end of a stream.
///
/// What is read is lent until the next call: a line that lies in one received buffer is not copied.
/// A reader receives only when a read needs more than it has, so a peer that sends faster than it is
/// read waits, and a reader that waits holds no buffer.
///
/// ```
/// use std::{io::Write, os::unix::net::UnixStream};
/// use roundel_loop::{EventLoop, Socket};
/// use roundel_stream::StreamReader;
///
/// let mut event_loop = EventLoop::new()?;
/// let (ours, mut theirs) = UnixStream::pair()?;
/// let mut reader = StreamReader::new(event_loop.handle().attach(Socket::new(ours)));
/// theirs.write_all(b"one\ntwo\n")?;
/// drop(theirs);
/// event_loop.run_until_complete(async {
///     assert_eq!(reader.read_line().await?, b"one\n");
///     assert_eq!(reader.read_exact(2).await?, b"tw");
///     assert_eq!(reader.read_line().await?, b"o\n");
///     assert_eq!(reader.read_line().await?, b"");
///     Ok::<_, roundel_stream::ReadError>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
/// A read that is dropped before it is ready has read nothing: what has come stays for the next.
/// Where a method differs, it says so.
pub struct StreamReader {
    incoming: Incoming,
    receiving: Receiving,
    limit: usize,
}

impl StreamReader {
    /// A reader alone, over the end of a pipe for instance. For both directions there is
    /// [`open`](crate::open).
    #[doc(alias = "connect_read_pipe")]
    pub fn new(carrier: impl Into<Carrier>) -> Self {
        Self::over(Some(Connection::new(carrier.into())))
    }

    pub(crate) fn over(connection: Option<Rc<Connection>>) -> Self {
        let receiving = Receiving::new(connection);
        Self { incoming: Incoming::default(), receiving, limit: DEFAULT_LIMIT }
    }

    /// A reader of bytes that are there, and then ends; for tests of what reads streams.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// let mut reader = roundel_stream::StreamReader::of("GET / HTTP/1.1\r\n\r\n");
    /// assert_eq!(reader.read_until(b" ").await?, b"GET ");
    /// # Ok::<(), roundel_stream::ReadError>(()) }).unwrap();
    /// ```
    #[doc(alias = "feed_data")]
    pub fn of(bytes: impl Into<Vec<u8>>) -> Self {
        let mut reader = Self::over(None);
        reader.incoming.push(bytes.into().into());
        reader
    }

    /// How long a line may be, in bytes, its end not counted: [`read_line`](Self::read_line) and
    /// [`read_until`](Self::read_until) look no further. 64 KiB, if it is not set.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Sets the [`limit`](Self::limit), in bytes.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// How many bytes were received and are not read.
    pub fn buffered_bytes(&self) -> usize {
        self.incoming.len()
    }

    /// The stream has ended and everything is read. False while the end is not known yet.
    pub fn at_eof(&self) -> bool {
        self.receiving.has_ended() && self.incoming.is_empty()
    }

    /// The local address of the socket beneath.
    ///
    /// # Errors
    /// The stream runs over no socket, or is closed.
    pub fn local_address(&self) -> io::Result<Address> {
        self.connection()?.ask(Carrier::local_address)
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// The stream runs over no socket, or is closed.
    pub fn peer_address(&self) -> io::Result<Address> {
        self.connection()?.ask(Carrier::peer_address)
    }

    fn connection(&self) -> io::Result<&Rc<Connection>> {
        self.receiving.connection().ok_or_else(crate::connection::closed)
    }

    /// Whether `writer` is the other end of the same stream.
    pub fn pairs_with(&self, writer: &StreamWriter) -> bool {
        self.receiving.connection().is_some_and(|ours| Rc::ptr_eq(ours, writer.connection()))
    }

    /// What was received and is not read goes through `filter` as all that comes.
    pub(crate) fn begin_filter(&mut self, filter: Box<dyn Filter>) {
        let wire = self.incoming.take_all();
        if let Some(plain) = self.receiving.begin_filter(filter, &wire) {
            self.incoming.push(plain);
        }
    }

    /// Reads between 1 and `at_most` bytes, as soon as there are any; none at the end of the
    /// stream, and none if none were asked for. The [`limit`](Self::limit) is no concern of it.
    ///
    /// # Errors
    /// The carrier failed.
    pub async fn read(&mut self, at_most: usize) -> io::Result<&[u8]> {
        if at_most > 0 {
            poll_fn(|context| self.poll_some(context, 0)).await?;
        }
        let len = self.incoming.first().len().min(at_most);
        Ok(self.incoming.take(len))
    }

    /// Reads as [`read`](Self::read) does, into memory of the caller's; returns how many bytes.
    ///
    /// # Errors
    /// The carrier failed.
    pub async fn read_into(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if !room.is_empty() {
            poll_fn(|context| self.poll_some(context, room.len())).await?;
        }
        Ok(self.incoming.take_into(room))
    }

    /// Reads what lies in one piece, with its memory; none at the end of the stream. Nothing is
    /// copied.
    ///
    /// # Errors
    /// The carrier failed.
    pub async fn read_chunk(&mut self) -> io::Result<Option<Chunk>> {
        poll_fn(|context| self.poll_chunk(context)).await
    }

    pub(crate) fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Option<Chunk>>> {
        let Self { incoming, receiving, .. } = self;
        if !incoming.is_empty() {
            return Poll::Ready(Ok(Some(incoming.take_chunk())));
        }
        // Straight through, without lying between.
        let received = ready!(receiving.poll(context, 0, || incoming.settle()))?;
        Poll::Ready(Ok(received.map(|data| Chunk::new(data, 0))))
    }

    /// Reads exactly `len` bytes. The [`limit`](Self::limit) is no concern of it.
    ///
    /// # Errors
    /// [`Incomplete`](ReadError::Incomplete) with what was left, if the stream ends earlier; the
    /// carrier failed.
    #[doc(alias = "readexactly")]
    pub async fn read_exact(&mut self, len: usize) -> Result<&[u8], ReadError> {
        while self.incoming.len() < len {
            let hint = len - self.incoming.len();
            if !poll_fn(|context| self.poll_more(context, hint)).await? {
                let partial = self.incoming.take_all();
                return Err(ReadError::Incomplete { partial, expected: Some(len) });
            }
        }
        Ok(self.incoming.take(len))
    }

    /// Reads up to the end of the stream.
    ///
    /// Holds all of it, however long it is: where the peer is not trusted, read by
    /// [`read_chunk`](Self::read_chunk) and count.
    ///
    /// # Errors
    /// The carrier failed; what came before stays for the next read.
    pub async fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        while poll_fn(|context| self.poll_more(context, 0)).await? {}
        Ok(self.incoming.take_all())
    }

    /// Reads a line with its `\n`; at the end of the stream what is left, then nothing.
    ///
    /// # Errors
    /// [`LimitOverrun`](ReadError::LimitOverrun), if the line is longer than the
    /// [`limit`](Self::limit): as much of it as has come is dropped, with its end if that has come.
    /// The carrier failed.
    #[doc(alias = "readline")]
    pub async fn read_line(&mut self) -> Result<&[u8], ReadError> {
        let mut searched = 0;
        let line = match self.line_there(&mut searched) {
            Some(line) => line,
            None => poll_fn(|context| self.poll_line(context, &mut searched)).await,
        };
        Ok(self.incoming.take(line?))
    }

    /// The lines of the stream, one by one, in memory of their own.
    #[doc(alias = "__aiter__")]
    pub fn lines(&mut self) -> Lines<'_> {
        Lines::new(self)
    }

    /// Reads up to and with `separator`.
    ///
    /// # Errors
    /// [`Incomplete`](ReadError::Incomplete) with what was left, if the stream ends earlier;
    /// [`LimitOverrun`](ReadError::LimitOverrun), if more than the [`limit`](Self::limit) stands
    /// before it, and nothing is read then; the separator is empty; the carrier failed.
    #[doc(alias = "readuntil")]
    pub async fn read_until(&mut self, separator: &[u8]) -> Result<&[u8], ReadError> {
        self.read_until_any(&[separator]).await
    }

    /// Reads up to and with that of the separators that ends first.
    ///
    /// # Errors
    /// As [`read_until`](Self::read_until).
    #[doc(alias = "readuntil")]
    pub async fn read_until_any(&mut self, separators: &[&[u8]]) -> Result<&[u8], ReadError> {
        if separators.is_empty() || separators.iter().any(|separator| separator.is_empty()) {
            return Err(ReadError::EmptySeparator);
        }
        let mut from = 0;
        let found = poll_fn(|context| self.poll_until(context, separators, &mut from)).await?;
        match found {
            Some(found) => Ok(self.incoming.take(found.end)),
            None => {
                let partial = self.incoming.take_all();
                Err(ReadError::Incomplete { partial, expected: None })
            }
        }
    }

    /// What is there to be read, received if need be; empty at the end of the stream. It stays until
    /// it is [consumed](Self::consume).
    ///
    /// # Errors
    /// The carrier failed.
    #[doc(alias = "peek")]
    pub async fn fill(&mut self) -> io::Result<&[u8]> {
        poll_fn(|context| self.poll_some(context, 0)).await?;
        Ok(self.incoming.first())
    }

    /// Reads what was looked at.
    ///
    /// # Panics
    /// If `len` is more than there is.
    #[track_caller]
    pub fn consume(&mut self, len: usize) {
        assert!(len <= self.incoming.len(), "consuming more than there is");
        self.incoming.take(len);
    }

    /// Until anything is there to be read; false at the end of the stream.
    pub(crate) fn poll_some(
        &mut self,
        context: &mut Context<'_>,
        hint: usize,
    ) -> Poll<io::Result<bool>> {
        if self.incoming.is_empty() { self.poll_more(context, hint) } else { Poll::Ready(Ok(true)) }
    }

    /// Until more is there than was; false at the end of the stream.
    fn poll_more(&mut self, context: &mut Context<'_>, hint: usize) -> Poll<io::Result<bool>> {
        let incoming = &mut self.incoming;
        let received = ready!(self.receiving.poll(context, hint, || incoming.settle()))?;
        Poll::Ready(Ok(match received {
            Some(chunk) => {
                self.incoming.push(chunk);
                true
            }
            None => false,
        }))
    }

    /// The length of the next line, if it is there; none of the bytes before `from` ends it.
    #[inline]
    pub(crate) fn line_there(&mut self, from: &mut usize) -> Option<Result<usize, ReadError>> {
        match self.incoming.find(b'\n', *from) {
            Some(end) if end <= self.limit => Some(Ok(end + 1)),
            None if self.incoming.len() <= self.limit => {
                *from = self.incoming.len();
                None
            }
            end => Some(Err(self.drop_line(end))),
        }
    }

    #[cold]
    fn drop_line(&mut self, end: Option<usize>) -> ReadError {
        let consumed = end.unwrap_or(self.incoming.len());
        self.consume(end.map_or(consumed, |end| end + 1));
        self.overrun(consumed)
    }

    /// The length of the next line; that of what is left at the end of the stream.
    pub(crate) fn poll_line(
        &mut self,
        context: &mut Context<'_>,
        from: &mut usize,
    ) -> Poll<Result<usize, ReadError>> {
        loop {
            if let Some(line) = self.line_there(from) {
                return Poll::Ready(line);
            }
            if !ready!(self.poll_more(context, 0))? {
                return Poll::Ready(Ok(self.incoming.len()));
            }
        }
    }

    /// Where a separator stands; none if the stream ends without.
    fn poll_until(
        &mut self,
        context: &mut Context<'_>,
        separators: &[&[u8]],
        from: &mut usize,
    ) -> Poll<Result<Option<Found>, ReadError>> {
        loop {
            let found = find(self.incoming.joined(), separators, *from);
            *from = searched(self.incoming.len(), separators);
            let consumed = found.map_or(*from, |found| found.begin);
            if consumed > self.limit {
                return Poll::Ready(Err(self.overrun(consumed)));
            }
            if found.is_some() || !ready!(self.poll_more(context, 0))? {
                return Poll::Ready(Ok(found));
            }
        }
    }

    fn overrun(&self, consumed: usize) -> ReadError {
        ReadError::LimitOverrun { consumed, limit: self.limit }
    }

    /// What lies in one piece, for the traits that read.
    pub(crate) fn incoming(&mut self) -> &mut Incoming {
        &mut self.incoming
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("buffered_bytes", &self.buffered_bytes())
            .field("at_eof", &self.at_eof())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
