//! `Attached`: a source on a loop, with the operations it takes.

use std::{
    fmt,
    io::IoSlice,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
    rc::Rc,
};

use roundel_driver::{
    Address, Buffer, Driver, Family, File, Interest, Message, OpenOptions, Operation,
    OperationError, Socket, SocketError, SocketKind, Source, SourceId,
};

use crate::{
    LoopHandle,
    core::{Core, Phase},
    receipts::Receipts,
    submission::Submission,
};

/// What a loop takes in for operations: a [`Socket`], a [`File`], or any other [`Source`]. A socket
/// or file without a descriptor belongs to the driver that made it; another loop's attach panics.
pub trait Attach: Clone + fmt::Debug + sealed::Sealed {
    #[doc(hidden)]
    fn attach_to(self, driver: &mut dyn Driver) -> SourceId;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Source {}
    impl Sealed for super::Socket {}
    impl Sealed for super::File {}
}

impl Attach for Source {
    fn attach_to(self, driver: &mut dyn Driver) -> SourceId {
        driver.attach(self)
    }
}

impl Attach for Socket {
    fn attach_to(self, driver: &mut dyn Driver) -> SourceId {
        driver.attach_socket(self)
    }
}

impl Attach for File {
    fn attach_to(self, driver: &mut dyn Driver) -> SourceId {
        driver.attach_file(self)
    }
}

/// A socket, file, pipe or other descriptor attached to a loop. Dropping it detaches the source,
/// which closes it unless it is shared; operations under way then fail with
/// [`ConnectionAborted`](std::io::ErrorKind::ConnectionAborted).
///
/// This is asyncio's `sock_*` layer: one call, one operation, no buffering.
///
/// ```
/// use std::{io::Write, os::unix::net::UnixStream};
/// use roundel_loop::{EventLoop, Outcome, Source};
///
/// let mut event_loop = EventLoop::new()?;
/// let (ours, mut theirs) = UnixStream::pair()?;
/// let ours = event_loop.handle().attach(Source::new(ours));
/// theirs.write_all(b"hello")?;
/// let received = event_loop.run_until_complete(ours.recv(100))??;
/// assert!(matches!(received, Outcome::Received(data) if &data[..] == b"hello"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Attached<T = Source> {
    seat: Seat,
    held: T,
}

/// A source's place in the driver, given up by the drop.
struct Seat {
    core: Rc<Core>,
    id: SourceId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let source = self.core.driver.borrow_mut().detach(self.id);
        // The owner's own drop is user code: no borrow is held by now.
        drop(source);
    }
}

impl<T: Attach> Attached<T> {
    pub(crate) fn new(core: &Rc<Core>, held: T) -> Self {
        let id = held.clone().attach_to(&mut **core.driver.borrow_mut());
        Self { seat: Seat { core: Rc::clone(core), id }, held }
    }
}

impl<T> Attached<T> {
    /// Submits any operation; `operation` makes it from the source's id.
    pub fn submit(&self, operation: impl FnOnce(SourceId) -> Operation) -> Submission {
        Submission::new(&self.seat.core, operation(self.seat.id))
    }

    /// Receives up to `at_most` bytes; an empty buffer is the end of a stream.
    #[doc(alias = "sock_recv")]
    pub fn recv(&self, at_most: usize) -> Submission {
        self.submit(|source| Operation::Recv { source, at_most })
    }

    /// Sends all of `data`; the buffer comes back.
    #[doc(alias = "sock_sendall")]
    pub fn send(&self, data: impl Into<Buffer>) -> Submission {
        self.submit(|source| Operation::Send { source, data: data.into() })
    }

