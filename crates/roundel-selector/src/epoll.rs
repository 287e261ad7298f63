//! `EpollSelector`: epoll(7), Linux's selector, straight through rustix.
//!
//! One system call per `select`, with nanosecond timeouts. The notifier's eventfd sits in the same
//! epoll, edge-triggered: it needs no reading, so a notified `select` costs no more than any other.
use std::{io, mem::MaybeUninit, sync::Arc, time::Duration};

use rustix::{
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    fd::{AsFd, BorrowedFd, OwnedFd},
    io::Errno,
};

use crate::{
    Events, Interest, Notifier, Readiness, Selector, SelectorError, Source, Token, Trigger,
    doorbell::Doorbell,
    registry::{Registry, Request},
    timespec::timespec,
    uninterrupted::uninterrupted,
};

/// Up to this many events are received on the stack (3 KiB); a larger call allocates.
const EVENTS_ON_STACK: usize = 256;

/// Watches sources with epoll(7): cost grows with what is ready, not with what is registered.
///
/// The kernel forgets a file when its last descriptor closes; here that cannot happen behind a
/// registration, which holds a clone of its [`Source`] until it is unregistered or the selector is
/// dropped.
///
/// Needs Linux 5.11 (`epoll_pwait2`, for timeouts in nanoseconds); see [`EpollSelector::new`].
///
/// # Examples
///
/// ```
/// use std::{io::Write, os::unix::net::UnixStream, time::Duration};
/// use roundel_selector::{
///     EpollSelector, Events, Interest, Readiness, Selector, Source, Token, Trigger,
/// };
///
/// let (reader, mut writer) = UnixStream::pair()?;
/// let mut selector = EpollSelector::new()?;
/// selector.register(&Source::new(reader), Token(7), Interest::READ, Trigger::Edge)?;
///
/// writer.write_all(b"!")?;
/// let mut events = Events::with_capacity(16);
/// selector.select(&mut events, Some(Duration::from_secs(1)))?;
/// let event = events.iter().next().expect("a byte waits");
/// assert_eq!(event.token, Token(7));
/// assert!(event.readiness.contains(Readiness::READABLE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "epoll_create")]
#[derive(Debug)]
pub struct EpollSelector {
    epoll: OwnedFd,
    doorbell: Arc<Doorbell>,
    registry: Registry,
}

impl EpollSelector {
    /// Opens an epoll and its notifier: two descriptors.
    ///
    /// # Errors
    ///
    /// [`SelectorError::Unavailable`] if the kernel is older than 5.11 (found by a wait that does
    /// not block) or a sandbox forbids the calls; [`SelectorError::Os`] if descriptors run out.
    pub fn new() -> Result<Self, SelectorError> {
        Self::open().map_err(|source| match Errno::from_io_error(&source) {
            Some(Errno::NOSYS | Errno::PERM) => {
                SelectorError::Unavailable { selector: "epoll", source }
            }
            _ => SelectorError::Os { action: "opening epoll", source },
        })
    }

    fn open() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let doorbell = Arc::new(Doorbell::new()?);
        epoll::add(&epoll, &doorbell, data(Token::NOTIFIER), EventFlags::IN | EventFlags::ET)?;
        let selector = Self { epoll, doorbell, registry: Registry::default() };
        selector.wait(&mut Events::with_capacity(1), Some(Duration::ZERO))?;
        Ok(selector)
    }

    /// One `epoll_pwait2`; answers with how much it found, notification included.
    fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        let mut small = [MaybeUninit::uninit(); EVENTS_ON_STACK];
        let mut large = Vec::new();
        let room = match events.capacity() {
            capacity if capacity <= EVENTS_ON_STACK => &mut small[..capacity],
            capacity => {
                large.reserve_exact(capacity);
                &mut large.spare_capacity_mut()[..capacity]
            }
        };
        let (found, _) = epoll::wait(&self.epoll, room, timespec(timeout).as_ref())?;
        for event in &*found {
            match Token(event.data.u64() as usize) {
                Token::NOTIFIER => self.doorbell.answer_edge(),
                token => events.push(token, readiness(event.flags)),
            }
        }
        Ok(found.len())
    }
}

impl Selector for EpollSelector {
    fn register(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError> {
        self.registry.check_new(source, token)?;
        epoll::add(&self.epoll, source, data(token), flags(interest, trigger))
            .map_err(|error| SelectorError::registering(error.into()))?;
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
        self.registry.check_known(source, token)?;
        if let Err(error) =
            epoll::modify(&self.epoll, source, data(token), flags(interest, trigger))
        {
            self.registry.remove(source)?;
            return Err(SelectorError::Os { action: "modifying source", source: error.into() });
        }
        self.registry.amend(source, Request { token, interest });
        Ok(())
    }

    fn unregister(&mut self, source: &Source) -> Result<(), SelectorError> {
        let registration = self.registry.remove(source)?;
        // Fails only for a descriptor that somebody who does not own it closed or reused, and then
        // the kernel has nothing left to forget.
        let _ = epoll::delete(&self.epoll, &registration.source);
        Ok(())
    }

    fn select(
        &mut self,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> Result<(), SelectorError> {
        events.clear();
        uninterrupted(timeout, |left| self.wait(events, left))
            .map_err(|source| SelectorError::Os { action: "waiting in epoll", source })
    }

    fn notifier(&self) -> Notifier {
        Notifier::new(self.doorbell.clone())
    }

    fn name(&self) -> &'static str {
        "epoll"
    }

    fn reports_close(&self) -> bool {
        true
    }

    fn supports_edge(&self) -> bool {
        true
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.epoll.as_fd())
    }
}

fn data(token: Token) -> EventData {
    EventData::new_u64(token.0 as u64)
}

/// What to ask the kernel for; errors and hang-ups are reported unasked.
fn flags(interest: Interest, trigger: Trigger) -> EventFlags {
    let mut flags = EventFlags::empty();
    if interest.contains(Interest::READ) {
        flags |= EventFlags::IN | EventFlags::RDHUP;
    }
    if interest.contains(Interest::WRITE) {
        flags |= EventFlags::OUT;
    }
    if trigger == Trigger::Edge {
        flags |= EventFlags::ET;
        // Told once, it explains a short read; told at every call, it would be a nuisance.
        if interest.contains(Interest::READ) {
            flags |= EventFlags::PRI;
        }
    }
    flags
}

/// What the kernel's bits say. Neither a reader nor a writer blocks on a source that hung up or
/// has an error to collect.
fn readiness(flags: EventFlags) -> Readiness {
    if flags == EventFlags::IN {
        return Readiness::READABLE; // as mostly
    }
    let mut readiness = Readiness::NONE;
    for (flag, meaning) in [
        (EventFlags::IN, Readiness::READABLE),
        (EventFlags::OUT, Readiness::WRITABLE),
        (EventFlags::RDHUP, Readiness::READ_SHUT),
        (EventFlags::PRI, Readiness::URGENT.with(Readiness::READABLE)),
        (EventFlags::HUP, Readiness::HUNG_UP),
        (EventFlags::ERR, Readiness::FAILED),
    ] {
        if flags.contains(flag) {
            readiness = readiness.with(meaning);
        }
    }
    readiness
}
