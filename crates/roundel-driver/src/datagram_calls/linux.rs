//! recvmmsg(2) and sendmmsg(2).

use std::{
    io::{IoSlice, IoSliceMut},
    net::SocketAddr,
    os::fd::AsRawFd,
};

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use rustix::{
    fd::BorrowedFd,
    io::Errno,
    net::{MMsgHdr, SendAncillaryBuffer, SocketAddrAny, addr::SocketAddrArg, sendmmsg},
};

use super::Attempt;
use crate::{
    Address, Buffer, BufferPool, Datagram, Message, attempt::NOW,
    kernel_socket::speaks_udp as speaks_udp_to,
};

/// More are not taken at once: Linux's `UIO_MAXIOV`.
const MOST_SENT: usize = 1024;

/// UDP only: of a datagram without a sender, as a Unix socket may receive, the addresses below
/// would tell nothing but what was in their memory.
pub(super) fn receives_batches(socket: BorrowedFd<'_>) -> bool {
    speaks_udp_to(socket)
}

pub(super) fn receive(
    socket: BorrowedFd<'_>,
    pool: &BufferPool,
    at_most: usize,
    count: usize,
) -> Attempt<Vec<Datagram>> {
    let mut buffers: Vec<Buffer> = (0..count).map(|_| pool.take(at_most)).collect();
    let mut told = Vec::with_capacity(count);
    {
        // New ones each time: the kernel leaves in them how long the addresses were.
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(count, None);
        let rooms = buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer.room_mut(at_most))]);
        let mut rooms: Vec<_> = rooms.collect();
        let (socket, now) = (socket.as_raw_fd(), MsgFlags::MSG_DONTWAIT);
        let received = recvmmsg(socket, &mut headers, &mut rooms, now, None)
            .map_err(|error| Errno::from_raw_os_error(error as i32))?;
        for message in received {
            let truncated = message.flags.contains(MsgFlags::MSG_TRUNC);
            told.push((message.bytes, message.address.and_then(read), truncated));
        }
    }
    let received = buffers.into_iter().zip(told).map(|(mut buffer, (length, from, truncated))| {
        buffer.fill(|_| Ok::<_, Errno>(length))?;
        Ok(Datagram::new(buffer, from.ok_or(Errno::AFNOSUPPORT)?, truncated))
    });
    received.collect()
}

fn read(address: SockaddrStorage) -> Option<Address> {
    let v4 = address.as_sockaddr_in().map(|address| SocketAddr::V4((*address).into()));
    let v6 = || address.as_sockaddr_in6().map(|address| SocketAddr::V6((*address).into()));
    v4.or_else(v6).map(Address::from)
}

/// Tells how many were sent: at least the first, or why that was not.
pub(super) fn send(socket: BorrowedFd<'_>, messages: &[Message]) -> Attempt<usize> {
    let messages = &messages[..messages.len().min(MOST_SENT)];
    let mut addresses = Vec::with_capacity(messages.len());
    for message in messages {
        match message.to.as_ref().map(kernels).transpose() {
            Ok(address) => addresses.push(address),
            Err(refusal) if addresses.is_empty() => return Err(refusal),
            // It is the first one next time.
            Err(_) => break,
        }
    }
    let slices: Vec<_> = messages.iter().map(|message| [IoSlice::new(&message.data)]).collect();
    let mut controls: Vec<_> = slices.iter().map(|_| SendAncillaryBuffer::default()).collect();
    let parts = slices.iter().zip(&mut controls);
    let headers = addresses.iter().zip(parts).map(|(address, (data, control))| match address {
        Some(address) => MMsgHdr::new_with_addr(address, data, control),
        None => MMsgHdr::new(data, control),
    });
    sendmmsg(socket, &mut headers.collect::<Vec<_>>(), NOW)
}

fn kernels(address: &Address) -> Attempt<SocketAddrAny> {
    Ok(match address {
        Address::Inet(address) => address.as_any(),
        Address::Unix(address) => address.to_kernel()?.as_any(),
    })
}