    /// Sends as much of `data`, one slice behind the other, as goes at once, without an operation;
    /// tells how many bytes that were. None, if the kernel has no room, if sends wait in front, or on a driver that sends by
    /// operations only: then [`send`](Self::send) the rest.
    ///
    /// # Errors
    /// As those of a [`send`](Self::send); nothing went.
    #[doc(alias = "send")]
    pub fn send_now(&self, data: &[IoSlice<'_>]) -> Result<usize, OperationError> {
        if self.seat.core.phase.get() == Phase::Closed {
            return Ok(0); // the operation says so
        }
        self.seat.core.driver.borrow_mut().send_now(self.seat.id, data)
    }

    /// Reads up to `at_most` bytes from a pipe, terminal or file; an empty buffer is the end.
    /// Makes the open file description non-blocking, for whoever shares it too.
    pub fn read(&self, at_most: usize) -> Submission {
        self.submit(|source| Operation::Read { source, at_most })
    }

    /// Writes all of `data` to a pipe, terminal or file; the buffer comes back. Makes the open
    /// file description non-blocking, for whoever shares it too.
    pub fn write(&self, data: impl Into<Buffer>) -> Submission {
        self.submit(|source| Operation::Write { source, data: data.into() })
    }

    /// Accepts one connection; the socket is non-blocking and closed on exec.
    #[doc(alias = "sock_accept")]
    pub fn accept(&self) -> Submission {
        self.submit(|source| Operation::Accept { source })
    }

    /// Connects the socket.
    #[doc(alias = "sock_connect")]
    pub fn connect(&self, address: impl Into<Address>) -> Submission {
        let address = Box::new(address.into());
        self.submit(|source| Operation::Connect { source, address })
    }

    /// Waits until the descriptor is ready, without touching it.
    pub fn ready(&self, interest: Interest) -> Submission {
        self.submit(|source| Operation::Ready { source, interest })
    }

    /// Detaches and closes it where that may take its time, unless it is shared. What could not be
    /// written to a file is told by [`sync`](Attached::sync), not here.
    pub fn close(self) -> Submission {
        let Self { seat, held } = self;
        drop(held);
        Submission::new(&seat.core, Operation::Close { source: seat.id })
    }
}

impl Attached<Source> {
    /// The source itself.
    pub fn source(&self) -> &Source {
        &self.held
    }
}

impl AsFd for Attached<Source> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.held.as_fd()
    }
}

impl Attached<Socket> {
    /// The socket itself, for the calls that it answers at once.
    pub fn socket(&self) -> &Socket {
        &self.held
    }

    /// Receives piece after piece, each of up to `at_most` bytes, until the stream ends or fails: for
    /// whoever reads a connection to its end, at less cost than one receive after the other.
    ///
    /// ```
    /// use std::{io::Write, os::unix::net::UnixStream};
    /// use roundel_loop::{EventLoop, Outcome, Socket};
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let (ours, mut theirs) = UnixStream::pair()?;
    /// theirs.write_all(b"all of it")?;
    /// drop(theirs);
    /// let ours = event_loop.handle().attach(Socket::new(ours));
    /// let all = event_loop.run_until_complete(async {
    ///     let (mut receipts, mut all) = (ours.recv_many(4), Vec::new());
    ///     while let Ok(Outcome::Received(piece)) = receipts.next().await
    ///         && !piece.is_empty()
    ///     {
    ///         all.extend_from_slice(&piece);
    ///     }
    ///     all
    /// })?;
    /// assert_eq!(all, b"all of it");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recv_many(&self, at_most: usize) -> Receipts {
        let source = self.seat.id;
        Receipts::new(&self.seat.core, Operation::RecvMany { source, at_most })
    }

    /// Receives into a buffer of the caller's, as much as it has room for. Waits with its memory:
    /// for large amounts.
    #[doc(alias = "sock_recv_into")]
    pub fn recv_into(&self, buffer: Buffer) -> Submission {
        self.submit(|source| Operation::RecvInto { source, buffer })
    }

    /// Receives one datagram of up to `at_most` bytes, with its sender's address.
    #[doc(alias = "sock_recvfrom")]
    pub fn recv_from(&self, at_most: usize) -> Submission {
        self.submit(|source| Operation::RecvFrom { source, at_most })
    }

    /// Receives a datagram, and with it those that the system hands out by the same call: up to
    /// `count` of them, of up to `at_most` bytes each.
    #[doc(alias = "recvmmsg")]
    pub fn recv_batch(&self, at_most: usize, count: usize) -> Submission {
        self.submit(|source| Operation::RecvBatch { source, at_most, count })
    }

    /// Sends all of several buffers, one behind the other; they come back.
    pub fn send_vectored(&self, data: Vec<Buffer>) -> Submission {
        self.submit(|source| Operation::SendVectored { source, data })
    }

    /// Sends one datagram; the buffer comes back.
    #[doc(alias = "sock_sendto")]
    pub fn send_to(&self, data: impl Into<Buffer>, to: impl Into<Address>) -> Submission {
        let to = Box::new(to.into());
        self.submit(|source| Operation::SendTo { source, data: data.into(), to })
    }

    /// Sends several datagrams in order, by one call of the system where it has one; of each it is
    /// told what became of it.
    #[doc(alias = "sendmmsg")]
    pub fn send_batch(&self, messages: impl IntoIterator<Item = Message>) -> Submission {
        let messages = Box::new(messages.into_iter().collect());
        self.submit(|source| Operation::SendBatch { source, messages })
    }
}

