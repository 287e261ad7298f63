//! One non-blocking call per operation: done, or the kernel would have to wait.

use std::{io, mem, os::fd::OwnedFd};

use rustix::{
    fd::{AsFd, BorrowedFd},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
    net::{RecvFlags, SendFlags, connect, getpeername, ipproto, recv, send, sockopt},
};

use crate::{
    Buffer, BufferPool, Completion, OperationError, Outcome,
    buffer::LARGEST,
    operation::{Address, Direction, Operation},
    watched::{Kind, Watched},
};

/// How far an operation has come: bytes of a send or write, or 1 once a connect is under way.
pub(crate) type Progress = usize;

/// Takes an operation as far as the kernel lets it without blocking; `None`: it has to wait.
pub(crate) fn attempt(
    operation: &mut Operation,
    progress: &mut Progress,
    watched: &mut Watched,
    pool: &BufferPool,
) -> Option<Completion> {
    let result = match operation {
        Operation::Recv { at_most, .. } => receive(watched, pool, *at_most, Socket),
        Operation::Read { at_most, .. } => receive(watched, pool, *at_most, File),
        Operation::Send { data, .. } => transmit(watched, data, progress, Socket),
        Operation::Write { data, .. } => transmit(watched, data, progress, File),
        Operation::Accept { .. } => accept_one(watched).map(Outcome::Accepted),
        Operation::Connect { address, .. } => start_or_finish_connect(watched, address, progress),
        Operation::Ready { .. } => return None,
    };
    match result {
        Ok(outcome) => Some(Ok(outcome)),
        Err(Errno::WOULDBLOCK) => {
            watched.refused(operation.direction());
            None
        }
        Err(cause) => Some(Err(OperationError::new(operation, *progress, cause))),
    }
}

/// The two families of calls that move bytes: recv/send need no mode set on the descriptor.
trait Calls {
    fn get(&self, watched: &mut Watched, room: &mut [u8]) -> Result<usize, Errno>;
    fn put(&self, watched: &mut Watched, data: &[u8]) -> Result<usize, Errno>;
    fn is_tcp(&self, descriptor: BorrowedFd<'_>) -> bool;
}

struct Socket;

impl Calls for Socket {
    fn get(&self, watched: &mut Watched, room: &mut [u8]) -> Result<usize, Errno> {
        recv(watched.source.as_fd(), room, RecvFlags::DONTWAIT).map(|(received, _)| received)
    }

    fn put(&self, watched: &mut Watched, data: &[u8]) -> Result<usize, Errno> {
        send(watched.source.as_fd(), data, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
    }

    fn is_tcp(&self, descriptor: BorrowedFd<'_>) -> bool {
        sockopt::socket_protocol(descriptor) == Ok(Some(ipproto::TCP))
    }
}

struct File;

impl Calls for File {
    fn get(&self, watched: &mut Watched, room: &mut [u8]) -> Result<usize, Errno> {
        set_nonblocking(watched)?;
        rustix::io::read(watched.source.as_fd(), room)
    }

    fn put(&self, watched: &mut Watched, data: &[u8]) -> Result<usize, Errno> {
        set_nonblocking(watched)?;
        rustix::io::write(watched.source.as_fd(), data)
    }

