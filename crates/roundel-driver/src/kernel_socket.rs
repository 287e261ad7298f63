//! The kernel's sockets: what `Socket` asks, as system calls on a descriptor.

use std::{io, net::Shutdown, os::fd::OwnedFd};

use rustix::{
    fd::{AsFd, BorrowedFd},
    io::Errno,
    net::{self, AddressFamily, SocketType, sockopt},
};

use crate::{
    Address, Credentials, Family, KeepAlive, Socket, SocketCalls, SocketError, SocketKind,
    SocketOption, SocketOptionName,
};

/// A new socket, non-blocking and closed on exec.
pub(crate) fn open(family: Family, kind: SocketKind) -> Result<Socket, SocketError> {
    let family = match family {
        Family::V4 => AddressFamily::INET,
        Family::V6 => AddressFamily::INET6,
        Family::Unix => AddressFamily::UNIX,
    };
    let kind = match kind {
        SocketKind::Stream => SocketType::STREAM,
        SocketKind::Datagram => SocketType::DGRAM,
    };
    match new_descriptor(family, kind) {
        Ok(descriptor) => Ok(Socket::new(descriptor)),
        Err(cause) => Err(SocketError::of("opening a socket")(cause.into())),
    }
}

#[cfg(not(target_vendor = "apple"))]
fn new_descriptor(family: AddressFamily, kind: SocketType) -> Result<OwnedFd, Errno> {
    use net::SocketFlags;
    net::socket_with(family, kind, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)
}

#[cfg(target_vendor = "apple")]
fn new_descriptor(family: AddressFamily, kind: SocketType) -> Result<OwnedFd, Errno> {
    let socket = net::socket(family, kind, None)?;
    mark(&socket)?;
    Ok(socket)
}

/// Takes the next connection that waits; the socket is non-blocking and closed on exec.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn accept(listener: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    use net::SocketFlags;
    net::accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)
}

#[cfg(target_vendor = "apple")]
pub(crate) fn accept(listener: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    let socket = net::accept(listener)?;
    mark(&socket)?;
    Ok(socket)
}

/// What newer systems do in the call that makes the socket, and in each send.
#[cfg(target_vendor = "apple")]
fn mark(socket: &OwnedFd) -> Result<(), Errno> {
    sockopt::set_socket_nosigpipe(socket, true)?;
    rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(socket, true)
}

/// That a send to a peer that is gone is an error and no signal.
#[cfg(not(target_vendor = "apple"))]
pub(crate) const NO_SIGNAL: net::SendFlags = net::SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
pub(crate) const NO_SIGNAL: net::SendFlags = net::SendFlags::empty();

/// Whether a short transfer means that the kernel has no more to give or take.
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
pub(crate) fn speaks_tcp(socket: BorrowedFd<'_>) -> bool {
    sockopt::socket_protocol(socket) == Ok(Some(net::ipproto::TCP))
}

/// The system does not tell, so only its refusal does.
#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
pub(crate) fn speaks_tcp(_: BorrowedFd<'_>) -> bool {
    false
}

/// Whether the kernel hands out several of its datagrams at one call, each with its sender.
#[cfg(target_os = "linux")]
pub(crate) fn speaks_udp(socket: BorrowedFd<'_>) -> bool {
    sockopt::socket_protocol(socket) == Ok(Some(net::ipproto::UDP))
}

/// Whether bytes may be cut and joined, as also those of a pipe or a terminal.
pub(crate) fn is_stream(source: BorrowedFd<'_>) -> bool {
    matches!(sockopt::socket_type(source), Ok(SocketType::STREAM) | Err(_))
}

/// Begins or asks for a connection.
pub(crate) fn connect(socket: BorrowedFd<'_>, address: &Address) -> Result<(), Errno> {
    match address {
        Address::Inet(address) => net::connect(socket, address),
        Address::Unix(address) => net::connect(socket, &address.to_kernel()?),
    }
}

impl SocketCalls for OwnedFd {
    fn bind(&self, address: &Address) -> io::Result<()> {
        let bound = match address {
            Address::Inet(address) => net::bind(self, address),
            Address::Unix(address) => net::bind(self, &address.to_kernel()?),
        };
        Ok(bound?)
    }

    fn listen(&self, backlog: u32) -> io::Result<()> {
        Ok(net::listen(self, i32::try_from(backlog).unwrap_or(i32::MAX))?)
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(Address::from_kernel(net::getsockname(self)?)?)
    }

    fn peer_address(&self) -> io::Result<Address> {
        match net::getpeername(self)? {
            Some(address) => Ok(Address::from_kernel(address)?),
            None => Ok(Address::unnamed_unix()),
        }
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let how = match how {
            Shutdown::Read => net::Shutdown::Read,
            Shutdown::Write => net::Shutdown::Write,
            Shutdown::Both => net::Shutdown::Both,
        };
        Ok(net::shutdown(self, how)?)
    }