impl Attached<File> {
    /// The file itself.
    pub fn file(&self) -> &File {
        &self.held
    }

    /// Reads up to `at_most` bytes at `offset`; an empty buffer is the end.
    pub fn read_at(&self, offset: u64, at_most: usize) -> Submission {
        self.submit(|source| Operation::ReadAt { source, offset, at_most })
    }

    /// Writes all of `data` at `offset`; the buffer comes back.
    pub fn write_at(&self, offset: u64, data: impl Into<Buffer>) -> Submission {
        self.submit(|source| Operation::WriteAt { source, offset, data: data.into() })
    }

    /// Waits until what was written lies on the disk; with `data_only`, what is not needed to read
    /// it back may be missing.
    #[doc(alias = "fsync")]
    pub fn sync(&self, data_only: bool) -> Submission {
        self.submit(|source| Operation::Sync { source, data_only })
    }

    /// Asks what is known of the file.
    #[doc(alias = "stat")]
    pub fn metadata(&self) -> Submission {
        self.submit(|source| Operation::Metadata { source })
    }
}

impl LoopHandle {
    /// Makes a socket by the loop's driver: the kernel's, or a simulated one. To be
    /// [attached](Self::attach) for operations.
    ///
    /// ```
    /// use std::net::{Ipv4Addr, SocketAddr};
    /// use roundel_loop::{EventLoop, Family, Outcome, SocketKind};
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let handle = event_loop.handle();
    /// let socket = handle.socket(Family::V4, SocketKind::Datagram)?;
    /// socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    /// let address = socket.local_address()?;
    /// let socket = handle.attach(socket);
    /// event_loop.run_until_complete(async {
    ///     socket.send_to(b"to myself", address.clone()).await?;
    ///     let Outcome::Datagram(datagram) = socket.recv_from(100).await? else { unreachable!() };
    ///     assert_eq!((&datagram.data[..], datagram.from), (&b"to myself"[..], address));
    ///     Ok::<_, roundel_loop::OperationError>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// There are too many open files, or the system has no such sockets.
    pub fn socket(&self, family: Family, kind: SocketKind) -> Result<Socket, SocketError> {
        self.core.driver.borrow_mut().socket(family, kind)
    }

    /// Opens a file; the outcome is [`Opened`](crate::Outcome::Opened). On drivers that hear of
    /// readiness, as all operations of files, by the
    /// [default executor](Self::set_default_executor); without one they fail with
    /// [`Unsupported`](std::io::ErrorKind::Unsupported).
    ///
    /// ```
    /// use roundel_loop::{EventLoop, OpenOptions, Outcome};
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let handle = event_loop.handle();
    /// handle.set_default_executor(|job| drop(std::thread::spawn(job)));
    /// event_loop.run_until_complete(async {
    ///     let opened = handle.open("/dev/zero", OpenOptions::default()).await?;
    ///     let Outcome::Opened(file) = opened else { unreachable!() };
    ///     let read = handle.attach(file).read_at(0, 3).await?;
    ///     assert!(matches!(read, Outcome::Received(data) if *data == [0; 3]));
    ///     Ok::<_, roundel_loop::OperationError>(())
    /// })??;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(&self, path: impl AsRef<Path>, options: OpenOptions) -> Submission {
        let path = path.as_ref().into();
        Submission::new(&self.core, Operation::Open { path, options })
    }
}

impl<T: fmt::Debug> fmt::Debug for Attached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached").field("source", &self.held).finish_non_exhaustive()
    }
}
