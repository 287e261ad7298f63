//! What the kernel does to calls, by the seed; and what a driver asks before it calls.

use super::{
    host::HostId,
    sock::{Body, Flags, SockId},
    state::State,
};

impl State {
    /// Whether the kernel does what it does with this probability.
    pub(crate) fn strikes(&mut self, probability: f64) -> bool {
        self.luck.chance(probability) && self.may_strike()
    }

    /// Whether the wire does what it does with this probability.
    pub(crate) fn befalls(&mut self, probability: f64) -> bool {
        self.travel.chance(probability) && self.may_strike()
    }

    /// Faults beyond the limit are drawn and do not happen, so that all draws stay where they were.
    fn may_strike(&mut self) -> bool {
        let may = self.struck < self.most_faults;
        self.struck += u64::from(may);
        may
    }

    /// Whether a signal interrupts this call.
    pub(crate) fn is_interrupted(&mut self) -> bool {
        self.strikes(self.faults.interrupted)
    }

    /// Whether the number that became free last is the next one's.
    pub(crate) fn reuses_number(&mut self) -> bool {
        self.numbers.chance(self.faults.descriptor_reuse) && self.may_strike()
    }

    /// Whether a program on a host goes an uncommon way at this place of its code.
    pub(crate) fn buggify(&mut self, host: HostId, site: &'static str) -> bool {
        if self.faults.buggify <= 0.0 {
            return false;
        }
        let begin = || {
            let mut random = self.sites.split(site);
            random.chance(0.5).then_some(random)
        };
        let random = self.gone_at.entry(site).or_insert_with(begin);
        let goes = random.as_mut().is_some_and(|random| random.chance(self.faults.buggify));
        let goes = goes && self.may_strike();
        if goes {
            self.note(host, site, host, 0, 0);
        }
        goes
    }

    pub(crate) fn wake_delay(&mut self) -> Option<std::time::Duration> {
        let late = self.strikes(self.faults.delayed_wakes);
        late.then(|| self.luck.time(self.faults.wake_delay))
    }

    /// Now and then, reports a socket ready although it is not.
    pub(crate) fn maybe_lie(&mut self, id: SockId) {
        if self.strikes(self.faults.spurious_readiness) {
            self.tell(id, Flags::BOTH);
        }
    }

    /// Whether a receive would bring anything.
    pub(crate) fn has_news_for_reader(&self, id: SockId) -> bool {
        match self.socks.get(id.0) {
            Some(sock) if matches!(sock.body, Body::Fresh | Body::Failed | Body::Listener(_)) => {
                true
            }
            Some(sock) => sock.readiness().has(Flags::READ),
            None => true,
        }
    }

    pub(crate) fn is_of_datagrams(&self, id: SockId) -> bool {
        self.socks.get(id.0).is_some_and(|sock| matches!(sock.body, Body::Datagrams(_)))
    }
}
