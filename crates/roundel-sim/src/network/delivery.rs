//! How the pieces of a stream get to the other end: in order, again if they get lost, or not at all.
//!
//! A segment that gets lost holds up those behind it until it is sent again, as in TCP.

use std::time::Duration;

use rustix::io::Errno;

use super::{
    host::HostId,
    packet::{Content, Packet},
    sock::{Flags, Sock, SockId},
    state::State,
    wire::HEADERS,
};
use crate::trace::hash_of;

/// Before a segment is sent again for the first time: Linux's least.
pub(crate) const FIRST_PAUSE: u64 = 200_000_000;

/// And later, at most.
const LONGEST_PAUSE: u64 = 120_000_000_000;

/// Linux's net.ipv4.tcp_retries2 of 15: so long is a segment sent again before the connection fails.
const PATIENCE: u64 = 924_600_000_000;

impl State {
    /// Sends a piece of a stream behind all others.
    pub(crate) fn ship(&mut self, id: SockId, content: Content) {
        let Some(sock) = self.socks.get_mut(id.0) else { return };
        let host = sock.host;
        let Some(stream) = sock.stream() else { return };
        let (number, ends) = (stream.count_sent(), (host, stream.peer_host));
        self.ship_as(id, number, ends, content);
    }

    /// As [`ship`](Self::ship), by its number and between these hosts.
    pub(crate) fn ship_as(
        &mut self,
        id: SockId,
        number: u64,
        ends: (HostId, HostId),
        content: Content,
    ) {
        let Some(stream) = self.socks.get_mut(id.0).and_then(Sock::stream) else { return };
        if stream.failing.is_some() {
            stream.outbox.push_back((number, content));
        } else if let Some((number, content)) = self.try_ship(id, ends, number, content) {
            self.postpone(id, number, content);
        }
    }

    /// Puts a segment on the wire between two hosts; gives it back if it gets lost.
    fn try_ship(
        &mut self,
        id: SockId,
        (host, peer_host): (HostId, HostId),
        number: u64,
        content: Content,
    ) -> Option<(u64, Content)> {
        let bytes = match &content {
            Content::Data(data) => data.len() + HEADERS,
            Content::End => HEADERS,
        };
        let Some(at) = self.arrival(host, peer_host, bytes) else { return Some((number, content)) };
        let stream = self.socks.get_mut(id.0)?.stream()?;
        let (at, to) = (at.max(stream.last_arrival + 1), stream.peer);
        stream.last_arrival = at;
        self.at(at, Packet::Segment { from: id, to, number, content });
        None
    }

    /// Keeps a segment that got lost, in order, to be sent again.
    fn postpone(&mut self, id: SockId, number: u64, content: Content) {
        let now = self.now;
        let Some(stream) = self.socks.get_mut(id.0).and_then(Sock::stream) else { return };
        let place = stream.outbox.partition_point(|(earlier, _)| *earlier < number);
        stream.outbox.insert(place, (number, content));
        if stream.failing.is_none() {
            stream.failing = Some((now, FIRST_PAUSE));
            self.later(Duration::from_nanos(FIRST_PAUSE), Packet::Again { from: id });
        }
    }

    /// Tries to send what got lost, in order, until the next loss.
    pub(crate) fn send_again(&mut self, id: SockId) {
        loop {
            let now = self.now;
            let Some(sock) = self.socks.get_mut(id.0) else { return };
            let (closed, host) = (sock.closed, sock.host);
            let Some(stream) = sock.stream() else { return };
            let ends = (host, stream.peer_host);
            let Some((number, content)) = stream.outbox.pop_front() else {
                stream.failing = None;
                if closed {
                    self.remove(id);
                }
                return;
            };
            let Some((number, content)) = self.try_ship(id, ends, number, content) else {
                continue;
            };
            let Some(stream) = self.socks.get_mut(id.0).and_then(Sock::stream) else { return };
            stream.outbox.push_front((number, content));
            let (since, pause) = stream.failing.unwrap_or((now, FIRST_PAUSE));
            if now.saturating_sub(since) >= PATIENCE {
                self.kill(id, Errno::TIMEDOUT);
                return;
            }
            let pause = (pause * 2).min(LONGEST_PAUSE);
            stream.failing = Some((since, pause));
            self.later(Duration::from_nanos(pause), Packet::Again { from: id });
            return;
        }
    }

