//! `StreamWriter`: writes that wait when too much is unsent.

use std::{
    fmt,
    future::poll_fn,
    io, mem,
    rc::Rc,
    task::{Context, Poll},
};

use roundel_driver::{Address, Buffer, Credentials};

use crate::{
    Carrier, Chunk, WaterMarks,
    connection::Connection,
    outgoing::{Stage, Until},
};

/// The writing end of a stream.
///
/// What is written goes to the kernel at once as far as it takes it; the rest is sent by the loop as
/// the peer makes room, whoever waits. A write waits only when more than the high
/// [water mark](WaterMarks) is unsent.
///
/// Dropping the writer ends it as [`write_eof`](Self::write_eof) does, behind what is unsent; when
/// the reader is dropped too, the connection closes.
///
/// ```
/// use std::{io::Read, os::unix::net::UnixStream};
/// use roundel_loop::{EventLoop, Socket};
/// use roundel_stream::StreamWriter;
///
/// let mut event_loop = EventLoop::new()?;
/// let (ours, mut theirs) = UnixStream::pair()?;
/// let mut writer = StreamWriter::new(event_loop.handle().attach(Socket::new(ours)));
/// event_loop.run_until_complete(async {
///     writer.write(b"hello, ").await?;
///     writer.write_buffered(b"wor")?;
///     writer.write_buffered(b"ld")?;
///     writer.write_eof().await
/// })??;
/// let mut all = String::new();
/// theirs.read_to_string(&mut all)?;
/// assert_eq!(all, "hello, world");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A failure to send is told by the call that meets it or, if it comes later, by the next one. From
/// then on every write fails with an error of the same kind. A write behind the writer's end fails
/// with [`BrokenPipe`](io::ErrorKind::BrokenPipe).
///
/// # Cancel safety
/// A write that is dropped while it waits has handed its bytes over: they are sent, once, and the
/// drop only ends the waiting. Dropped before its first poll it has written nothing.
pub struct StreamWriter {
    connection: Rc<Connection>,
    in_a_row: u8,
}

/// Writes in a row that had not to wait, after which the others on the loop have their turn.
const IN_A_ROW: u8 = 64;

impl StreamWriter {
    /// A writer alone, over the end of a pipe for instance. For both directions there is
    /// [`open`](crate::open).
    #[doc(alias = "connect_write_pipe")]
    pub fn new(carrier: impl Into<Carrier>) -> Self {
        Self::over(Connection::new(carrier.into()))
    }

    pub(crate) fn over(connection: Rc<Connection>) -> Self {
        Self { connection, in_a_row: 0 }
    }

