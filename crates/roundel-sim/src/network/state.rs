//! `State`: everything there is in a network, and what happens at a packet's arrival.

use std::{collections::BTreeMap, mem, rc::Rc, time::Duration};

use roundel_driver::{Family, SocketKind};

use super::{
    fault::Faults,
    host::{Host, HostId},
    link::Links,
    packet::{Packet, Packets},
    sock::{Body, Sock, SockId},
};
use crate::{
    Random,
    slab::Slab,
    trace::{Noted, Trace},
};

pub(crate) struct State {
    /// Nanoseconds since the begin.
    pub(crate) now: u64,
    pub(crate) hosts: Vec<Host>,
    pub(crate) by_name: BTreeMap<Rc<str>, HostId>,
    pub(crate) socks: Slab<Sock>,
    pub(crate) packets: Packets,
    pub(crate) links: Links,
    pub(crate) faults: Faults,
    /// How many have struck, and how many may.
    pub(crate) struck: u64,
    pub(crate) most_faults: u64,
    /// Whether the seed decides between packets of one time.
    pub(crate) shuffles_ties: bool,
    /// What happens to packets.
    pub(crate) travel: Random,
    /// What the kernel does to calls.
    pub(crate) luck: Random,
    pub(crate) ports: Random,
    /// Which number a socket gets.
    pub(crate) numbers: Random,
    pub(crate) ties: Random,
    /// Where programs go uncommon ways: a generator for each place at which they do in this run.
    pub(crate) sites: Random,
    pub(crate) gone_at: BTreeMap<&'static str, Option<Random>>,
    pub(crate) woken: Vec<HostId>,
    pub(crate) trace: Trace,
}

impl State {
    pub(crate) fn new(seed: u64, now: Duration) -> Self {
        let random = Random::new(seed);
        Self {
            now: now.as_nanos() as u64,
            hosts: Vec::new(),
            by_name: BTreeMap::new(),
            socks: Slab::default(),
            packets: Packets::default(),
            links: Links::default(),
            faults: Faults::NONE,
            struck: 0,
            most_faults: u64::MAX,
            shuffles_ties: false,
            travel: random.split("travel"),
            luck: random.split("luck"),
            ports: random.split("ports"),
            numbers: random.split("numbers"),
            ties: random.split("ties"),
            sites: random.split("sites"),
            gone_at: BTreeMap::new(),
            woken: Vec::new(),
            trace: Trace::new(),
        }
    }

    pub(crate) fn open(&mut self, host: HostId, family: Family, kind: SocketKind) -> SockId {
        SockId(self.socks.insert(Sock::new(host, family, kind)))
    }

    /// A program has a socket.
    pub(crate) fn hold(&mut self, id: SockId) {
        if let Some(sock) = self.socks.get_mut(id.0) {
            sock.held = true;
        }
    }

    pub(crate) fn open_sockets(&self) -> usize {
        self.socks.iter().filter(|(_, sock)| sock.held && !sock.closed).count()
    }

    /// Notes what happened to a host.
    #[inline(always)]
    pub(crate) fn note(
        &mut self,
        host: HostId,
        what: &'static str,
        other: HostId,
        amount: u64,
        content: u64,
    ) {
        let event = Noted { at: self.now, host: host.0, what, other: other.0, amount };
        self.trace.note(event, content);
    }

    pub(crate) fn show(&mut self, host: HostId, what: &'static str, amount: u64) {
        self.trace.show(Noted { at: self.now, host: host.0, what, other: host.0, amount });
    }

    /// Lets arrive what is due.
    pub(crate) fn deliver_until(&mut self, until: u64) {
        while let Some((at, packet)) = self.packets.pop_until(until) {
            // A packet that was due while the clock jumped arrives at its own time.
            self.now = at;
            self.arrive(packet);
        }
        self.now = until;
    }

    fn arrive(&mut self, packet: Packet) {
        match packet {
            Packet::Segment { from, to, number, content } => {
                self.segment_arrives(from, to, number, content);
            }
            Packet::Reset { to } => self.reset_arrives(to),
            Packet::Syn { from, to, tries } => self.syn_arrives(from, to, tries),
            Packet::SynAck { from, to, tries } => self.syn_ack_arrives(from, to, tries),
            Packet::Ack { from, to, tries } => self.ack_arrives(from, to, tries),
            Packet::Refused { to } => self.connect_fails(to, "refused", REFUSED),
            Packet::Failed { to, why } => self.connect_fails(to, "unreachable", why),
            Packet::Datagram(datagram) => self.datagram_arrives(*datagram),
            Packet::Resend(packet) => self.resend(*packet),
            Packet::Again { from } => self.send_again(from),
            Packet::Room { to } => self.room_arrives(to),
            Packet::Probe { of, missed } => self.probe(of, missed),
        }
    }

    /// The program has let go of a socket.
    pub(crate) fn close(&mut self, id: SockId) {
        let Some(sock) = self.socks.get_mut(id.0) else { return };
        sock.closed = true;
        match &mut sock.body {
            Body::Stream(_) => self.close_stream(id),
            Body::Listener(listener) => {
                let queue = mem::take(&mut listener.queue);
                self.remove(id);
                queue.into_iter().for_each(|id| self.abort(id));
            }
            _ => self.remove(id),
        }
    }

    /// Forgets a socket, and who had its port.
    pub(crate) fn remove(&mut self, id: SockId) {
        let Some(sock) = self.socks.remove(id.0) else { return };
        self.release(id, &sock);
    }
}

/// ECONNREFUSED.
pub(crate) const REFUSED: i32 = rustix::io::Errno::CONNREFUSED.raw_os_error();
