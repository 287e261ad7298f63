//! What the kernel does to calls, by the seed; and what a driver asks before it calls.

use super::{
    sock::{Body, Flags, SockId},
    state::State,
};

impl State {
    /// Whether a signal interrupts this call.
    pub(crate) fn is_interrupted(&mut self) -> bool {
        self.luck.chance(self.faults.interrupted)
    }

    /// Now and then, reports a socket ready although it is not.
    pub(crate) fn maybe_lie(&mut self, id: SockId) {
        if self.luck.chance(self.faults.spurious_readiness) {
            self.tell(id, Flags::BOTH);
        }
    }

    /// Whether a receive would bring anything.
    pub(crate) fn has_news_for_reader(&self, id: SockId) -> bool {
        match self.socks.get(id.0) {
            Some(sock) if matches!(sock.body, Body::Fresh | Body::Listener(_)) => true,
            Some(sock) => sock.readiness().has(Flags::READ),
            None => true,
        }
    }

    pub(crate) fn is_of_datagrams(&self, id: SockId) -> bool {
        self.socks.get(id.0).is_some_and(|sock| matches!(sock.body, Body::Datagrams(_)))
    }
}