    pub(crate) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.connection.outgoing(|outgoing| outgoing.flow.is_paused())
    }

    /// Writes all of `data`; waits while more than the high water mark is unsent.
    ///
    /// One that need not wait makes one system call on a driver of readiness, and none by itself on
    /// one of completion. Now and then it lets the rest of the loop have a turn.
    ///
    /// # Errors
    /// As the [type](Self) says.
    pub async fn write(&mut self, data: impl AsRef<[u8]> + Into<Buffer>) -> io::Result<()> {
        self.connection.write(data)?;
        if self.is_paused() {
            self.has_waited();
            return self.drain().await;
        }
        self.has_not_waited(IN_A_ROW).await;
        Ok(())
    }

    /// The others on the loop have their turn anyhow.
    pub(crate) fn has_waited(&mut self) {
        self.in_a_row = 0;
    }

    /// After so many in a row, lets the others on the loop have their turn.
    pub(crate) async fn has_not_waited(&mut self, most: u8) {
        self.in_a_row += 1;
        if self.in_a_row >= most {
            self.rest().await;
        }
    }

    /// Writes without a wait; for those who call [`poll_drain`](Self::poll_drain) before.
    pub(crate) fn write_at_once(&mut self, data: Chunk) -> io::Result<()> {
        self.connection.write(data)
    }

    /// Until little enough is unsent.
    pub(crate) fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_paused() {
            return Poll::Ready(Ok(()));
        }
        self.connection.poll_until(context, Until::Drained)
    }

    /// Lets the others on the loop have their turn: a peer that takes everything at once must not
    /// keep the loop here.
    #[cold]
    async fn rest(&mut self) {
        poll_fn(|context| {
            if mem::take(&mut self.in_a_row) == 0 {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Writes several buffers, one behind the other, in one operation where the carrier has it.
    ///
    /// # Errors
    /// As the [type](Self) says.
    #[doc(alias = "writelines")]
    pub async fn write_vectored(&mut self, data: Vec<Buffer>) -> io::Result<()> {
        self.connection.write_vectored(data)?;
        self.drain().await
    }

    /// Keeps a copy of `data`, to be sent with all that is written so until the loop's next turn, or
    /// sooner by any method that waits. Never waits: who writes much calls [`drain`](Self::drain)
    /// now and then.
    ///
    /// # Errors
    /// As the [type](Self) says.
    #[doc(alias = "write")]
    pub fn write_buffered(&mut self, data: &[u8]) -> io::Result<()> {
        self.connection.write_buffered(data)
    }

    /// Waits while more than the high water mark is unsent, down to the low one; else returns at
    /// once.
    ///
    /// # Errors
    /// As the [type](Self) says.
    pub async fn drain(&mut self) -> io::Result<()> {
        poll_fn(|context| self.connection.poll_until(context, Until::Drained)).await
    }

    /// Waits until the kernel has everything. Whether the peer has got it, only the peer can tell.
    ///
    /// # Errors
    /// As the [type](Self) says.
    pub async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|context| self.connection.poll_until(context, Until::Flushed)).await
    }

    /// Ends sending behind what is unsent, and waits until that is done: the peer sees the end of the
    /// stream, and can still be read. Where one direction cannot end by itself, as
    /// [`can_write_eof`](Self::can_write_eof) says, the carrier closes.
    ///
    /// # Errors
    /// As the [type](Self) says.
    pub async fn write_eof(&mut self) -> io::Result<()> {
        self.connection.end(Stage::Ending);
        poll_fn(|context| self.connection.poll_until(context, Until::Ended)).await
    }

    /// Whether sending can end while receiving goes on.
    pub fn can_write_eof(&self) -> bool {
        self.connection.can_end_sending()
    }

    /// Closes the connection behind what is unsent; [`closed`](Self::closed) waits for that. What
    /// the reader has received can still be read, then the stream ends.
    pub fn close(&mut self) {
        self.connection.end(Stage::Closing);
    }

    /// Whether the writer was ended or closed.
    pub fn is_closing(&self) -> bool {
        self.connection.outgoing(|outgoing| outgoing.stage != Stage::Open)
    }

    /// Closes the connection, unless that was asked for already, and waits until it is closed.
    ///
    /// # Errors
    /// As the [type](Self) says; the connection is closed in any case.
    #[doc(alias = "wait_closed")]
    pub async fn closed(&mut self) -> io::Result<()> {
        self.close();
        poll_fn(|context| self.connection.poll_until(context, Until::Closed)).await
    }

    /// Drops what is unsent and closes the connection now.
    pub fn abort(&mut self) {
        self.connection.abort();
    }

    /// How many bytes are unsent; a send under way counts in full until it is done.
    #[doc(alias = "get_write_buffer_size")]
    pub fn buffered_bytes(&self) -> usize {
        self.connection.outgoing(|outgoing| outgoing.unsent())
    }

    /// The water marks.
    #[doc(alias = "get_write_buffer_limits")]
    pub fn limits(&self) -> WaterMarks {
        self.connection.outgoing(|outgoing| outgoing.flow.marks())
    }

    /// Sets the water marks, which count at once.
    #[doc(alias = "set_write_buffer_limits")]
    pub fn set_limits(&mut self, marks: WaterMarks) {
        self.connection.set_marks(marks);
    }

    /// The local address of the socket beneath.
    ///
    /// # Errors
    /// The stream runs over no socket, or is closed.
    #[doc(alias = "get_extra_info")]
    pub fn local_address(&self) -> io::Result<Address> {
        self.connection.ask(Carrier::local_address)
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// The stream runs over no socket, or is closed.
    #[doc(alias = "get_extra_info")]
    pub fn peer_address(&self) -> io::Result<Address> {
        self.connection.ask(Carrier::peer_address)
    }

    /// Who is at the other end of a Unix socket.
    ///
    /// # Errors
    /// The stream runs over no such socket, or is closed.
    pub fn peer_credentials(&self) -> io::Result<Credentials> {
        self.connection.ask(Carrier::peer_credentials)
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        // Alone and with nothing to send, the connection closes with its memory.
        let is_alone = Rc::strong_count(&self.connection) == 1;
        if !is_alone || self.buffered_bytes() > 0 || self.connection.filtered().is_some() {
            self.connection.end(Stage::Ending);
        }
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter")
            .field("buffered_bytes", &self.buffered_bytes())
            .field("is_closing", &self.is_closing())
            .field("limits", &self.limits())
            .finish_non_exhaustive()
    }
}
