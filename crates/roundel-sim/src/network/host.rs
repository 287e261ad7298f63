//! `Host`: a machine of the network: its addresses, its ports, and who is to be told.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    rc::Rc,
};

use roundel_driver::SocketKind;

use super::{
    sock::{Flags, SockId},
    state::State,
};

/// A host of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub(crate) u32);

impl HostId {
    /// The host with this number; whether there is one depends on the network.
    pub fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number, from 0 in the order in which hosts were added.
    pub fn number(self) -> u32 {
        self.0
    }
}

pub(crate) struct Host {
    pub(crate) name: Rc<str>,
    pub(crate) v4: Ipv4Addr,
    pub(crate) v6: Ipv6Addr,
    /// It has power.
    pub(crate) up: bool,
    /// Whoever is bound to a port.
    pub(crate) ports: BTreeMap<(Transport, u16), Vec<SockId>>,
    /// Names of Unix sockets, with whoever is bound to them, if they are still there.
    pub(crate) names: BTreeMap<Vec<u8>, SockId>,
    /// Sockets of which there is something to tell.
    pub(crate) mailbox: VecDeque<SockId>,
    pub(crate) is_woken: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

impl From<SocketKind> for Transport {
    fn from(kind: SocketKind) -> Self {
        match kind {
            SocketKind::Datagram => Self::Udp,
            _ => Self::Tcp,
        }
    }
}

/// What a driver has to hear of a socket.
pub(crate) struct News {
    pub(crate) of: SockId,
    pub(crate) what: Flags,
    /// The first of the places at which the socket is attached.
    pub(crate) first: Option<u32>,
}

/// Linux's range for ports that a bind or connect finds by itself.
const EPHEMERAL: std::ops::Range<u64> = 32_768..61_000;

impl State {
    #[track_caller]
    pub(crate) fn add_host(&mut self, name: &str) -> HostId {
        let number = u32::try_from(self.hosts.len()).expect("fewer than 2^32 hosts");
        let id = HostId(number);
        let before = self.by_name.insert(name.into(), id);
        assert!(before.is_none(), "there is a host called {name} already");
        let v4 = Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 1).to_bits() + number);
        let v6 = Ipv6Addr::from_bits((0xfd00_u128 << 112) + u128::from(number) + 1);
        self.hosts.push(Host {
            name: name.into(),
            v4,
            v6,
            up: true,
            ports: BTreeMap::new(),
            names: BTreeMap::new(),
            mailbox: VecDeque::new(),
            is_woken: false,
        });
        id
    }

    pub(crate) fn host(&self, id: HostId) -> &Host {
        &self.hosts[id.0 as usize]
    }

    pub(crate) fn host_mut(&mut self, id: HostId) -> &mut Host {
        &mut self.hosts[id.0 as usize]
    }

    /// Whose address this is, as seen from a host.
    pub(crate) fn owner_of(&self, seen_from: HostId, ip: IpAddr) -> Option<HostId> {
        if ip.is_loopback() || ip.is_unspecified() {
            return Some(seen_from);
        }
        let number = match ip {
            IpAddr::V4(ip) => ip.to_bits().checked_sub(Ipv4Addr::new(10, 0, 0, 1).to_bits())?,
            IpAddr::V6(ip) => {
                u32::try_from(ip.to_bits().checked_sub((0xfd00_u128 << 112) + 1)?).ok()?
            }
        };
        ((number as usize) < self.hosts.len()).then_some(HostId(number))
    }

    pub(crate) fn resolve(&mut self, asking: HostId, name: &str) -> io::Result<IpAddr> {
        if self.strikes(self.faults.resolver_failure) {
            self.note(asking, "unresolved", asking, 0, 0);
            let why = "the resolver did not answer";
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        let unknown =
            || io::Error::new(io::ErrorKind::NotFound, format!("no host is called {name}"));
        let host = self.by_name.get(name).copied().ok_or_else(unknown)?;
        Ok(self.host(host).v4.into())
    }

    /// A port that nobody of the host's has.
    pub(crate) fn free_port(&mut self, host: HostId, transport: Transport) -> Option<u16> {
        let span = EPHEMERAL.end - EPHEMERAL.start;
        let begin = self.ports.below(span);
        let ports = &self.hosts[host.0 as usize].ports;
        let port = |nth: u64| (EPHEMERAL.start + (begin + nth) % span) as u16;
        (0..span).map(port).find(|&port| !ports.contains_key(&(transport, port)))
    }

    /// Puts a socket on the list of those of which there is something to tell.
    pub(crate) fn tell(&mut self, id: SockId, what: Flags) {
        let Some(sock) = self.socks.get_mut(id.0) else { return };
        sock.news = sock.news | what;
        if sock.is_listed || sock.sources.is_empty() {
            return;
        }
        sock.is_listed = true;
        let number = sock.host;
        self.host_mut(number).mailbox.push_back(id);
        self.wake(number);
    }

    /// Lists a host among those whose drivers have something to tell.
    pub(crate) fn wake(&mut self, id: HostId) {
        if !std::mem::replace(&mut self.host_mut(id).is_woken, true) {
            self.woken.push(id);
        }
    }

    /// The next socket of which a host's driver has to hear, and the news.
    pub(crate) fn next_news(&mut self, host: HostId) -> Option<News> {
        loop {
            let id = self.host_mut(host).mailbox.pop_front()?;
            let Some(sock) = self.socks.get_mut(id.0) else { continue };
            sock.is_listed = false;
            let (what, first) = (std::mem::take(&mut sock.news), sock.sources.first().copied());
            return Some(News { of: id, what, first });
        }
    }

    /// One of the places at which a socket is attached.
    pub(crate) fn source(&self, id: SockId, nth: usize) -> Option<u32> {
        self.socks.get(id.0)?.sources.get(nth).copied()
    }

    pub(crate) fn take_woken(&mut self, into: &mut Vec<HostId>) {
        for id in &self.woken {
            self.hosts[id.0 as usize].is_woken = false;
        }
        match into.is_empty() {
            true => std::mem::swap(into, &mut self.woken),
            false => into.append(&mut self.woken),
        }
    }

    pub(crate) fn power_off(&mut self, id: HostId) {
        let gone: Vec<SockId> = self
            .socks
            .iter()
            .filter(|(_, sock)| sock.host == id)
            .map(|(place, _)| SockId(place))
            .collect();
        for sock in gone {
            self.socks.remove(sock.0);
        }
        let host = self.host_mut(id);
        host.up = false;
        host.ports.clear();
        host.names.clear();
        host.mailbox.clear();
        self.note(id, "power off", id, 0, 0);
    }
}
