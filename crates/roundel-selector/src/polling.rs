//! `PollingSelector`: the `polling` crate's choice for the platform, behind our trait.
//!
//! It carries kqueue, event ports and IOCP. On Linux it is epoll again, at five system calls per
//! wait instead of one; there it is kept for comparison, and to run this file under test.
use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use polling::{Event, PollMode, Poller};
use rustix::fd::{AsFd, BorrowedFd, RawFd};

use crate::{
    Events, Interest, Notifier, Notify, Readiness, Selector, SelectorError, Source, Token, Trigger,
    platform,
    raw::Watched,
    registry::{Request, number},
    uninterrupted::uninterrupted,
};

/// Watches sources through the `polling` crate; level-triggered everywhere, edge-triggered where
/// the platform's mechanism is.
///
/// A registration holds a clone of its [`Source`] until it is unregistered or the selector is
/// dropped.
///
/// # Examples
///
/// ```
/// use std::{net::UdpSocket, time::Duration};
/// use roundel_selector::{Events, Interest, PollingSelector, Selector, Source, Token, Trigger};
///
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// let mut selector = PollingSelector::new()?;
/// selector.register(&Source::new(socket), Token(0), Interest::WRITE, Trigger::Level)?;
///
/// let mut events = Events::with_capacity(1);
/// selector.select(&mut events, Some(Duration::from_secs(1)))?;
/// assert_eq!(events.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PollingSelector {
    name: &'static str,
    bell: Arc<Bell>,
    watched: Watched,
    /// What the last wait delivered, in `polling`'s words.
    delivered: polling::Events,
    /// Descriptors to arm again before the next wait, where the mechanism reports once only.
    spent: Vec<RawFd>,
    level: PollMode,
}

impl PollingSelector {
    /// Opens the platform's mechanism.
    ///
    /// # Errors
    ///
    /// [`SelectorError::Os`] if the kernel refuses, as when descriptors run out.
    pub fn new() -> Result<Self, SelectorError> {
        Self::named("polling")
    }

    /// The same under the name of the mechanism that `polling` uses on this platform.
    pub(crate) fn named(name: &'static str) -> Result<Self, SelectorError> {
        let poller = Poller::new()
            .map_err(|source| SelectorError::Os { action: "opening poller", source })?;
        // Event ports report a source once and forget it; arming it again makes a level of that.
        let level = if poller.supports_level() { PollMode::Level } else { PollMode::Oneshot };
        let poller = Arc::new(poller);
        Ok(Self {
            name,
            bell: Arc::new(Bell { rung: AtomicBool::new(false), poller: poller.clone() }),
            watched: Watched::new(poller),
            delivered: polling::Events::with_capacity(NonZeroUsize::MIN),
            spent: Vec::new(),
            level,
        })
    }

    fn mode(&self, trigger: Trigger) -> Result<PollMode, SelectorError> {
        if trigger == Trigger::Edge && self.supports_edge() {
            return Ok(PollMode::Edge);
        }
        trigger.check_level(self.name)?;
        Ok(self.level)
    }

    /// One `Poller::wait`; answers with how much it found, notification included.
    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        self.rearm()?;
        self.delivered.clear();
        self.bell.poller.wait(&mut self.delivered, timeout)?;
        for event in self.delivered.iter() {
            let descriptor = event.key as RawFd;
            if let Some(watched) = self.watched.registry().get(descriptor) {
                events.push(watched.request.token, readiness(&event));
                if self.level == PollMode::Oneshot {
                    self.spent.push(descriptor);
                }
            }
        }
        Ok(events.len() + usize::from(self.bell.answer()))
    }

    fn rearm(&mut self) -> io::Result<()> {
        for descriptor in self.spent.drain(..) {
            if let Some(watched) = self.watched.registry().get(descriptor) {
                let event = event(descriptor, watched.request.interest);
                self.bell.poller.modify_with_mode(watched.source.as_fd(), event, self.level)?;
            }
        }
        Ok(())
    }
}

