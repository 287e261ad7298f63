//! One non-blocking call per operation: done, or the kernel would have to wait.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem,
};

use rustix::{
    fd::{AsFd, BorrowedFd},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
    net::{
        RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendFlags, getpeername,
        recv, recvmsg, send, sendmsg, sendto, sockopt,
    },
};

use crate::{
    Address, Buffer, BufferPool, Completion, Datagram, OperationError, Outcome, Socket,
    buffer::LARGEST,
    kernel_socket,
    operation::{Direction, Operation},
    watched::{Kind, Watched},
};

/// How far an operation has come: bytes of a send or write, or 1 once a connect is under way.
pub(crate) type Progress = usize;

/// What a try comes to when the kernel says no.
pub(crate) type Attempt<T> = Result<T, Errno>;

/// Takes an operation as far as the kernel lets it without blocking; `None`: it has to wait.
pub(crate) fn attempt(
    operation: &mut Operation,
    progress: &mut Progress,
    watched: &mut Watched,
    pool: &BufferPool,
) -> Option<Completion> {
    let result = match operation {
        Operation::Recv { at_most, .. } => {
            receive(watched, pool, *at_most, Means::Socket).map(Outcome::Received)
        }
        Operation::Read { at_most, .. } => {
            receive(watched, pool, *at_most, Means::File).map(Outcome::Received)
        }
        Operation::RecvInto { buffer, .. } => {
            receive_into(watched, buffer).map(|()| Outcome::Received(mem::take(buffer)))
        }
        Operation::RecvFrom { at_most, .. } => {
            let datagram = receive_from(watched.source.as_fd(), pool, *at_most);
            datagram.map(|datagram| Outcome::Datagram(Box::new(datagram)))
        }
        Operation::RecvBatch { at_most, count, .. } => {
            receive_batch(watched, pool, *at_most, *count).map(Outcome::Datagrams)
        }
        Operation::Send { data, .. } => {
            transmit(watched, progress, Means::Socket, data.len(), |to, from| {
                Ok((send(to, &data[from..], NOW)?, data.len() - from))
            })
            .map(|()| Outcome::Sent(mem::take(data)))
        }
        Operation::Write { data, .. } => {
            transmit(watched, progress, Means::File, data.len(), |to, from| {
                Ok((rustix::io::write(to, &data[from..])?, data.len() - from))
            })
            .map(|()| Outcome::Sent(mem::take(data)))
        }
        Operation::SendVectored { data, .. } => transmit_vectored(watched, progress, data)
            .map(|()| Outcome::SentVectored(mem::take(data))),
        Operation::SendTo { data, to, .. } => {
            send_to(watched.source.as_fd(), data, to).map(|()| Outcome::Sent(mem::take(data)))
        }
        Operation::SendBatch { messages, .. } => {
            let sent = watched.calls.send(watched.source.as_fd(), messages);
            sent.map(|()| Outcome::SentBatch(mem::take(&mut **messages).results()))
        }
        Operation::Accept { .. } => accept_one(watched).map(Outcome::Accepted),
        Operation::Connect { address, .. } => start_or_finish_connect(watched, address, progress),
        _ => return None,
    };
    match result {
        Ok(outcome) => Some(Ok(outcome)),
        Err(Errno::WOULDBLOCK) => {
            if let Some((_, direction)) = operation.queue() {
                watched.refused(direction);
            }
            None
        }
        Err(cause) => Some(Err(OperationError::new(operation, *progress, cause))),
    }
}

