//! The wire: when a packet arrives, if it does; and what happens later by itself.

use std::time::Duration;

use super::{Link, host::HostId, packet::Packet, state::State};

/// How long a packet takes within a host: what Linux needs to wake a thread.
const LOOPBACK: u64 = 10_000;

/// What a packet without content weighs: the headers of IP and TCP.
pub(crate) const HEADERS: usize = 40;

/// As many as there are; a simulation does not last for centuries.
fn nanoseconds(time: Duration) -> u64 {
    time.as_secs() * 1_000_000_000 + u64::from(time.subsec_nanos())
}

impl State {
    /// When a packet that is sent now arrives; none if it gets lost.
    pub(crate) fn arrival(&mut self, from: HostId, to: HostId, bytes: usize) -> Option<u64> {
        if from == to {
            return Some(self.now + LOOPBACK);
        }
        if !self.can_reach(from, to) {
            return None;
        }
        let Link { latency, jitter, bandwidth, loss, .. } = *self.links.of(from, to);
        if self.befalls(loss) {
            return None;
        }
        let sent = match bandwidth {
            None => self.now,
            Some(_) => self.links.sent_at(from, to, self.now, bytes),
        };
        let late = if jitter.is_zero() { Duration::ZERO } else { self.travel.time(jitter) };
        Some(sent + nanoseconds(latency) + nanoseconds(late))
    }

    /// Whether packets get through at all.
    pub(crate) fn can_reach(&self, from: HostId, to: HostId) -> bool {
        !self.links.is_cut(from, to) && self.host(to).up
    }

    /// How long a packet without content takes, if nothing goes wrong.
    pub(crate) fn latency(&self, from: HostId, to: HostId) -> u64 {
        if from == to { LOOPBACK } else { nanoseconds(self.links.of(from, to).latency) }
    }

    /// Something happens after a while.
    pub(crate) fn later(&mut self, delay: Duration, packet: Packet) {
        self.at(self.now.saturating_add(nanoseconds(delay)), packet);
    }

    /// Something happens then; what else happens then comes before or after, by the seed.
    pub(crate) fn at(&mut self, at: u64, packet: Packet) {
        let tie = if self.shuffles_ties { self.ties.number() } else { 0 };
        self.packets.push(at, tie, packet);
    }
}
