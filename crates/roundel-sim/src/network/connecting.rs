//! How a TCP connection comes about, or does not: question, answer, answer to the answer.

use std::{net::SocketAddr, time::Duration};

use roundel_driver::{Address, SocketKind};
use rustix::io::Errno;

use super::{
    host::HostId,
    packet::Packet,
    sock::{Body, Flags, Sock, SockId},
    state::State,
    stream::Stream,
    wire::HEADERS,
};

/// Linux's net.ipv4.tcp_syn_retries: a connect that hears nothing fails after 127 seconds.
const SYN_RETRIES: u32 = 6;

/// How long ARP looks for an address of this network that nobody has.
const NOBODY_THERE: Duration = Duration::from_secs(3);

impl State {
    /// Begins a connection; `INPROGRESS` if there is an answer to wait for.
    pub(crate) fn connect(&mut self, id: SockId, address: &Address) -> Result<(), Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        if sock.family != address.family() {
            return Err(Errno::AFNOSUPPORT);
        }
        let address = match *address {
            Address::Inet(to) => &self.named_address(id, to, Errno::NETUNREACH)?.into(),
            _ => address,
        };
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        match (&mut sock.body, address) {
            // Linux says once that it has worked.
            (Body::Stream(stream), _) if !stream.is_told => {
                stream.is_told = true;
                Ok(())
            }
            (Body::Connecting, _) => Err(Errno::ALREADY),
            (Body::Stream(_) | Body::Listener(_), _) => Err(Errno::ISCONN),
            (Body::Fresh, Address::Unix(name)) => self.connect_by_name(id, name),
            (Body::Datagrams(_), Address::Inet(to)) => self.connect_datagrams(id, *to),
            (Body::Datagrams(_), _) => {
                sock.peer = Some(address.clone());
                Ok(())
            }
            (Body::Fresh | Body::Failed, Address::Inet(to)) => {
                sock.error = None;
                sock.body = Body::Connecting;
                let (host, to) = (sock.host, *to);
                let ip = self.source_for(host, to.ip());
                let to = if to.ip().is_unspecified() { SocketAddr::new(ip, to.port()) } else { to };
                self.settle(id, ip)?;
                if let Some(sock) = self.socks.get_mut(id.0) {
                    sock.peer = Some(to.into());
                }
                self.send_syn(id, to, 0);
                Err(Errno::INPROGRESS)
            }
            _ => Err(Errno::AFNOSUPPORT),
        }
    }

    /// Gives a socket that connects its own address in place of "any".
    pub(crate) fn settle(&mut self, id: SockId, ip: std::net::IpAddr) -> Result<(), Errno> {
        self.bind_anywhere(id, ip)?;
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        if let Some(local) = sock.local.as_ref().and_then(Address::inet)
            && local.ip().is_unspecified()
        {
            sock.local = Some(SocketAddr::new(ip, local.port()).into());
        }
        Ok(())
    }

    /// What became of a connect.
    pub(crate) fn connected(&mut self, id: SockId) -> Result<(), Errno> {
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        if let Some(error) = sock.error.take() {
            return Err(Errno::from_raw_os_error(error));
        }
        match sock.body {
            Body::Connecting => Err(Errno::WOULDBLOCK),
            Body::Fresh | Body::Failed => Err(Errno::NOTCONN),
            _ => Ok(()),
        }
    }

    fn send_syn(&mut self, from: SockId, to: SocketAddr, tries: u32) {
        let Some(Sock { body: Body::Connecting, host, .. }) = self.socks.get(from.0) else {
            return;
        };
        let host = *host;
        match self.owner_of(host, to.ip()) {
            None => {
                let why = Errno::HOSTUNREACH.raw_os_error();
                self.later(NOBODY_THERE, Packet::Failed { to: from, why });
            }
            Some(owner) => self.send_control(host, owner, Packet::Syn { from, to, tries }, tries),
        }
    }

    /// Sends a part of a connection's making; what gets lost is sent again, more and more rarely.
    fn send_control(&mut self, from: HostId, to: HostId, packet: Packet, tries: u32) {
        match self.arrival(from, to, HEADERS) {
            Some(at) => self.at(at, packet),
            None => self.send_control_later(packet, tries),
        }
    }

    fn send_control_later(&mut self, packet: Packet, tries: u32) {
        let delay = Duration::from_secs(1 << tries.min(SYN_RETRIES));
        if tries < SYN_RETRIES {
            self.later(delay, Packet::Resend(Box::new(packet)));
            return;
        }
        let why = Errno::TIMEDOUT.raw_os_error();
        match packet {
            Packet::Syn { from, .. } => self.later(delay, Packet::Failed { to: from, why }),
            // The end that asks in vain gives up; the other will find out when it sends.
            Packet::SynAck { from, .. } => self.later(delay, Packet::Reset { to: from }),
            _ => {}
        }
    }

    pub(crate) fn resend(&mut self, packet: Packet) {
        match packet {
            Packet::Syn { from, to, tries } => self.send_syn(from, to, tries + 1),
            Packet::SynAck { from, to, tries } => self.send_syn_ack(from, to, tries + 1),
            Packet::Ack { from, to, tries } => self.send_ack(from, to, tries + 1),
            other => unreachable!("sent again is a part of a connection's making: {other:?}"),
        }
    }

    pub(crate) fn syn_arrives(&mut self, from: SockId, to: SocketAddr, tries: u32) {
        let Some(Sock { body: Body::Connecting, host: client, .. }) = self.socks.get(from.0) else {
            return;
        };
        let client = *client;
        let Some(host) = self.owner_of(client, to.ip()) else { return };
        let listener = if self.host(host).up { self.listener_at(host, to) } else { None };
        let again = Packet::Syn { from, to, tries };
        match listener {
            _ if !self.host(host).up => self.send_control_later(again, tries),
            None => {
                let slow = self.strikes(self.faults.slow_refusals);
                let delay = if slow { self.luck.below(1_000_000_000) } else { 0 };
                match self.arrival(host, client, HEADERS) {
                    Some(at) => self.at(at + delay, Packet::Refused { to: from }),
                    None => self.send_control_later(again, tries),
                }
            }
            // Linux drops the question; the client asks again.
            Some(listener) if self.is_full(listener) => {
                self.note(host, "backlog full", client, 0, 0);
                self.send_control_later(again, tries);
            }
            Some(listener) => self.begin_connection(from, client, listener, host, to),
        }
    }

    pub(crate) fn is_full(&mut self, listener: SockId) -> bool {
        let listener = self.socks.get_mut(listener.0).and_then(Sock::listener);
        listener.is_none_or(|it| it.queue.len() + it.coming > it.backlog)
    }

    fn begin_connection(
        &mut self,
        from: SockId,
        client: HostId,
        listener: SockId,
        host: HostId,
        to: SocketAddr,
    ) {
        let peer = self.socks.get(from.0).and_then(|sock| sock.local.clone());
        let window = self.window(listener, from);
        let Some(listening) = self.socks.get_mut(listener.0) else { return };
        let mut sock = Sock::new(host, listening.family, SocketKind::Stream);
        sock.options = listening.options;
        (sock.local, sock.peer) = (Some(to.into()), peer);
        if let Some(listening) = listening.listener() {
            listening.coming += 1;
        }
        let mut stream = Stream::new(from, client, window);
        stream.listener = Some(listener);
        stream.is_told = true;
        sock.body = Body::Stream(stream);
        let end = SockId(self.socks.insert(sock));
        self.send_syn_ack(end, from, 0);
    }

    /// How many bytes may be on their way from one end and unread at the other.
    pub(crate) fn window(&self, from: SockId, to: SockId) -> usize {
        let send = self.socks.get(from.0).map_or(0, |sock| sock.options.send_buffer);
        send + self.socks.get(to.0).map_or(0, |sock| sock.options.receive_buffer)
    }

    fn send_syn_ack(&mut self, from: SockId, to: SockId, tries: u32) {
        let Some((host, client)) = self.ends(from) else { return };
        self.send_control(host, client, Packet::SynAck { from, to, tries }, tries);
    }

    fn send_ack(&mut self, from: SockId, to: SockId, tries: u32) {
        let Some((client, host)) = self.ends(from) else { return };
        self.send_control(client, host, Packet::Ack { from, to, tries }, tries);
    }

    /// The hosts of a stream: its own and the other.
    pub(crate) fn ends(&mut self, id: SockId) -> Option<(HostId, HostId)> {
        let sock = self.socks.get_mut(id.0)?;
        let host = sock.host;
        Some((host, sock.stream()?.peer_host))
    }

    pub(crate) fn syn_ack_arrives(&mut self, from: SockId, to: SockId, _: u32) {
        let window = self.window(to, from);
        let Some(server) = self.ends(from).map(|(server, _)| server) else { return };
        let Some(sock) = self.socks.get_mut(to.0) else {
            // Nobody asked, or nobody waits any more.
            self.reset_arrives(from);
            return;
        };
        if !matches!(sock.body, Body::Connecting) {
            return;
        }
        sock.body = Body::Stream(Stream::new(from, server, window));
        let client = sock.host;
        self.note(client, "connected", server, 0, 0);
        self.tell(to, Flags::BOTH);
        self.look_after(to);
        self.send_ack(to, from, 0);
    }

    pub(crate) fn ack_arrives(&mut self, from: SockId, to: SockId, _: u32) {
        let Some(stream) = self.socks.get_mut(to.0).and_then(Sock::stream) else {
            return;
        };
        let Some(listener) = stream.listener.take() else { return };
        let Some(listening) = self.socks.get_mut(listener.0).and_then(Sock::listener) else {
            self.abort(to);
            return;
        };
        listening.coming -= 1;
        listening.queue.push_back(to);
        if let Some((host, client)) = self.ends(to) {
            self.note(host, "queued", client, 0, 0);
        }
        let _ = from;
        self.tell(listener, Flags::READ);
        self.look_after(to);
    }

    /// A connect comes to nothing.
    pub(crate) fn connect_fails(&mut self, id: SockId, what: &'static str, why: i32) {
        let Some(sock) = self.socks.get_mut(id.0) else { return };
        if !matches!(sock.body, Body::Connecting) {
            return;
        }
        sock.body = Body::Failed;
        sock.error = Some(why);
        let host = sock.host;
        self.note(host, what, host, 0, 0);
        self.tell(id, Flags::BOTH);
    }

    /// The next connection of a listener's queue.
    pub(crate) fn accept(&mut self, id: SockId) -> Result<SockId, Errno> {
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        let host = sock.host;
        let listener = sock.listener().ok_or(Errno::INVAL)?;
        if listener.queue.is_empty() {
            return Err(Errno::WOULDBLOCK);
        }
        if self.strikes(self.faults.emfile_on_accept) {
            self.note(host, "EMFILE", host, 0, 0);
            return Err(Errno::MFILE);
        }
        let listener = self.socks.get_mut(id.0).and_then(Sock::listener).ok_or(Errno::INVAL)?;
        listener.queue.pop_front().ok_or(Errno::WOULDBLOCK)
    }
}