/// Sends as much as goes, once; none of it, if the kernel would have to wait.
#[inline]
pub(crate) fn send_now(watched: &mut Watched, data: &[IoSlice<'_>]) -> Attempt<usize> {
    let data = &data[..data.len().min(MOST_SLICES)];
    let sent = uninterrupted(|| match data {
        [data] => send(watched.source.as_fd(), data, NOW),
        data => sendmsg(watched.source.as_fd(), data, &mut SendAncillaryBuffer::default(), NOW),
    });
    match sent {
        Ok(sent) => {
            let offered = data.iter().map(|piece| piece.len()).sum();
            note_short(watched, Direction::Write, Means::Socket, sent, offered);
            Ok(sent)
        }
        Err(Errno::WOULDBLOCK) => {
            watched.refused(Direction::Write);
            Ok(0)
        }
        Err(cause) => Err(cause),
    }
}

/// Flags of every send: neither a wait nor a signal.
pub(crate) const NOW: SendFlags = SendFlags::DONTWAIT.union(kernel_socket::NO_SIGNAL);

/// The pieces that one call takes: Linux's UIO_MAXIOV; the others have the same.
const MOST_SLICES: usize = 1024;

/// Linux moves no more in one call, however much it has room for (send(2), write(2)).
const MOST_AT_ONCE: usize = 0x7fff_f000;

/// The two families of calls that move bytes: recv/send need no mode set on the descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    Socket,
    File,
}

#[inline]
fn receive(
    watched: &mut Watched,
    pool: &BufferPool,
    at_most: usize,
    means: Means,
) -> Attempt<Buffer> {
    if means == Means::File {
        set_nonblocking(watched)?;
    }
    let (at_most, from) = (at_most.min(LARGEST), watched.source.as_fd());
    let buffer = pool.fill(at_most, |room| {
        uninterrupted(|| match means {
            Means::Socket => {
                recv(from, &mut *room, RecvFlags::DONTWAIT).map(|(received, _)| received)
            }
            Means::File => rustix::io::read(from, &mut *room),
        })
    })?;
    note_short(watched, Direction::Read, means, buffer.len(), at_most);
    Ok(buffer)
}

/// Receives the next piece of a stream.
#[inline]
pub(crate) fn receive_piece(
    watched: &mut Watched,
    pool: &BufferPool,
    at_most: usize,
) -> Attempt<Buffer> {
    receive(watched, pool, at_most, Means::Socket)
}

#[inline(never)]
fn receive_into(watched: &mut Watched, buffer: &mut Buffer) -> Attempt<()> {
    let from = watched.source.as_fd();
    buffer.fill(|room| {
        uninterrupted(|| recv(from, &mut *room, RecvFlags::DONTWAIT).map(|(received, _)| received))
    })?;
    note_short(watched, Direction::Read, Means::Socket, buffer.len(), buffer.room());
    Ok(())
}

#[inline(never)]
pub(crate) fn receive_from(
    from: BorrowedFd<'_>,
    pool: &BufferPool,
    at_most: usize,
) -> Attempt<Datagram> {
    let mut told = None;
    let data = pool.fill(at_most.min(LARGEST), |room| {
        let message = uninterrupted(|| {
            let mut control = RecvAncillaryBuffer::default();
            let room = &mut [IoSliceMut::new(room)];
            recvmsg(from, room, &mut control, RecvFlags::DONTWAIT)
        })?;
        let received = message.bytes;
        told = Some(message);
        Ok::<_, Errno>(received)
    })?;
    let Some(message) = told else { return Err(Errno::IO) };
    let from = match message.address {
        Some(address) => Address::from_kernel(address)?,
        // Only a Unix socket can speak without a name.
        None => Address::unnamed_unix(),
    };
    let truncated = message.flags.contains(ReturnFlags::TRUNC);
    Ok(Datagram::new(data, from, truncated))
}

#[inline(never)]
fn receive_batch(
    watched: &mut Watched,
    pool: &BufferPool,
    at_most: usize,
    count: usize,
) -> Attempt<Box<[Datagram]>> {
    let (received, is_all) = watched.calls.receive(watched.source.as_fd(), pool, at_most, count)?;
    if is_all {
        watched.came_short(Direction::Read);
    }
    Ok(received)
}

