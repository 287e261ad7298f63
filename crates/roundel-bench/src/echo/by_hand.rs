//! The echo server that can do nothing else: epoll, edge-triggered, one buffer for all.
//!
//! Its two system calls lie in its loop, or in a function that the loop calls. That is as large a
//! difference as all there is between it and a runtime, and no runtime can do without functions.

use std::{
    io,
    net::TcpListener,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    buffer::spare_capacity,
    event::{
        PollFd, PollFlags,
        epoll::{self, CreateFlags, EventData, EventFlags},
        poll,
    },
    io::Errno,
    net::{RecvFlags, SendFlags, SocketFlags, accept_with, recv, send, sockopt::set_tcp_nodelay},
};

/// The listener's token; connections have their place in the table.
const LISTENER: u64 = u64::MAX;
/// As our driver's.
const EVENTS_PER_WAIT: usize = 128;

/// With the calls in the loop itself.
pub(super) fn serve(listener: &TcpListener, room: usize) -> io::Result<()> {
    serve_by(listener, room, echo)
}

/// With the calls in a function.
pub(super) fn serve_by_calling(listener: &TcpListener, room: usize) -> io::Result<()> {
    serve_by(listener, room, echo_called)
}

#[inline(never)]
fn echo_called(socket: &OwnedFd, buffer: &mut [u8]) -> bool {
    echo(socket, buffer)
}

#[inline(always)]
fn serve_by(
    listener: &TcpListener,
    room: usize,
    echo: impl Fn(&OwnedFd, &mut [u8]) -> bool,
) -> io::Result<()> {
    let poller = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poller, listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut connections: Vec<Option<OwnedFd>> = Vec::new();
    let mut buffer = vec![0; room];
    let mut events = Vec::with_capacity(EVENTS_PER_WAIT);
    loop {
        events.clear();
        epoll::wait(&poller, spare_capacity(&mut events), None)?;
        for event in &events {
            let token = event.data.u64();
            if token == LISTENER {
                let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
                let socket = accept_with(listener, flags)?;
                set_tcp_nodelay(&socket, true)?;
                let token = EventData::new_u64(connections.len() as u64);
                epoll::add(&poller, &socket, token, EventFlags::IN | EventFlags::ET)?;
                connections.push(Some(socket));
                continue;
            }
            let connection = &mut connections[token as usize];
            let ended = connection.as_ref().is_some_and(|socket| !echo(socket, &mut buffer));
            if ended {
                // Closing takes it out of the kernel's list.
                *connection = None;
            }
        }
    }
}

/// Answers what has come. False if the connection has ended.
#[inline(always)]
fn echo(socket: &OwnedFd, buffer: &mut [u8]) -> bool {
    loop {
        let received = match recv(socket, &mut *buffer, RecvFlags::empty()) {
            Ok((0, _)) => return false,
            Ok((received, _)) => received,
            Err(Errno::WOULDBLOCK) => return true,
            Err(_) => return false,
        };
        if send_all(socket, &buffer[..received]).is_err() {
            return false;
        }
        // A read that leaves room has emptied the socket; the next bytes bring an event.
        if received < buffer.len() {
            return true;
        }
    }
}

/// Waits for the one client where that does not read: no benchmark's does so.
#[inline(always)]
fn send_all(socket: &OwnedFd, mut data: &[u8]) -> Result<(), Errno> {
    while !data.is_empty() {
        match send(socket, data, SendFlags::NOSIGNAL) {
            Ok(sent) => data = &data[sent..],
            Err(Errno::WOULDBLOCK) => {
                poll(&mut [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
