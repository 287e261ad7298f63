//! Who is bound to which address, and who listens there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use roundel_driver::{Address, Family, SocketKind};
use rustix::io::Errno;

use super::{
    host::{HostId, Transport},
    sock::{Body, Sock, SockId},
    state::State,
};

impl State {
    pub(crate) fn bind(&mut self, id: SockId, address: &Address) -> Result<(), Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        if sock.local.is_some() {
            return Err(Errno::INVAL);
        }
        if sock.family != address.family() {
            return Err(if sock.family == Family::Unix {
                Errno::INVAL
            } else {
                Errno::AFNOSUPPORT
            });
        }
        match address {
            Address::Inet(to) => self.bind_port(id, *to),
            Address::Unix(name) => self.bind_name(id, name),
            _ => Err(Errno::AFNOSUPPORT),
        }
    }

    fn bind_port(&mut self, id: SockId, to: SocketAddr) -> Result<(), Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        let (host, transport) = (sock.host, Transport::from(sock.kind));
        if self.owner_of(host, to.ip()) != Some(host) {
            return Err(Errno::ADDRNOTAVAIL);
        }
        let port = match to.port() {
            0 => self.free_port(host, transport).ok_or(Errno::ADDRINUSE)?,
            port => port,
        };
        let others = self.host(host).ports.get(&(transport, port));
        for &other in others.into_iter().flatten() {
            if self.is_in_the_way(id, to.ip(), other) {
                return Err(Errno::ADDRINUSE);
            }
        }
        self.host_mut(host).ports.entry((transport, port)).or_default().push(id);
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        sock.local = Some(SocketAddr::new(to.ip(), port).into());
        Ok(())
    }

    fn is_in_the_way(&self, of: SockId, ip: IpAddr, other: SockId) -> bool {
        let (Some(sock), Some(other)) = (self.socks.get(of.0), self.socks.get(other.0)) else {
            return false;
        };
        let theirs = other.local.as_ref().and_then(Address::inet).map(|theirs| theirs.ip());
        let overlap = theirs.is_some_and(|theirs| {
            theirs.is_ipv4() == ip.is_ipv4()
                && (theirs == ip || theirs.is_unspecified() || ip.is_unspecified())
        });
        let (ours, theirs) = (&sock.options, &other.options);
        let share = ours.reuse_port && theirs.reuse_port
            || ours.reuse_address
                && theirs.reuse_address
                && !matches!(other.body, Body::Listener(_));
        overlap && !share
    }

    /// Finds a port for a socket that has none.
    pub(crate) fn bind_anywhere(&mut self, id: SockId, ip: IpAddr) -> Result<(), Errno> {
        match self.socks.get(id.0) {
            Some(Sock { local: None, .. }) => self.bind_port(id, SocketAddr::new(ip, 0)),
            Some(_) => Ok(()),
            None => Err(Errno::BADF),
        }
    }

    /// Forgets that a socket had a port or a name.
    pub(crate) fn release(&mut self, id: SockId, sock: &Sock) {
        let Some(local) = &sock.local else { return };
        let host = self.host_mut(sock.host);
        match local {
            Address::Inet(local) => {
                let key = (Transport::from(sock.kind), local.port());
                if let Some(bound) = host.ports.get_mut(&key) {
                    bound.retain(|&other| other != id);
                    if bound.is_empty() {
                        host.ports.remove(&key);
                    }
                }
            }
            _ => host.names.retain(|_, &mut other| other != id),
        }
    }

    pub(crate) fn listen(&mut self, id: SockId, backlog: u32) -> Result<(), Errno> {
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        if sock.kind != SocketKind::Stream {
            return Err(Errno::OPNOTSUPP);
        }
        // Linux's net.core.somaxconn.
        let backlog = backlog.min(4096) as usize;
        match &mut sock.body {
            Body::Listener(listener) => listener.backlog = backlog,
            Body::Fresh => {
                let any = match sock.family {
                    Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                    // A Unix socket without a name cannot be found.
                    _ if sock.local.is_none() => return Err(Errno::INVAL),
                    _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                };
                self.bind_anywhere(id, any)?;
                self.demand_alone(id)?;
                let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
                let listener = super::sock::Listener { backlog, ..Default::default() };
                sock.body = Body::Listener(listener);
            }
            _ => return Err(Errno::INVAL),
        }
        Ok(())
    }

    /// Two sockets may be bound to one address by SO_REUSEADDR, but only one may listen.
    fn demand_alone(&self, id: SockId) -> Result<(), Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        let Some(local) = sock.local.as_ref().and_then(Address::inet) else { return Ok(()) };
        let others = self.host(sock.host).ports.get(&(Transport::Tcp, local.port()));
        let mut others = others.into_iter().flatten().filter(|&&other| other != id);
        let taken = others.any(|&other| {
            let other = self.socks.get(other.0);
            other.is_some_and(|other| {
                matches!(other.body, Body::Listener(_)) && !other.options.reuse_port
            })
        });
        if taken { Err(Errno::ADDRINUSE) } else { Ok(()) }
    }

    /// Who listens at an address of a host; one of them, if they share it.
    pub(crate) fn listener_at(&mut self, host: HostId, to: SocketAddr) -> Option<SockId> {
        let bound = self.bound_at(host, Transport::Tcp, to);
        let listeners: Vec<SockId> = bound
            .into_iter()
            .filter(|id| {
                let sock = self.socks.get(id.0);
                sock.is_some_and(|sock| matches!(sock.body, Body::Listener(_)))
            })
            .collect();
        match listeners[..] {
            [] => None,
            [one] => Some(one),
            _ => Some(listeners[self.travel.index(listeners.len())]),
        }
    }

    /// Who is bound to an address of a host.
    pub(crate) fn bound_at(
        &self,
        host: HostId,
        transport: Transport,
        to: SocketAddr,
    ) -> Vec<SockId> {
        let bound = self.host(host).ports.get(&(transport, to.port()));
        let fits = |id: &&SockId| {
            let local = self.socks.get(id.0).and_then(|sock| sock.local.as_ref()?.inet());
            local.is_some_and(|local| {
                local.is_ipv4() == to.is_ipv4()
                    && (local.ip() == to.ip() || local.ip().is_unspecified())
            })
        };
        bound.into_iter().flatten().filter(fits).copied().collect()
    }

    /// The address that a host sends from, to reach another.
    pub(crate) fn source_for(&self, host: HostId, to: IpAddr) -> IpAddr {
        match to {
            to if to.is_loopback() || to.is_unspecified() => match to {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            },
            IpAddr::V4(_) => self.host(host).v4.into(),
            IpAddr::V6(_) => self.host(host).v6.into(),
        }
    }

    pub(crate) fn local_address(&self, id: SockId) -> Result<Address, Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        Ok(sock.local.clone().unwrap_or_else(|| match sock.family {
            Family::V6 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into(),
            Family::V4 => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into(),
            _ => Address::unnamed_unix(),
        }))
    }

    pub(crate) fn peer_address(&self, id: SockId) -> Result<Address, Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        match &sock.body {
            Body::Stream(stream) if stream.is_dead() => Err(Errno::NOTCONN),
            Body::Stream(_) | Body::Datagrams(_) => sock.peer.clone().ok_or(Errno::NOTCONN),
            _ => Err(Errno::NOTCONN),
        }
    }
}
