//! Datagrams: messages that arrive once, twice, late or never.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use roundel_driver::{Address, Family};
use rustix::io::Errno;

use super::{
    guise::shown,
    host::Transport,
    packet::{Packet, Posted},
    sock::{Flags, Message, Sock, SockId},
    state::State,
    wire::HEADERS,
};
use crate::trace::hash_of;

/// What UDP over IPv4 carries.
const LONGEST: usize = 65_507;

impl State {
    pub(crate) fn connect_datagrams(&mut self, id: SockId, to: SocketAddr) -> Result<(), Errno> {
        let host = self.socks.get(id.0).ok_or(Errno::BADF)?.host;
        self.settle(id, self.source_for(host, to.ip()))?;
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        sock.peer = Some(to.into());
        if let Some(datagrams) = sock.datagrams() {
            datagrams.default_to = Some(to);
        }
        Ok(())
    }

    /// Source: sendto(2), or send(2) without an address.
    pub(crate) fn send_datagram(
        &mut self,
        id: SockId,
        data: &[u8],
        to: Option<&Address>,
    ) -> Result<(), Errno> {
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        let (host, peer) = (sock.host, sock.peer.clone());
        if let Some(error) = sock.error.take() {
            return Err(Errno::from_raw_os_error(error));
        }
        let family = sock.family;
        let datagrams = sock.datagrams().ok_or(Errno::ISCONN)?;
        if datagrams.write_shut {
            return Err(Errno::PIPE);
        }
        let to = to.or(peer.as_ref()).ok_or(match family {
            Family::Unix => Errno::NOTCONN,
            _ => Errno::DESTADDRREQ,
        })?;
        let to = match to {
            Address::Unix(name) => return self.send_to_name(id, data.to_vec(), name),
            to => to.inet().ok_or(Errno::AFNOSUPPORT)?,
        };
        let to = self.named_address(id, to, Errno::NETUNREACH)?;
        if data.len() > LONGEST {
            return Err(Errno::MSGSIZE);
        }
        let any = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            _ => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        self.bind_anywhere(id, any)?;
        let port = self.local_address(id)?.inet().map_or(0, |local| local.port());
        let source = SocketAddr::new(self.source_for(host, to.ip()), port);
        self.post(id, source, to, data);
        Ok(())
    }

    /// Puts a message on the wire, as often as the link has it.
    fn post(&mut self, from: SockId, source: SocketAddr, to: SocketAddr, data: &[u8]) {
        let Some(host) = self.socks.get(from.0).map(|sock| sock.host) else { return };
        // To nobody's address: the wire does not tell.
        let Some(owner) = self.owner_of(host, to.ip()) else { return };
        let link = *self.links.of(host, owner);
        let twice = host != owner && self.befalls(link.duplication);
        for _ in 0..=u8::from(twice) {
            let Some(mut at) = self.arrival(host, owner, data.len() + HEADERS) else { continue };
            if host != owner && self.befalls(link.reordering) {
                // Late by up to four times the way: those behind it overtake.
                let late = (link.latency + link.jitter) * 4 + Duration::from_micros(1);
                at += self.travel.time(late).as_nanos() as u64;
            } else if let Some(datagrams) = self.socks.get_mut(from.0).and_then(Sock::datagrams) {
                at = at.max(datagrams.last_arrival + 1);
                datagrams.last_arrival = at;
            }
            let posted = Posted { from, source, to, data: data.to_vec() };
            self.at(at, Packet::Datagram(Box::new(posted)));
        }
    }

    pub(crate) fn datagram_arrives(&mut self, posted: Posted) {
        let Posted { from, source, to, data } = posted;
        let seen_from = self.socks.get(from.0).map(|sock| sock.host);
        let Some(sender) = seen_from.or_else(|| self.owner_of(super::HostId(0), source.ip()))
        else {
            return;
        };
        let Some(host) = self.owner_of(sender, to.ip()).filter(|&host| self.host(host).up) else {
            return;
        };
        let Some(id) = self.receiver(host, to, source) else {
            self.nobody_there(from, to);
            return;
        };
        let (count, hash) = (data.len(), hash_of(&data));
        let Some(sock) = self.socks.get_mut(id.0) else { return };
        let limit = sock.options.receive_buffer;
        let Some(datagrams) = sock.datagrams() else { return };
        // A full queue takes no more, and nobody is told.
        if datagrams.bytes + count > limit || datagrams.read_shut {
            return;
        }
        datagrams.bytes += count;
        datagrams.queue.push_back(Message { from: source.into(), data });
        self.note(host, "datagram", sender, count as u64, hash);
        self.tell(id, Flags::READ);
    }

    /// Who hears a message: whoever is connected to its sender, before whoever hears all.
    fn receiver(&self, host: super::HostId, to: SocketAddr, source: SocketAddr) -> Option<SockId> {
        let peer = |id: &SockId| self.socks.get(id.0).and_then(|sock| sock.peer.clone());
        let bound = self.bound_at(host, Transport::Udp, to);
        let connected = bound.iter().find(|id| peer(id) == Some(source.into()));
        connected.or_else(|| bound.iter().find(|id| peer(id).is_none())).copied()
    }

    /// ICMP's "port unreachable": only whoever is connected is told.
    fn nobody_there(&mut self, from: SockId, to: SocketAddr) {
        let Some(sock) = self.socks.get_mut(from.0) else { return };
        if sock.peer == Some(to.into()) {
            sock.error = Some(super::state::REFUSED);
            self.tell(from, Flags::BOTH);
        }
    }

    /// The next message.
    pub(crate) fn recv_from(&mut self, id: SockId) -> Result<Message, Errno> {
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        if let Some(error) = sock.error.take() {
            return Err(Errno::from_raw_os_error(error));
        }
        let read_shut = sock.datagrams().ok_or(Errno::NOTCONN)?.read_shut;
        match pop(sock) {
            Some(message) => Ok(message),
            None if read_shut => Ok(Message { from: Address::unnamed_unix(), data: Vec::new() }),
            None => Err(Errno::WOULDBLOCK),
        }
    }

    /// A message that comes along with the one before it; of UDP only, as the readiness driver has
    /// it on Linux.
    pub(crate) fn recv_along(&mut self, id: SockId) -> Option<Message> {
        let sock = self.socks.get_mut(id.0)?;
        if sock.error.is_some() || sock.family == Family::Unix {
            return None;
        }
        pop(sock)
    }
}

fn pop(sock: &mut Sock) -> Option<Message> {
    let family = sock.family;
    let datagrams = sock.datagrams()?;
    let mut message = datagrams.queue.pop_front()?;
    datagrams.bytes -= message.data.len();
    message.from = shown(&message.from, family);
    Some(message)
}
