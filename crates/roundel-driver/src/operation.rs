//! `Operation` and `Outcome`: the closed lists of what can be asked and what comes back.

use std::{io, net::SocketAddr, os::fd::OwnedFd, path::Path};

use roundel_selector::{Interest, Readiness};

use crate::{Buffer, OperationError, arena::Place};

/// A source attached to a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceId(pub(crate) Place);

/// An operation under way: where its outcome will land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub(crate) Place);

impl SourceId {
    /// For drivers: the id of the source at `index` of a driver's table, in its `generation`.
    pub fn new(index: u32, generation: u32) -> Self {
        Self(Place { index, generation })
    }

    /// The place in the driver's table.
    pub fn index(self) -> usize {
        self.0.index as usize
    }

    /// Which of the place's successive sources.
    pub fn generation(self) -> u32 {
        self.0.generation
    }
}

impl Key {
    /// For drivers: the key of the operation at `index` of a driver's table, in its `generation`.
    pub fn new(index: u32, generation: u32) -> Self {
        Self(Place { index, generation })
    }

    /// Which of the place's successive operations.
    pub fn generation(self) -> u32 {
        self.0.generation
    }

    /// A small number, unique among the operations under way at any one time, for tables beside
    /// the driver's own.
    pub fn index(self) -> usize {
        self.0.index as usize
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.index)
    }
}

/// What a driver can be asked to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Receive up to `at_most` bytes from a socket, and no more than 256 KiB at once; an empty
    /// buffer is the end of a stream, unless nothing was asked for. Source: recv(2).
    Recv {
        /// From where.
        source: SourceId,
        /// No more than this.
        at_most: usize,
    },
    /// Send all of `data` on a socket. Source: send(2).
    Send {
        /// Where to.
        source: SourceId,
        /// The bytes; they come back with the outcome.
        data: Buffer,
    },
    /// Read up to `at_most` bytes from a pipe, a terminal or a file, at its own position; an empty
    /// buffer is the end. Source: read(2).
    Read {
        /// From where.
        source: SourceId,
        /// No more than this.
        at_most: usize,
    },
    /// Write all of `data` to a pipe, a terminal or a file. Source: write(2).
    Write {
        /// Where to.
        source: SourceId,
        /// The bytes; they come back with the outcome.
        data: Buffer,
    },
    /// Accept one connection from a listening socket. Source: accept(2).
    Accept {
        /// The listening socket.
        source: SourceId,
    },
    /// Connect a socket. Source: connect(2).
    Connect {
        /// The socket.
        source: SourceId,
        /// Where to.
        address: Address,
    },
    /// Wait until a foreign descriptor is ready, and leave it untouched. Source: poll(2).
    Ready {
        /// The descriptor.
        source: SourceId,
        /// The direction or directions; either ends the wait.
        interest: Interest,
    },
}

impl Operation {
    /// Whom the operation is about.
    pub fn source(&self) -> SourceId {
        match *self {
            Self::Recv { source, .. }
            | Self::Send { source, .. }
            | Self::Read { source, .. }
            | Self::Write { source, .. }
            | Self::Accept { source }
            | Self::Connect { source, .. }
            | Self::Ready { source, .. } => source,
        }
    }

    /// The verb, for errors: what was being done.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Recv { .. } => "receiving from a socket",
            Self::Send { .. } => "sending on a socket",
            Self::Read { .. } => "reading",
            Self::Write { .. } => "writing",
            Self::Accept { .. } => "accepting a connection",
            Self::Connect { .. } => "connecting a socket",
            Self::Ready { .. } => "waiting for readiness",
        }
    }

    /// Which way the bytes go: the queue the operation waits in.
    pub(crate) fn direction(&self) -> Direction {
        match self {
            Self::Recv { .. } | Self::Read { .. } | Self::Accept { .. } => Direction::Read,
            Self::Send { .. } | Self::Write { .. } | Self::Connect { .. } => Direction::Write,
            Self::Ready { .. } => Direction::Watch,
        }
    }
}

/// The three queues of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
    /// Whoever only wants to be told; they disturb nobody and wait for the selector's word.
    Watch,
}

/// What came of an operation.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Of `Recv` and `Read`: the data; empty at the end of the stream.
    Received(Buffer),
    /// Of `Send` and `Write`: everything went out; the buffer comes back.
    Sent(Buffer),
    /// Of `Accept`: the connected socket, non-blocking and closed on exec.
    Accepted(OwnedFd),
    /// Of `Connect`.
    Connected,
    /// Of `Ready`: in which ways.
    Ready(Readiness),
}

/// An outcome, or what went wrong together with what was not lost.
pub type Completion = Result<Outcome, OperationError>;

/// Where a socket connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// TCP or UDP.
    Inet(SocketAddr),
    /// A Unix socket.
    Unix(UnixAddress),
}

/// The path of a Unix socket, checked for its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixAddress(pub(crate) Box<rustix::net::SocketAddrUnix>);

impl UnixAddress {
    /// The path; none for an abstract name.
    pub fn path(&self) -> Option<std::path::PathBuf> {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        self.0.path_bytes().map(|bytes| OsStr::from_bytes(bytes).into())
    }
}

impl Address {
    /// The Unix socket at `path`.
    ///
    /// # Errors
    /// The path is longer than the kernel's `sun_path` (108 bytes on Linux) or holds a NUL.
    pub fn unix(path: impl AsRef<Path>) -> io::Result<Self> {
        let address = rustix::net::SocketAddrUnix::new(path.as_ref())?;
        Ok(Self::Unix(UnixAddress(Box::new(address))))
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}