/// Sends `all` bytes from where `progress` stands, `put` by `put`; each tells how many bytes the
/// kernel took, and of how many.
fn transmit(
    watched: &mut Watched,
    progress: &mut Progress,
    means: Means,
    all: usize,
    put: impl Fn(BorrowedFd<'_>, usize) -> Attempt<(usize, usize)>,
) -> Attempt<()> {
    if means == Means::File {
        set_nonblocking(watched)?;
    }
    loop {
        let (sent, offered) = uninterrupted(|| put(watched.source.as_fd(), *progress))?;
        *progress += sent;
        if *progress >= all {
            return Ok(());
        }
        if sent == 0 {
            // A device that takes nothing and does not refuse would be asked for ever.
            return Err(Errno::IO);
        }
        note_short(watched, Direction::Write, means, sent, offered.min(MOST_AT_ONCE));
        if !watched.may(Direction::Write) {
            return Err(Errno::WOULDBLOCK);
        }
    }
}

#[inline(never)]
fn transmit_vectored(
    watched: &mut Watched,
    progress: &mut Progress,
    data: &[Buffer],
) -> Attempt<()> {
    let all = data.iter().map(|part| part.len()).sum();
    transmit(watched, progress, Means::Socket, all, |to, from| {
        let pieces = rest(data, from);
        let offered = pieces.iter().map(|piece| piece.len()).sum();
        Ok((sendmsg(to, &pieces, &mut SendAncillaryBuffer::default(), NOW)?, offered))
    })
}

/// What of `data` follows its first `sent` bytes, in as many pieces as the kernel takes at once.
fn rest(data: &[Buffer], mut sent: usize) -> Vec<IoSlice<'_>> {
    let mut slices = Vec::with_capacity(data.len().min(MOST_SLICES));
    for part in data {
        let skipped = sent.min(part.len());
        sent -= skipped;
        if skipped < part.len() && slices.len() < MOST_SLICES {
            slices.push(IoSlice::new(&part[skipped..]));
        }
    }
    slices
}

#[inline(never)]
pub(crate) fn send_to(socket: BorrowedFd<'_>, data: &[u8], to: &Address) -> Attempt<()> {
    // A datagram goes whole or not at all.
    uninterrupted(|| match to {
        Address::Inet(to) => sendto(socket, data, NOW, to),
        Address::Unix(to) => sendto(socket, data, NOW, &to.to_kernel()?),
    })?;
    Ok(())
}

/// A transfer that came out short tells on TCP that the kernel has no more to give or take.
#[inline]
fn note_short(
    watched: &mut Watched,
    direction: Direction,
    means: Means,
    transferred: usize,
    at_most: usize,
) {
    if means == Means::Socket && (1..at_most).contains(&transferred) && is_tcp(watched) {
        watched.came_short(direction);
    }
}

/// Asks the kernel once a short transfer makes the answer worth knowing.
fn is_tcp(watched: &mut Watched) -> bool {
    if watched.kind == Kind::Unknown {
        let tcp = kernel_socket::speaks_tcp(watched.source.as_fd());
        watched.kind = if tcp { Kind::Tcp } else { Kind::Other };
    }
    watched.kind == Kind::Tcp
}

fn accept_one(watched: &mut Watched) -> Attempt<Socket> {
    set_nonblocking(watched)?;
    loop {
        match kernel_socket::accept(watched.source.as_fd()) {
            // The peer gave up while it queued; the next in the queue may not have (accept(2)).
            Err(Errno::INTR | Errno::CONNABORTED) => {}
            result => return result.map(Socket::new),
        }
    }
}

fn start_or_finish_connect(
    watched: &mut Watched,
    address: &Address,
    progress: &mut Progress,
) -> Attempt<Outcome> {
    if *progress == 0 {
        set_nonblocking(watched)?;
        return match kernel_socket::connect(watched.source.as_fd(), address) {
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
fn set_nonblocking(watched: &mut Watched) -> Attempt<()> {
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

pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> Attempt<T>) -> Attempt<T> {
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