    fn is_tcp(&self, _: BorrowedFd<'_>) -> bool {
        false
    }
}

fn receive(
    watched: &mut Watched,
    pool: &BufferPool,
    at_most: usize,
    calls: impl Calls,
) -> Result<Outcome, Errno> {
    let at_most = at_most.min(LARGEST);
    let buffer = pool.fill(at_most, |room| uninterrupted(|| calls.get(watched, room)))?;
    if (1..at_most).contains(&buffer.len()) && is_tcp(watched, &calls) {
        watched.came_short(Direction::Read);
    }
    Ok(Outcome::Received(buffer))
}

fn transmit(
    watched: &mut Watched,
    data: &mut Buffer,
    progress: &mut Progress,
    calls: impl Calls,
) -> Result<Outcome, Errno> {
    loop {
        let sent = uninterrupted(|| calls.put(watched, &data[*progress..]))?;
        *progress += sent;
        if *progress >= data.len() {
            return Ok(Outcome::Sent(mem::take(data)));
        }
        if sent == 0 {
            // A device that takes nothing and does not refuse would be asked for ever.
            return Err(Errno::IO);
        }
        if is_tcp(watched, &calls) {
            watched.came_short(Direction::Write);
            if !watched.may(Direction::Write) {
                return Err(Errno::WOULDBLOCK);
            }
        }
    }
}

/// Asks the kernel once a short transfer makes the answer worth knowing.
fn is_tcp(watched: &mut Watched, calls: &impl Calls) -> bool {
    if watched.kind == Kind::Unknown {
        let tcp = calls.is_tcp(watched.source.as_fd());
        watched.kind = if tcp { Kind::Tcp } else { Kind::Other };
    }
    watched.kind == Kind::Tcp
}

fn accept_one(watched: &mut Watched) -> Result<OwnedFd, Errno> {
    set_nonblocking(watched)?;
    loop {
        match accept_ready_socket(watched.source.as_fd()) {
            // The peer gave up while it queued; the next in the queue may not have (accept(2)).
            Err(Errno::INTR | Errno::CONNABORTED) => {}
            result => return result,
        }
    }
}

#[cfg(not(target_vendor = "apple"))]
fn accept_ready_socket(listener: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    use rustix::net::{SocketFlags, accept_with};
    accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
}

#[cfg(target_vendor = "apple")]
fn accept_ready_socket(listener: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let socket = rustix::net::accept(listener)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

fn start_or_finish_connect(
    watched: &mut Watched,
    address: &Address,
    progress: &mut Progress,
) -> Result<Outcome, Errno> {
    if *progress == 0 {
        set_nonblocking(watched)?;
        let socket = watched.source.as_fd();
        let answer = match address {
            Address::Inet(address) => connect(socket, address),
            Address::Unix(address) => connect(socket, &*address.0),
        };
        return match answer {
            Ok(()) => Ok(Outcome::Connected),
            // An interrupted connect goes on by itself, as one in progress does, whoever began it
            // (connect(2)).
            Err(Errno::INPROGRESS | Errno::INTR | Errno::ALREADY) => {
                *progress = 1;
                Err(Errno::WOULDBLOCK)
            }
            // A Unix listener with a full queue: no event announces room, so this is an answer.
            Err(Errno::WOULDBLOCK) => Err(Errno::CONNREFUSED),
            Err(cause) => Err(cause),
        };
    }
    // The pending error is the answer; without one, only a peer tells success from a stray event.
    sockopt::socket_error(watched.source.as_fd())??;
    match getpeername(watched.source.as_fd()) {
        Ok(_) => Ok(Outcome::Connected),
        // It failed, and another operation on the socket was told why.
        Err(Errno::NOTCONN) if watched.is_write_side_over() => Err(Errno::NOTCONN),
        Err(Errno::NOTCONN) => Err(Errno::WOULDBLOCK),
        Err(cause) => Err(cause),
    }
}

/// The calls that take no "do not wait" flag need it on the open file description, set once.
fn set_nonblocking(watched: &mut Watched) -> Result<(), Errno> {
    if !watched.nonblocking {
        let descriptor = watched.source.as_fd();
        let flags = fcntl_getfl(descriptor)?;
        if !flags.contains(OFlags::NONBLOCK) {
            fcntl_setfl(descriptor, flags | OFlags::NONBLOCK)?;
        }
        watched.nonblocking = true;
    }
    Ok(())
}

fn uninterrupted<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// What operations of a source that was let go end with.
pub(crate) fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the source was detached from its driver")
}
