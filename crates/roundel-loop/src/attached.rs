//! `Attached`: a source on a loop, with the operations it takes.

use std::{
    fmt,
    os::fd::{AsFd, BorrowedFd},
    rc::Rc,
};

use roundel_driver::{Address, Buffer, Interest, Operation, Source, SourceId};

use crate::{core::Core, submission::Submission};

/// A socket, pipe or other descriptor attached to a loop. Dropping it detaches the source, which
/// closes it unless it is shared; operations under way then fail with
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
pub struct Attached {
    core: Rc<Core>,
    id: SourceId,
    source: Source,
}

impl Attached {
    pub(crate) fn new(core: &Rc<Core>, source: Source) -> Self {
        let id = core.driver.borrow_mut().attach(source.clone());
        Self { core: Rc::clone(core), id, source }
    }

    /// Submits any operation; `operation` makes it from the source's id.
    pub fn submit(&self, operation: impl FnOnce(SourceId) -> Operation) -> Submission {
        Submission::new(&self.core, operation(self.id))
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
        self.submit(|source| Operation::Connect { source, address: address.into() })
    }

    /// Waits until the descriptor is ready, without touching it.
    pub fn ready(&self, interest: Interest) -> Submission {
        self.submit(|source| Operation::Ready { source, interest })
    }

    /// The source itself.
    pub fn source(&self) -> &Source {
        &self.source
    }
}

impl AsFd for Attached {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let source = self.core.driver.borrow_mut().detach(self.id);
        // The owner's own drop is user code: no borrow is held by now.
        drop(source);
    }
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached").field("source", &self.source).finish_non_exhaustive()
    }
}
