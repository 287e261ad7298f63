//! `Operation` and `Outcome`: the closed lists of what can be asked and what comes back.

use std::path::PathBuf;

use roundel_selector::{Interest, Readiness};

use crate::{
    Address, Buffer, File, Messages, Metadata, OpenOptions, OperationError, Socket, arena::Place,
};

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
    /// Receive from a stream again and again, until it ends or fails: each [`take`] brings one piece
    /// of up to `at_most` bytes, and no more than 256 KiB. How much room is made for a piece is the
    /// driver's affair. See [`take`] for what is named when. Source: recv(2), io_uring_prep_recv(3)
    /// on multishot receives.
    ///
    /// [`take`]: crate::Driver::take
    RecvMany {
        /// From where.
        source: SourceId,
        /// No more than this at a time; of 0, one byte.
        at_most: usize,
    },
    /// Receive into a buffer of the caller's, as much as it has [room](Buffer::with_room) for;
    /// for large amounts, as it waits with its memory. Source: recv(2).
    RecvInto {
        /// From where.
        source: SourceId,
        /// Where to; what it held is overwritten.
        buffer: Buffer,
    },
    /// Receive one datagram and learn who sent it. Source: recvfrom(2).
    RecvFrom {
        /// From where.
        source: SourceId,
        /// No more than this; the rest of a longer one is lost, and that is told. No more than
        /// 256 KiB.
        at_most: usize,
    },
    /// Receive a datagram, and with it those behind it that the system hands out by the same call:
    /// on Linux those of UDP, as many as are there; else there are none. Source: recvmmsg(2).
    RecvBatch {
        /// From where.
        source: SourceId,
        /// No more than this of each, as in `RecvFrom`.
        at_most: usize,
        /// No more datagrams than this, nor than 64, nor fewer than one; and not so many of more
        /// than 64 KiB each.
        count: usize,
    },
    /// Send all of `data` on a socket. Source: send(2).
    Send {
        /// Where to.
        source: SourceId,
        /// The bytes; they come back with the outcome.
        data: Buffer,
    },
    /// Send all of several buffers, one behind the other; on a socket of datagrams, as one.
    /// Source: sendmsg(2).
    SendVectored {
        /// Where to.
        source: SourceId,
        /// The bytes; they come back with the outcome.
        data: Vec<Buffer>,
    },
    /// Send one datagram. Source: sendto(2).
    SendTo {
        /// From where.
        source: SourceId,
        /// The datagram; it comes back with the outcome.
        data: Buffer,
        /// Where to; in a box, so that all other operations stay small.
        to: Box<Address>,
    },
    /// Send several datagrams, one behind the other, with as few calls as the system allows. One
    /// that cannot be sent does not hold up those behind it. Source: sendmmsg(2).
    SendBatch {
        /// From where: a socket of datagrams.
        source: SourceId,
        /// The datagrams, and with the outcome what became of each.
        messages: Box<Messages>,
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
        address: Box<Address>,
    },
    /// Wait until a foreign descriptor is ready, and leave it untouched. Source: poll(2).
    Ready {
        /// The descriptor.
        source: SourceId,
        /// The direction or directions; either ends the wait.
        interest: Interest,
    },
    /// Open a file. Source: open(2).
    Open {
        /// Which.
        path: PathBuf,
        /// How.
        options: OpenOptions,
    },
    /// Read up to `at_most` bytes at `offset` of a file, and no more than 1 MiB at once; an empty
    /// buffer is the end, unless nothing was asked for. Source: pread(2).
    ReadAt {
        /// The file.
        source: SourceId,
        /// Bytes from its begin.
        offset: u64,
        /// No more than this.
        at_most: usize,
    },
    /// Write all of `data` at `offset` of a file. Source: pwrite(2).
    WriteAt {
        /// The file.
        source: SourceId,
        /// Bytes from its begin.
        offset: u64,
        /// The bytes; they come back with the outcome.
        data: Buffer,
    },
    /// Wait until what was written to a file lies on its disk. Source: fsync(2).
    Sync {
        /// The file.
        source: SourceId,
        /// Only the content and what it takes to read it; times may be lost.
        data_only: bool,
    },
    /// Ask what is known of a file. Source: statx(2).
    Metadata {
        /// The file.
        source: SourceId,
    },
    /// Detach a file or any other source and close it, unless it is shared, where that may take
    /// its time. What could not be written is told by `Sync`, not here. Source: close(2).
    Close {
        /// Whom.
        source: SourceId,
    },
}

impl Operation {
    /// Whom the operation is about; nobody yet, if it opens a file.
    pub fn source(&self) -> Option<SourceId> {
        match *self {
            Self::Recv { source, .. }
            | Self::RecvMany { source, .. }
            | Self::RecvInto { source, .. }
            | Self::RecvFrom { source, .. }
            | Self::RecvBatch { source, .. }
            | Self::Send { source, .. }
            | Self::SendVectored { source, .. }
            | Self::SendTo { source, .. }
            | Self::SendBatch { source, .. }
            | Self::Read { source, .. }
            | Self::Write { source, .. }
            | Self::Accept { source }
            | Self::Connect { source, .. }
            | Self::Ready { source, .. }
            | Self::ReadAt { source, .. }
            | Self::WriteAt { source, .. }
            | Self::Sync { source, .. }
            | Self::Metadata { source }
            | Self::Close { source } => Some(source),
            Self::Open { .. } => None,
        }
    }

