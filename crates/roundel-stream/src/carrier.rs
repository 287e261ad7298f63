//! `Carrier`: what carries a stream's bytes, and how it ends one direction.

use std::{
    fmt,
    io::{self, IoSlice},
    net::Shutdown,
    rc::Rc,
};

use roundel_driver::{Address, Credentials, Interest, OperationError, Socket, SocketError, Source};
use roundel_loop::{Attached, Receipts, Submission};
use rustix::fs::OFlags;

use crate::{Lender, outgoing::Batch};

/// What a stream runs over: a connected socket, or any other descriptor that is read and written,
/// such as an end of a pipe, a terminal, or standard input.
///
/// Made from an [`Attached`]; the functions that need one take either.
pub struct Carrier {
    // First to be dropped, so that the lender is told of what is so.
    kind: Kind,
    lender: Option<Rc<dyn Lender>>,
}

enum Kind {
    Socket(Attached<Socket>),
    Source(Attached<Source>),
}

impl From<Attached<Socket>> for Carrier {
    fn from(socket: Attached<Socket>) -> Self {
        Self { kind: Kind::Socket(socket), lender: None }
    }
}

/// A pipe, a terminal, a device. Reading or writing makes its open file description non-blocking,
/// for whoever shares it too. A socket should come as [`Socket`], which alone can end one direction
/// and leave the other open.
impl From<Attached<Source>> for Carrier {
    fn from(source: Attached<Source>) -> Self {
        Self { kind: Kind::Source(source), lender: None }
    }
}

impl Carrier {
    /// Lent out: `lender` hears of the stream that is made of it, and is let go of when it is closed.
    #[must_use]
    pub fn lent_by(self, lender: Rc<dyn Lender>) -> Self {
        Self { lender: Some(lender), ..self }
    }

    pub(crate) fn lender(&self) -> Option<Rc<dyn Lender>> {
        self.lender.clone()
    }

    pub(crate) fn receive(&self, at_most: usize) -> Submission {
        match &self.kind {
            Kind::Socket(socket) => socket.recv(at_most),
            Kind::Source(source) => source.read(at_most),
        }
    }

    /// Receives again and again, where one operation can: on a socket.
    #[inline]
    pub(crate) fn receive_many(&self, at_most: usize) -> Option<Receipts> {
        match &self.kind {
            Kind::Socket(socket) => Some(socket.recv_many(at_most)),
            Kind::Source(_) => None,
        }
    }

    pub(crate) fn send(&self, batch: Batch) -> Submission {
        match (&self.kind, batch) {
            (Kind::Socket(socket), Batch::One(data)) => socket.send(data),
            (Kind::Socket(socket), Batch::Several(data)) => socket.send_vectored(data),
            (Kind::Source(source), Batch::One(data)) => source.write(data),
            // Not asked for, as `takes_several` says.
            (Kind::Source(source), Batch::Several(data)) => {
                let all: Vec<u8> = data.iter().flat_map(|part| part.iter().copied()).collect();
                source.write(all)
            }
        }
    }

    /// Sends as much as goes at once, without an operation, and tells how much that was.
    pub(crate) fn send_now(&self, data: &[IoSlice<'_>]) -> Result<usize, OperationError> {
        match &self.kind {
            Kind::Socket(socket) => socket.send_now(data),
            Kind::Source(_) => Ok(0),
        }
    }

    /// Waits until there may be room to send.
    pub(crate) fn room(&self) -> Submission {
        match &self.kind {
            Kind::Socket(socket) => socket.ready(Interest::WRITE),
            Kind::Source(source) => source.ready(Interest::WRITE),
        }
    }

    /// Several buffers go in one operation, without a copy.
    pub(crate) fn takes_several(&self) -> bool {
        matches!(self.kind, Kind::Socket(_))
    }

    pub(crate) fn can_end_sending(&self) -> bool {
        matches!(self.kind, Kind::Socket(_))
    }

    /// The peer will see the end of the stream; receiving goes on.
    pub(crate) fn end_sending(&self) -> Result<(), SocketError> {
        match &self.kind {
            Kind::Socket(socket) => socket.socket().shutdown(Shutdown::Write),
            Kind::Source(_) => Ok(()),
        }
    }

    /// The writing end of a pipe: nothing ever comes from it, but it can tell that its reader left.
    pub(crate) fn is_write_only(&self) -> bool {
        match &self.kind {
            Kind::Socket(_) => false,
            Kind::Source(source) => rustix::fs::fcntl_getfl(source.source())
                .is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::WRONLY),
        }
    }

    /// Waits until the reader of a pipe is gone, which its writing end tells as being readable.
    pub(crate) fn hang_up(&self) -> Option<Submission> {
        match &self.kind {
            Kind::Socket(_) => None,
            Kind::Source(source) => Some(source.ready(Interest::READ)),
        }
    }

    pub(crate) fn socket(&self) -> io::Result<&Socket> {
        match &self.kind {
            Kind::Socket(socket) => Ok(socket.socket()),
            Kind::Source(_) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "the stream runs over no socket"))
            }
        }
    }

    pub(crate) fn local_address(&self) -> io::Result<Address> {
        Ok(self.socket()?.local_address()?)
    }

    pub(crate) fn peer_address(&self) -> io::Result<Address> {
        Ok(self.socket()?.peer_address()?)
    }

    pub(crate) fn peer_credentials(&self) -> io::Result<Credentials> {
        Ok(self.socket()?.peer_credentials()?)
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Socket(socket) => socket.fmt(f),
            Kind::Source(source) => source.fmt(f),
        }
    }
}
