//! Who is bound to which address, and who listens there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use roundel_driver::{Address, Family, SocketKind};
use rustix::io::Errno;

use super::{
    guise::{covers, shown},
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
            Address::Inet(to) => {
                let to = self.named_address(id, *to, Errno::INVAL)?;
                self.bind_port(id, to)
            }
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
        self.demand_room(id, SocketAddr::new(to.ip(), port))?;
        self.host_mut(host).ports.entry((transport, port)).or_default().push(id);
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        sock.local = Some(SocketAddr::new(to.ip(), port).into());
        Ok(())
    }

    /// Whether a socket may be at an address, whoever else is bound to the port.
    fn demand_room(&self, id: SockId, at: SocketAddr) -> Result<(), Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        let others = self.host(sock.host).ports.get(&(sock.kind.into(), at.port()));
        let mut others = others.into_iter().flatten().filter(|&&other| other != id);
        match others.any(|&other| self.is_in_the_way(sock, at.ip(), other)) {
            true => Err(Errno::ADDRINUSE),
            false => Ok(()),
        }
    }

    /// Two sockets of one port: by their addresses they may not meet, or they may both share it.
    /// Only one of those that share by SO_REUSEADDR may listen.
    fn is_in_the_way(&self, sock: &Sock, ip: IpAddr, other: SockId) -> bool {
        let Some(other) = self.socks.get(other.0) else { return false };
        let (ours, theirs) = (&sock.options, &other.options);
        let theirs_at = other.local.as_ref().and_then(Address::inet).map(|at| at.ip());
        let overlap = theirs_at
            .is_some_and(|at| covers(at, theirs.only_v6, ip) || covers(ip, ours.only_v6, at));
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
                let local = self.socks.get(id.0).and_then(|sock| sock.local.as_ref()?.inet());
                local.map_or(Ok(()), |local| self.demand_room(id, local))?;
                let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
                let listener = super::sock::Listener { backlog, ..Default::default() };
                sock.body = Body::Listener(listener);
            }
            _ => return Err(Errno::INVAL),
        }
        Ok(())
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
            let Some(sock) = self.socks.get(id.0) else { return false };
            let local = sock.local.as_ref().and_then(Address::inet);
            local.is_some_and(|local| covers(local.ip(), sock.options.only_v6, to.ip()))
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
        let local = sock.local.as_ref().map(|local| shown(local, sock.family));
        Ok(local.unwrap_or_else(|| match sock.family {
            Family::V6 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into(),
            Family::V4 => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into(),
            _ => Address::unnamed_unix(),
        }))
    }

    pub(crate) fn peer_address(&self, id: SockId) -> Result<Address, Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        let peer = sock.peer.as_ref().map(|peer| shown(peer, sock.family));
        match &sock.body {
            Body::Stream(stream) if stream.is_dead() => Err(Errno::NOTCONN),
            Body::Stream(_) | Body::Datagrams(_) => peer.ok_or(Errno::NOTCONN),
            _ => Err(Errno::NOTCONN),
        }
    }
}