    fn set(&self, option: SocketOption) -> io::Result<()> {
        match option {
            SocketOption::NoDelay(on) => sockopt::set_tcp_nodelay(self, on)?,
            SocketOption::KeepAlive(how) => set_keep_alive(self, how)?,
            SocketOption::ReuseAddress(on) => sockopt::set_socket_reuseaddr(self, on)?,
            SocketOption::ReusePort(on) => set_reuse_port(self, on)?,
            SocketOption::OnlyV6(on) => sockopt::set_ipv6_v6only(self, on)?,
            SocketOption::Broadcast(on) => sockopt::set_socket_broadcast(self, on)?,
            SocketOption::Linger(time) => sockopt::set_socket_linger(self, time)?,
            SocketOption::SendBuffer(size) => sockopt::set_socket_send_buffer_size(self, size)?,
            SocketOption::ReceiveBuffer(size) => sockopt::set_socket_recv_buffer_size(self, size)?,
            SocketOption::TimeToLive(hops) if is_v6(self)? => {
                sockopt::set_ipv6_unicast_hops(self, Some(hops))?;
            }
            SocketOption::TimeToLive(hops) => sockopt::set_ip_ttl(self, hops.into())?,
        }
        Ok(())
    }

    fn get(&self, option: SocketOptionName) -> io::Result<SocketOption> {
        use SocketOptionName as Name;
        Ok(match option {
            Name::NoDelay => SocketOption::NoDelay(sockopt::tcp_nodelay(self)?),
            Name::KeepAlive => SocketOption::KeepAlive(keep_alive(self)?),
            Name::ReuseAddress => SocketOption::ReuseAddress(sockopt::socket_reuseaddr(self)?),
            Name::ReusePort => SocketOption::ReusePort(reuse_port(self)?),
            Name::OnlyV6 => SocketOption::OnlyV6(sockopt::ipv6_v6only(self)?),
            Name::Broadcast => SocketOption::Broadcast(sockopt::socket_broadcast(self)?),
            Name::Linger => SocketOption::Linger(sockopt::socket_linger(self)?),
            Name::SendBuffer => SocketOption::SendBuffer(sockopt::socket_send_buffer_size(self)?),
            Name::ReceiveBuffer => {
                SocketOption::ReceiveBuffer(sockopt::socket_recv_buffer_size(self)?)
            }
            Name::TimeToLive if is_v6(self)? => {
                SocketOption::TimeToLive(sockopt::ipv6_unicast_hops(self)?)
            }
            // The kernel keeps it in eight bits.
            Name::TimeToLive => {
                SocketOption::TimeToLive(u8::try_from(sockopt::ip_ttl(self)?).unwrap_or(u8::MAX))
            }
        })
    }

    fn peer_credentials(&self) -> io::Result<Credentials> {
        peer_credentials(self.as_fd())
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(sockopt::socket_error(self)?.err().map(io::Error::from))
    }
}

fn is_v6(socket: &OwnedFd) -> Result<bool, Errno> {
    Ok(net::getsockname(socket)?.address_family() == AddressFamily::INET6)
}

fn set_keep_alive(socket: &OwnedFd, how: Option<KeepAlive>) -> Result<(), Errno> {
    // The times first, so that no probe goes out by the old ones.
    if let Some(KeepAlive { idle, interval, probes }) = how {
        if let Some(idle) = idle {
            sockopt::set_tcp_keepidle(socket, idle)?;
        }
        if let Some(interval) = interval {
            sockopt::set_tcp_keepintvl(socket, interval)?;
        }
        if let Some(probes) = probes {
            sockopt::set_tcp_keepcnt(socket, probes)?;
        }
    }
    sockopt::set_socket_keepalive(socket, how.is_some())
}

fn keep_alive(socket: &OwnedFd) -> Result<Option<KeepAlive>, Errno> {
    if !sockopt::socket_keepalive(socket)? {
        return Ok(None);
    }
    Ok(Some(KeepAlive {
        idle: Some(sockopt::tcp_keepidle(socket)?),
        interval: Some(sockopt::tcp_keepintvl(socket)?),
        probes: Some(sockopt::tcp_keepcnt(socket)?),
    }))
}

#[cfg(target_os = "linux")]
fn peer_credentials(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    // Asked of any other socket, Linux answers with nobody.
    if net::getsockname(socket)?.address_family() != AddressFamily::UNIX {
        return Err(Errno::OPNOTSUPP.into());
    }
    let of = sockopt::socket_peercred(socket)?;
    Ok(Credentials::new(of.pid.as_raw_nonzero().get(), of.uid.as_raw(), of.gid.as_raw()))
}

#[cfg(not(target_os = "linux"))]
fn peer_credentials(_: BorrowedFd<'_>) -> io::Result<Credentials> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "the system does not tell who connected"))
}

#[cfg(not(any(target_os = "illumos", target_os = "solaris")))]
use sockopt::{set_socket_reuseport as set_reuse_port, socket_reuseport as reuse_port};

#[cfg(any(target_os = "illumos", target_os = "solaris"))]
fn set_reuse_port(_: &OwnedFd, _: bool) -> Result<(), Errno> {
    Err(Errno::NOPROTOOPT)
}

#[cfg(any(target_os = "illumos", target_os = "solaris"))]
fn reuse_port(_: &OwnedFd) -> Result<bool, Errno> {
    Err(Errno::NOPROTOOPT)
}
