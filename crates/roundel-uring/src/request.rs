//! `Request`: what the kernel is asked for, with everything it may touch until it has answered.

use std::{ffi::CString, mem};

use roundel_driver::Buffer;
use rustix::{
    fd::OwnedFd,
    io::Errno,
    net::{SocketAddrAny, SocketFlags},
};

use crate::{message::Message, statx::FileStatus};

/// The sizes of room that the kernel chooses from when it has something to put there; the
/// number is that of their group. Each is four times the one before, as in a driver's pool: pieces in
/// much larger room than theirs would lie in the same few places of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Small = 0,
    Middle = 1,
    Large = 2,
    Largest = 3,
}

impl Room {
    pub(crate) const ALL: [Self; 4] = [Self::Small, Self::Middle, Self::Large, Self::Largest];

    /// Enough for most requests, and for a thousand of them in four megabytes.
    pub(crate) const SMALL: usize = 4 << 10;
    /// As much as a socket on loopback gives at once.
    pub(crate) const LARGEST: usize = 256 << 10;

    pub(crate) const fn bytes(self) -> usize {
        Self::SMALL << (2 * self as u32)
    }

    /// How many are offered at least, and at most.
    pub(crate) const fn offers(self) -> (u16, u16) {
        match self {
            Self::Small => (16, 1024),
            Self::Middle => (4, 512),
            Self::Large => (1, 256),
            Self::Largest => (1, 64),
        }
    }

    /// The next larger size; the largest has none above it.
    pub(crate) fn above(bytes: usize) -> usize {
        (bytes * 4).min(Self::LARGEST)
    }

    /// The next smaller size; the smallest has none below it.
    pub(crate) fn below(bytes: usize) -> usize {
        (bytes / 4).max(Self::SMALL)
    }

    /// The smallest that holds `at_most` bytes, or the largest there is.
    pub(crate) fn holding(at_most: usize) -> Self {
        let holds = Self::ALL.into_iter().find(|room| at_most <= room.bytes());
        holds.unwrap_or(Self::Largest)
    }
}

/// One request. What it owns is the kernel's until the last answer, which brings it back.
#[derive(Debug)]
pub(crate) enum Request {
    /// Receives from a socket again and again, each time into small room.
    RecvMany,
    /// Receives once. `poll_first`: nothing is there, so wait before looking.
    Recv {
        room: Room,
        at_most: usize,
        poll_first: bool,
    },
    /// Receives once into memory that waits with it.
    RecvInto {
        buffer: Buffer,
    },
    /// Receives a datagram and its sender's address.
    RecvFrom {
        room: Room,
        message: Box<Message>,
    },
    /// Reads once at the source's own position.
    Read {
        room: Room,
        at_most: usize,
    },
    /// Accepts again and again.
    AcceptMany,
    Connect {
        address: Box<SocketAddrAny>,
    },
    /// Sends what lies behind `from`, all of it unless an error intervenes; a message, if there is
    /// room for it. `left` is how much that is, at hand when the answer comes.
    Send {
        data: Buffer,
        from: usize,
        left: usize,
        is_message: bool,
    },
    /// Sends a message, if there is room for it.
    SendTo {
        data: Buffer,
        address: Box<SocketAddrAny>,
    },
    /// Sends what lies behind `from`, or some of it.
    SendVectored(Box<Vectored>),
    /// Writes what lies behind `from` at the source's own position, or some of it.
    Write {
        data: Buffer,
        from: usize,
    },
    /// Waits for one of these poll(2) events; `again`: for every edge of them.
    Poll {
        events: u32,
        again: bool,
    },
    /// Opens a file; its source is of no account.
    Open {
        path: CString,
        flags: u32,
        mode: u32,
    },
    ReadAt {
        buffer: Buffer,
        offset: u64,
    },
    /// Writes what lies behind `from`, or some of it; `offset` is where the data begin.
    WriteAt {
        data: Buffer,
        from: usize,
        offset: u64,
    },
    Sync {
        data_only: bool,
    },
    Status {
        status: Box<FileStatus>,
    },
    /// Closes this descriptor; its source is of no account. None once the kernel has closed it.
    Close {
        descriptor: Option<OwnedFd>,
    },
}

/// Several buffers and the header that names them; apart, so that all other requests stay small.
#[derive(Debug)]
pub(crate) struct Vectored {
    pub(crate) data: Vec<Buffer>,
    pub(crate) from: usize,
    pub(crate) message: Box<Message>,
    pub(crate) is_message: bool,
}

impl Request {
    /// Where the answers' data lie, if the kernel chooses.
    pub(crate) fn room(&self) -> Option<Room> {
        match self {
            Self::RecvMany => Some(Room::Small),
            Self::Recv { room, .. } | Self::RecvFrom { room, .. } | Self::Read { room, .. } => {
                Some(*room)
            }
            _ => None,
        }
    }

    /// Whether an answer's number is that of a new descriptor.
    pub(crate) fn makes_descriptors(&self) -> bool {
        matches!(self, Self::AcceptMany | Self::Open { .. })
    }
}

/// What accepted sockets are like.
pub(crate) const ACCEPTED: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// What the kernel gave.
#[derive(Debug)]
pub(crate) enum Got {
    /// A number: of bytes, of events, or none.
    Count(usize),
    /// Bytes in room that it chose.
    Data(Buffer),
    /// A new descriptor.
    Descriptor(OwnedFd),
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    /// As given with the request.
    pub(crate) tag: T,
    pub(crate) got: Result<Got, Errno>,
    /// A socket said that there is more to receive.
    pub(crate) nonempty: bool,
    /// With the last answer, what it owned.
    pub(crate) ended: Option<Request>,
}

impl<T> Answer<T> {
    /// What the kernel gave, once.
    pub(crate) fn take(&mut self) -> Result<Got, Errno> {
        mem::replace(&mut self.got, Ok(Got::Count(0)))
    }
}