    pub(crate) fn segment_arrives(
        &mut self,
        from: SockId,
        to: SockId,
        number: u64,
        content: Content,
    ) {
        let Some(sock) = self.socks.get_mut(to.0).filter(|sock| !sock.closed) else {
            // The other end has been closed, or has lost its power meanwhile.
            let Some((host, peer_host)) = self.ends(from) else { return };
            if !self.host(peer_host).up {
                self.postpone(from, number, content);
            } else if matches!(content, Content::Data(_)) || self.socks.get(to.0).is_none() {
                self.send_reset(peer_host, host, to, from);
            }
            return;
        };
        let host = sock.host;
        let Some(stream) = sock.stream().filter(|stream| !stream.dead) else { return };
        let other = stream.peer_host;
        match content {
            Content::Data(data) => {
                let (count, hash) = (data.len() as u64, hash_of(&data));
                stream.put(data);
                self.note(host, "data", other, count, hash);
            }
            Content::End => {
                stream.ended = true;
                self.note(host, "end", other, 0, 0);
            }
        }
        if self.strikes(self.faults.resets) {
            self.kill(to, Errno::CONNRESET);
            self.kill(from, Errno::CONNRESET);
        }
        self.tell(to, Flags::READ);
    }

    /// Tells the other end that there is nobody; if that gets lost, so it be.
    fn send_reset(&mut self, from: HostId, to: HostId, about: SockId, id: SockId) {
        let Some(at) = self.arrival(from, to, HEADERS) else { return };
        let stream = self.socks.get_mut(about.0).and_then(Sock::stream);
        let at = at.max(stream.map_or(0, |stream| stream.last_arrival + 1));
        self.at(at, Packet::Reset { to: id });
    }

    pub(crate) fn reset_arrives(&mut self, id: SockId) {
        let Some(sock) = self.socks.get_mut(id.0) else { return };
        let Some(stream) = sock.stream() else {
            self.connect_fails(id, "refused", super::state::REFUSED);
            return;
        };
        // After the end, only whoever still sends is told (tcp_reset of Linux).
        let why = if stream.ended { Errno::PIPE } else { Errno::CONNRESET };
        self.kill(id, why);
    }

    /// Ends a connection for this end.
    pub(crate) fn kill(&mut self, id: SockId, why: Errno) {
        let Some(sock) = self.socks.get_mut(id.0) else { return };
        let (host, closed) = (sock.host, sock.closed);
        let Some(stream) = sock.stream().filter(|stream| !stream.dead) else { return };
        stream.dead = true;
        stream.outbox.clear();
        let (other, listener) = (stream.peer_host, stream.listener.take());
        sock.error = Some(why.raw_os_error());
        self.note(host, "reset", other, why.raw_os_error() as u64, 0);
        if let Some(listener) = listener {
            if let Some(listening) = self.socks.get_mut(listener.0).and_then(Sock::listener) {
                listening.coming -= 1;
            }
            self.remove(id);
        } else if closed {
            self.remove(id);
        } else {
            self.tell(id, Flags::BOTH);
        }
    }

    /// Ends a connection without an end: whoever is at the other one is reset.
    pub(crate) fn abort(&mut self, id: SockId) {
        if let Some((host, peer_host)) = self.ends(id)
            && let Some(peer) = self.socks.get_mut(id.0).and_then(Sock::stream).map(|it| it.peer)
        {
            self.send_reset(host, peer_host, id, peer);
        }
        self.remove(id);
    }

    /// Looks after a silent connection (SO_KEEPALIVE).
    pub(crate) fn probe(&mut self, id: SockId, missed: u32) {
        let Some((host, peer_host)) = self.ends(id) else { return };
        let Some(sock) = self.socks.get_mut(id.0).filter(|sock| !sock.closed) else { return };
        let options = sock.options;
        let Some(stream) = sock.stream().filter(|stream| !stream.dead) else { return };
        stream.probed = options.keep_alive;
        let peer = stream.peer;
        if !options.keep_alive {
            return;
        }
        let heard = self.can_reach(host, peer_host) && self.can_reach(peer_host, host);
        match heard {
            true if self.socks.get(peer.0).is_none() => self.reset_arrives(id),
            true => self.later(options.idle, Packet::Probe { of: id, missed: 0 }),
            false if missed >= options.probes => self.kill(id, Errno::TIMEDOUT),
            false => self.later(options.interval, Packet::Probe { of: id, missed: missed + 1 }),
        }
    }
}