impl Selector for PollingSelector {
    fn register(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError> {
        let mode = self.mode(trigger)?;
        self.watched.registry().check_new(source, token)?;
        let request = Request { token, interest };
        self.watched
            .add(source, request, event(number(source), interest), mode)
            .map_err(SelectorError::registering)
    }

    fn modify(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError> {
        let mode = self.mode(trigger)?;
        self.watched.registry().check_known(source, token)?;
        let request = Request { token, interest };
        let changed = self.watched.modify(source, request, event(number(source), interest), mode);
        if let Err(error) = changed {
            self.watched.remove(source)?;
            return Err(SelectorError::Os { action: "modifying source", source: error });
        }
        Ok(())
    }

    fn unregister(&mut self, source: &Source) -> Result<(), SelectorError> {
        self.watched.remove(source)
    }

    fn select(
        &mut self,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> Result<(), SelectorError> {
        events.clear();
        if let Some(room) = NonZeroUsize::new(events.capacity())
            && room != self.delivered.capacity()
        {
            self.delivered = polling::Events::with_capacity(room);
        }
        uninterrupted(timeout, |left| self.wait(events, left))
            .map_err(|source| SelectorError::Os { action: "waiting in poller", source })
    }

    fn notifier(&self) -> Notifier {
        Notifier::new(self.bell.clone())
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn supports_edge(&self) -> bool {
        self.bell.poller.supports_edge()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        platform::descriptor(&self.bell.poller)
    }
}

/// `Poller::notify`, and a note that it was called.
///
/// The poller coalesces, but a notified wait looks like one that came back too early; the note tells
/// them apart. It is left before the poller is notified, and taken after the poller has taken the
/// notification. Both are `SeqCst`, as the poller's own flag is: whoever leaves a note and finds
/// that flag up does both before the wait takes either, so no note outlives its notification.
#[derive(Debug)]
struct Bell {
    rung: AtomicBool,
    poller: Arc<Poller>,
}

impl Bell {
    fn answer(&self) -> bool {
        self.rung.swap(false, Ordering::SeqCst)
    }
}

impl Notify for Bell {
    fn notify(&self) {
        self.rung.store(true, Ordering::SeqCst);
        // Fails only if the poller's own descriptor is broken, and then `select` reports it.
        let _ = self.poller.notify();
    }
}

/// The key is the descriptor, so that what was unregistered meanwhile is recognised.
fn event(descriptor: RawFd, interest: Interest) -> Event {
    Event::new(
        descriptor as usize,
        interest.contains(Interest::READ),
        interest.contains(Interest::WRITE),
    )
}

fn readiness(event: &Event) -> Readiness {
    let mut readiness = Readiness::NONE;
    for (said, meaning) in [
        (event.readable, Readiness::READABLE),
        (event.writable, Readiness::WRITABLE),
        (event.is_interrupt(), Readiness::HUNG_UP),
        (event.is_err() == Some(true), Readiness::FAILED),
    ] {
        if said {
            readiness = readiness.with(meaning);
        }
    }
    readiness
}

#[cfg(all(test, unix))]
mod tests {
    use std::{io::Write, os::unix::net::UnixStream};

    use super::*;

    // What event ports need, run where ports are not.
    #[test]
    fn a_mechanism_that_reports_once_is_armed_again() {
        let mut selector = PollingSelector::new().unwrap();
        selector.level = PollMode::Oneshot;
        let (near, mut far) = UnixStream::pair().unwrap();
        let source = Source::new(near);
        selector.register(&source, Token(1), Interest::READ, Trigger::Level).unwrap();
        far.write_all(b"!").unwrap();

        let mut events = Events::with_capacity(1);
        for _ in 0..3 {
            selector.select(&mut events, Some(Duration::ZERO)).unwrap();
            assert_eq!(events.len(), 1);
        }

        // Armed for what it is watched for by now, and not at all once it is unregistered.
        selector.modify(&source, Token(2), Interest::WRITE, Trigger::Level).unwrap();
        selector.select(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!(events.iter().next().map(|event| event.token), Some(Token(2)));
        selector.unregister(&source).unwrap();
        selector.select(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
    }

    // On kqueue and IOCP this keeps `Watched`'s promise; on epoll it can be seen.
    #[test]
    fn a_poller_that_outlives_its_selector_watches_nothing() {
        let mut selector = PollingSelector::new().unwrap();
        let (near, _far) = UnixStream::pair().unwrap();
        let source = Source::new(near);
        selector.register(&source, Token(1), Interest::WRITE, Trigger::Level).unwrap();
        let bell = selector.bell.clone();
        drop(selector);

        let mut events = polling::Events::new();
        bell.poller.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
    }
}
