//! `Link`: how packets travel between two hosts, and whether they do.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::host::HostId;

/// How packets travel from one host to another.
///
/// What is lost of a TCP connection is sent again and comes later, in order; what is lost of UDP is
/// lost. Duplicates and changes of order are UDP's alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Every packet takes this long.
    pub latency: Duration,
    /// And up to this much longer.
    pub jitter: Duration,
    /// Bytes per second in each direction; no limit if none.
    pub bandwidth: Option<u64>,
    /// The share of packets that get lost.
    pub loss: f64,
    /// The share of datagrams that arrive twice.
    pub duplication: f64,
    /// The share of datagrams that are overtaken by later ones.
    pub reordering: f64,
}

/// A good local network: half a millisecond, nothing lost.
impl Default for Link {
    fn default() -> Self {
        Self {
            latency: Duration::from_micros(500),
            jitter: Duration::ZERO,
            bandwidth: None,
            loss: 0.0,
            duplication: 0.0,
            reordering: 0.0,
        }
    }
}

/// All links, and which of them are cut.
#[derive(Default)]
pub(crate) struct Links {
    pub(crate) default: Link,
    own: BTreeMap<(HostId, HostId), Link>,
    cut: BTreeSet<(HostId, HostId)>,
    /// Until when a link with a bandwidth is busy sending.
    busy: BTreeMap<(HostId, HostId), u64>,
}

impl Links {
    pub(crate) fn set(&mut self, one: HostId, other: HostId, link: Link) {
        self.own.insert((one, other), link);
        self.own.insert((other, one), link);
    }

    pub(crate) fn of(&self, from: HostId, to: HostId) -> &Link {
        if self.own.is_empty() {
            return &self.default;
        }
        self.own.get(&(from, to)).unwrap_or(&self.default)
    }

    pub(crate) fn cut(&mut self, from: HostId, to: HostId, is_cut: bool) {
        if is_cut {
            self.cut.insert((from, to));
        } else {
            self.cut.remove(&(from, to));
        }
    }

    pub(crate) fn heal(&mut self) {
        self.cut.clear();
    }

    pub(crate) fn is_cut(&self, from: HostId, to: HostId) -> bool {
        !self.cut.is_empty() && self.cut.contains(&(from, to))
    }

    /// When the last byte has gone out, if the first is ready now.
    pub(crate) fn sent_at(&mut self, from: HostId, to: HostId, now: u64, bytes: usize) -> u64 {
        let Some(bandwidth) = self.of(from, to).bandwidth else { return now };
        let takes = bytes as u128 * 1_000_000_000 / u128::from(bandwidth.max(1));
        let busy = self.busy.entry((from, to)).or_default();
        *busy = (*busy).max(now).saturating_add(u64::try_from(takes).unwrap_or(u64::MAX));
        *busy
    }
}
