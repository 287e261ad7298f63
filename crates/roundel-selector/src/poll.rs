//! `PollSelector`: poll(2), the portable selector without a limit on descriptors.
//!
//! The whole list goes to the kernel with every call, so a call costs as much as there are
//! registrations; in return there is no kernel state, and registering costs no system call.
use std::{io, iter, sync::Arc, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fd::RawFd,
};

use crate::{
    Events, Interest, Notifier, Readiness, Selector, SelectorError, Source, Token, Trigger,
    doorbell::Doorbell,
    registry::{Registry, Request},
    timespec::timespec,
    uninterrupted::uninterrupted,
};

/// Watches sources with poll(2), level-triggered.
///
/// A registration holds a clone of its [`Source`] until it is unregistered or the selector is
/// dropped, so poll never sees a closed descriptor.
///
/// # Examples
///
/// ```
/// use std::{os::unix::net::UnixStream, time::Duration};
/// use roundel_selector::{Events, Interest, PollSelector, Selector, Source, Token, Trigger};
///
/// let (ours, _theirs) = UnixStream::pair()?;
/// let mut selector = PollSelector::new()?;
/// selector.register(&Source::new(ours), Token(0), Interest::WRITE, Trigger::Level)?;
///
/// let mut events = Events::with_capacity(1);
/// selector.select(&mut events, Some(Duration::from_secs(1)))?;
/// assert_eq!(events.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PollSelector {
    doorbell: Arc<Doorbell>,
    registry: Registry,
    /// Where the next scan begins: who was left out when the last list of events was full.
    first: RawFd,
    /// `POLLRDHUP` where the platform has it.
    peer_shut: PollFlags,
}

impl PollSelector {
    /// Opens the notifier; poll itself needs no descriptor.
    ///
    /// # Errors
    ///
    /// [`SelectorError::Os`] if descriptors run out.
    pub fn new() -> Result<Self, SelectorError> {
        let doorbell = Doorbell::new()
            .map_err(|source| SelectorError::Os { action: "opening notifier", source })?;
        Ok(Self {
            doorbell: Arc::new(doorbell),
            registry: Registry::default(),
            first: 0,
            peer_shut: PollFlags::from_name("RDHUP").unwrap_or(PollFlags::empty()),
        })
    }

    /// One `poll`; answers with how much it found, notification included.
    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        let doorbell = PollFd::new(&self.doorbell, PollFlags::IN);
        let sources = self.registry.iter_from(self.first).map(|(_, watched)| {
            PollFd::new(&watched.source, flags(watched.request.interest, self.peer_shut))
        });
        let mut fds: Vec<_> = iter::once(doorbell).chain(sources).collect();
        let found = poll(&mut fds, timespec(timeout).as_ref())?;

        if !fds[0].revents().is_empty() {
            self.doorbell.answer();
        }
        for ((number, watched), fd) in self.registry.iter_from(self.first).zip(&fds[1..]) {
            if fd.revents().is_empty() {
                continue;
            }
            if events.is_full() {
                self.first = number;
                break;
            }
            events.push(watched.request.token, readiness(fd.revents(), self.peer_shut));
        }
        Ok(found)
    }
}

impl Selector for PollSelector {
    fn register(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError> {
        trigger.check_level(self.name())?;
        self.registry.check_new(source, token)?;
        self.registry.insert(source, Request { token, interest });
        Ok(())
    }

    fn modify(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError> {
        trigger.check_level(self.name())?;
        self.registry.check_known(source, token)?;
        self.registry.amend(source, Request { token, interest });
        Ok(())
    }

    fn unregister(&mut self, source: &Source) -> Result<(), SelectorError> {
        self.registry.remove(source).map(drop)
    }

    fn select(
        &mut self,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> Result<(), SelectorError> {
        events.clear();
        uninterrupted(timeout, |left| self.wait(events, left))
            .map_err(|source| SelectorError::Os { action: "waiting in poll", source })
    }

    fn notifier(&self) -> Notifier {
        Notifier::new(self.doorbell.clone())
    }

    fn name(&self) -> &'static str {
        "poll"
    }
}

fn flags(interest: Interest, peer_shut: PollFlags) -> PollFlags {
    let mut flags = PollFlags::empty();
    if interest.contains(Interest::READ) {
        flags |= PollFlags::IN | peer_shut;
    }
    if interest.contains(Interest::WRITE) {
        flags |= PollFlags::OUT;
    }
    flags
}

/// What the kernel's bits say. Neither a reader nor a writer blocks on a source that hung up, has
/// an error to collect, or is not open at all.
fn readiness(flags: PollFlags, peer_shut: PollFlags) -> Readiness {
    let mut readiness = Readiness::NONE;
    for (flag, meaning) in [
        (PollFlags::IN, Readiness::READABLE),
        (PollFlags::OUT, Readiness::WRITABLE),
        (peer_shut, Readiness::READ_SHUT),
        (PollFlags::HUP, Readiness::HUNG_UP),
        (PollFlags::ERR, Readiness::FAILED),
        (PollFlags::NVAL, Readiness::FAILED),
    ] {
        if flags.intersects(flag) {
            readiness = readiness.with(meaning);
        }
    }
    readiness
}