    /// Whether it has one outcome after the other, and not one that ends it.
    pub fn goes_on(&self) -> bool {
        matches!(self, Self::RecvMany { .. })
    }

    /// The verb, for errors: what was being done.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Recv { .. } | Self::RecvMany { .. } | Self::RecvInto { .. } => {
                "receiving from a socket"
            }
            Self::RecvFrom { .. } => "receiving a datagram",
            Self::RecvBatch { .. } => "receiving datagrams",
            Self::Send { .. } | Self::SendVectored { .. } => "sending on a socket",
            Self::SendTo { .. } => Messages::ACTION,
            Self::SendBatch { .. } => "sending datagrams",
            Self::Read { .. } => "reading",
            Self::Write { .. } => "writing",
            Self::Accept { .. } => "accepting a connection",
            Self::Connect { .. } => "connecting a socket",
            Self::Ready { .. } => "waiting for readiness",
            Self::Open { .. } => "opening a file",
            Self::ReadAt { .. } => "reading a file",
            Self::WriteAt { .. } => "writing a file",
            Self::Sync { .. } => "syncing a file",
            Self::Metadata { .. } => "reading a file's metadata",
            Self::Close { .. } => "closing",
        }
    }

    /// The queue the operation waits in: whose, and which way the bytes go. None for those whose
    /// readiness no kernel reports: a disk is always ready, and slow.
    pub(crate) fn queue(&self) -> Option<(SourceId, Direction)> {
        match *self {
            Self::Recv { source, .. }
            | Self::RecvMany { source, .. }
            | Self::RecvInto { source, .. }
            | Self::RecvFrom { source, .. }
            | Self::RecvBatch { source, .. }
            | Self::Read { source, .. }
            | Self::Accept { source } => Some((source, Direction::Read)),
            Self::Send { source, .. }
            | Self::SendVectored { source, .. }
            | Self::SendTo { source, .. }
            | Self::SendBatch { source, .. }
            | Self::Write { source, .. }
            | Self::Connect { source, .. } => Some((source, Direction::Write)),
            Self::Ready { source, .. } => Some((source, Direction::Watch)),
            Self::Open { .. }
            | Self::ReadAt { .. }
            | Self::WriteAt { .. }
            | Self::Sync { .. }
            | Self::Metadata { .. }
            | Self::Close { .. } => None,
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
    /// Of `Recv`, `RecvMany`, `RecvInto`, `Read` and `ReadAt`: the data; empty at the end.
    Received(Buffer),
    /// Of `RecvFrom`.
    Datagram(Box<Datagram>),
    /// Of `RecvBatch`: one at least, in the order in which they came.
    Datagrams(Box<[Datagram]>),
    /// Of `Send`, `SendTo`, `Write` and `WriteAt`: everything went out; the buffer comes back.
    Sent(Buffer),
    /// Of `SendVectored`: everything went out; the buffers come back.
    SentVectored(Vec<Buffer>),
    /// Of `SendBatch`: of each message, in its place, its buffer, or why it was not sent.
    SentBatch(Box<[Result<Buffer, OperationError>]>),
    /// Of `Accept`: the connected socket, non-blocking and closed on exec.
    Accepted(Socket),
    /// Of `Connect`.
    Connected,
    /// Of `Ready`: in which ways.
    Ready(Readiness),
    /// Of `Open`: the file, closed on exec.
    Opened(File),
    /// Of `Sync`.
    Synced,
    /// Of `Metadata`.
    Metadata(Box<Metadata>),
    /// Of `Close`.
    Closed,
}

/// What `RecvFrom` brings, and `RecvBatch` several of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Datagram {
    /// The message, or as much of it as was asked for.
    pub data: Buffer,
    /// Who sent it; an unnamed Unix address if the sender's socket has no name.
    pub from: Address,
    /// It was longer, and the rest is lost.
    pub truncated: bool,
}

impl Datagram {
    /// For drivers.
    pub fn new(data: Buffer, from: Address, truncated: bool) -> Self {
        Self { data, from, truncated }
    }

    /// For drivers: the same for whoever has room for `at_most` bytes only.
    #[must_use]
    pub fn cut_to(mut self, at_most: usize) -> Self {
        self.truncated |= self.data.len() > at_most;
        self.data.truncate(at_most);
        self
    }
}

impl Outcome {
    /// Whether it is data that was received: behind anything else, an empty piece above all, an
    /// operation that goes on has no more to bring.
    #[inline]
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Received(data) if !data.is_empty())
    }
}

/// An outcome, or what went wrong together with what was not lost.
pub type Completion = Result<Outcome, OperationError>;

#[cfg(test)]
mod tests {
    use super::{Operation, Outcome};

    /// Each connection that waits pays for the largest operation.
    #[test]
    fn an_operation_fits_a_cache_line() {
        assert!(size_of::<Operation>() <= 40, "{}", size_of::<Operation>());
        assert!(size_of::<Outcome>() <= 24, "{}", size_of::<Outcome>());
    }
}
