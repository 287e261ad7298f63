//! `SelectSelector`: select(2), the oldest selector, for descriptors below `FD_SETSIZE`.
//!
//! Both sets go to the kernel with every call. It tells readable from writable and nothing more:
//! a peer that is gone shows as readable, an error as either.
use std::{io, sync::Arc, time::Duration};

use rustix::fd::{AsFd, RawFd};

use crate::{
    Events, Interest, Notifier, Readiness, Selector, SelectorError, Source, Token, Trigger,
    doorbell::Doorbell,
    raw::fd_set::{self, FdSet},
    registry::{Registry, Request, number},
    timespec::timespec,
    uninterrupted::uninterrupted,
};

/// Watches sources with select(2), level-triggered, descriptors below 1024 only.
///
/// A registration holds a clone of its [`Source`] until it is unregistered or the selector is
/// dropped, so select never sees a closed descriptor.
///
/// # Examples
///
/// ```
/// use std::{os::unix::net::UnixStream, time::Duration};
/// use roundel_selector::{Events, Interest, SelectSelector, Selector, Source, Token, Trigger};
///
/// let (ours, _theirs) = UnixStream::pair()?;
/// let mut selector = SelectSelector::new()?;
/// selector.register(&Source::new(ours), Token(0), Interest::BOTH, Trigger::Level)?;
///
/// let mut events = Events::with_capacity(1);
/// selector.select(&mut events, Some(Duration::from_secs(1)))?;
/// assert_eq!(events.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SelectSelector {
    doorbell: Arc<Doorbell>,
    registry: Registry,
    /// Where the next scan begins: who was left out when the last list of events was full.
    first: RawFd,
}

impl SelectSelector {
    /// Opens the notifier; select itself needs no descriptor.
    ///
    /// # Errors
    ///
    /// [`SelectorError::DescriptorTooLarge`] if a thousand descriptors are open already, so that
    /// not even the notifier fits; [`SelectorError::Os`] if descriptors run out.
    pub fn new() -> Result<Self, SelectorError> {
        let doorbell = Doorbell::new()
            .map_err(|source| SelectorError::Os { action: "opening notifier", source })?;
        check_limit(&doorbell)?;
        Ok(Self { doorbell: Arc::new(doorbell), registry: Registry::default(), first: 0 })
    }

    /// One `select`; answers with how much it found, notification included.
    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        let (mut readers, mut writers) = (FdSet::new(), FdSet::new());
        readers.insert(self.doorbell.as_fd());
        for (_, watched) in self.registry.iter_from(0) {
            if watched.request.interest.contains(Interest::READ) {
                readers.insert(watched.source.as_fd());
            }
            if watched.request.interest.contains(Interest::WRITE) {
                writers.insert(watched.source.as_fd());
            }
        }
        let found = fd_set::select(&mut readers, &mut writers, timespec(timeout).as_ref())?;
        let (readers, writers) = (readers.to_vec(), writers.to_vec());

        if readers.binary_search(&number(&self.doorbell)).is_ok() {
            self.doorbell.answer();
        }
        for (number, watched) in self.registry.iter_from(self.first) {
            let readiness = readiness(number, &readers, &writers);
            if readiness.is_none() {
                continue;
            }
            if events.is_full() {
                self.first = number;
                break;
            }
            events.push(watched.request.token, readiness);
        }
        Ok(found)
    }
}

impl Selector for SelectSelector {
    fn register(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError> {
        trigger.check_level(self.name())?;
        check_limit(source)?;
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
            .map_err(|source| SelectorError::Os { action: "waiting in select", source })
    }

    fn notifier(&self) -> Notifier {
        Notifier::new(self.doorbell.clone())
    }

    fn name(&self) -> &'static str {
        "select"
    }
}

fn check_limit(source: &impl AsFd) -> Result<(), SelectorError> {
    let (descriptor, limit) = (number(source), fd_set::LIMIT);
    if descriptor >= limit {
        return Err(SelectorError::DescriptorTooLarge { descriptor, limit });
    }
    Ok(())
}

fn readiness(number: RawFd, readers: &[RawFd], writers: &[RawFd]) -> Readiness {
    let mut readiness = Readiness::NONE;
    for (ready, meaning) in [(readers, Readiness::READABLE), (writers, Readiness::WRITABLE)] {
        if ready.binary_search(&number).is_ok() {
            readiness = readiness.with(meaning);
        }
    }
    readiness
}
