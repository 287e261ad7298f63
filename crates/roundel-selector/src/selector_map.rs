//! `SelectorMap`: a selector that keeps what the caller wants back with each source.
//!
//! The face of Python's `selectors` module, over any [`Selector`]. A driver that has its own table
//! uses the selector itself; a program with a `while` loop of its own uses this.
use std::{collections::BTreeMap, time::Duration};

use rustix::fd::{AsFd, RawFd};

use crate::{
    DefaultSelector, Events, Interest, Notifier, Readiness, Selector, SelectorError, SelectorKey,
    Source, Token, Trigger, registry::number,
};

/// Which sources are registered, for what, and with which data; and which of them are ready.
///
/// Level-triggered: a source is reported by every [`select`](Self::select) while it is ready.
/// Lookups take the source or anything else that lends the same descriptor.
///
/// The map holds every source open until it is unregistered. Dropping the map closes the selector,
/// as does [`close`](Self::close), which gives the keys back; there is no closed map to use by
/// mistake:
///
/// ```compile_fail,E0382
/// let map = roundel_selector::SelectorMap::<u8>::new()?;
/// map.close();
/// map.len();
/// # Ok::<(), roundel_selector::SelectorError>(())
/// ```
///
/// # Examples
///
/// ```
/// use std::{io::Write, os::unix::net::UnixStream, sync::Arc, time::Duration};
/// use roundel_selector::{Interest, Readiness, SelectorMap, Source};
///
/// let (reader, mut writer) = UnixStream::pair()?;
/// let reader = Arc::new(reader);
/// let mut map = SelectorMap::new()?;
/// map.register(Source::shared(reader.clone()), Interest::READ, "the reader")?;
///
/// writer.write_all(b"!")?;
/// for (key, ready) in map.select(Some(Duration::from_secs(1)))? {
///     assert_eq!((*key.data(), ready), ("the reader", Readiness::READABLE));
/// }
/// assert_eq!(map.unregister(&reader)?.into_data(), "the reader");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "BaseSelector")]
#[derive(Debug)]
pub struct SelectorMap<D, S: Selector = DefaultSelector> {
    selector: S,
    keys: BTreeMap<RawFd, SelectorKey<D>>,
    events: Events,
}

impl<D> SelectorMap<D> {
    /// An empty map over the best selector of the platform.
    ///
    /// # Errors
    ///
    /// As for [`DefaultSelector::new`].
    pub fn new() -> Result<Self, SelectorError> {
        DefaultSelector::new().map(Self::with_selector)
    }
}

impl<D, S: Selector> SelectorMap<D, S> {
    /// An empty map over `selector`, which must have no registrations.
    pub fn with_selector(selector: S) -> Self {
        Self { selector, keys: BTreeMap::new(), events: Events::with_capacity(1) }
    }

    /// Starts watching `source` and keeps `data` with it.
    ///
    /// # Errors
    ///
    /// [`SelectorError::AlreadyRegistered`] if its descriptor is registered, through whatever
    /// source; [`SelectorError::Unwatchable`] for files the kernel has no readiness for. The map is
    /// then as it was, and `data` is dropped.
    pub fn register(
        &mut self,
        source: Source,
        interest: Interest,
        data: D,
    ) -> Result<&SelectorKey<D>, SelectorError> {
        let number = number(&source);
        self.selector.register(&source, token(number), interest, Trigger::Level)?;
        self.keys.insert(number, SelectorKey::new(source, interest, data));
        Ok(&self.keys[&number])
    }

    /// Changes what a source is watched for and the data kept with it.
    ///
    /// Costs a system call only if `interest` changes. To change the data alone, see
    /// [`get_mut`](Self::get_mut).
    ///
    /// # Errors
    ///
    /// [`SelectorError::NotRegistered`] if the source is unknown. [`SelectorError::Os`] if the
    /// kernel refuses the change; the source is then registered no longer.
    pub fn modify(
        &mut self,
        source: &impl AsFd,
        interest: Interest,
        data: D,
    ) -> Result<&SelectorKey<D>, SelectorError> {
        let number = number(source);
        let unknown =
            SelectorError::NotRegistered { action: "modifying source", descriptor: number };
        let mut key = self.keys.remove(&number).ok_or(unknown)?;
        if key.interest() != interest {
            self.selector.modify(key.source(), token(number), interest, Trigger::Level)?;
        }
        key.replace(interest, data);
        self.keys.insert(number, key);
        Ok(&self.keys[&number])
    }

    /// Stops watching a source and gives its key back, data and all.
    ///
    /// Succeeds also if somebody closed the descriptor meanwhile.
    ///
    /// # Errors
    ///
    /// [`SelectorError::NotRegistered`] if the source is unknown.
    pub fn unregister(&mut self, source: &impl AsFd) -> Result<SelectorKey<D>, SelectorError> {
        let number = number(source);
        let unknown =
            SelectorError::NotRegistered { action: "unregistering source", descriptor: number };
        let key = self.keys.remove(&number).ok_or(unknown)?;
        self.selector.unregister(key.source())?;
        Ok(key)
    }

    /// Waits until a source is ready, the notifier fires or `timeout` passes (`None`: no limit;
    /// zero: does not wait), and lists what is ready: a part of what each key asks for.
    ///
    /// A hang-up or an error counts as ready for whatever was asked. The list is empty after a
    /// timeout or a notification.
    ///
    /// # Errors
    ///
    /// [`SelectorError::Os`] if the kernel fails the wait.
    pub fn select(
        &mut self,
        timeout: Option<Duration>,
    ) -> Result<Vec<(&SelectorKey<D>, Readiness)>, SelectorError> {
        if self.events.capacity() < self.keys.len() {
            self.events = Events::with_capacity(self.keys.len().next_power_of_two());
        }
        self.selector.select(&mut self.events, timeout)?;
        let ready = self.events.iter().filter_map(|event| {
            let key = self.keys.get(&(event.token.0 as RawFd))?;
            let readiness = event.readiness.within(key.interest());
            (!readiness.is_none()).then_some((key, readiness))
        });
        Ok(ready.collect())
    }

    /// The key of a source, if it is registered.
    #[doc(alias = "get_key")]
    pub fn get(&self, source: &impl AsFd) -> Option<&SelectorKey<D>> {
        self.keys.get(&number(source))
    }

    /// The data kept with a source, for changing it in place.
    pub fn get_mut(&mut self, source: &impl AsFd) -> Option<&mut D> {
        self.keys.get_mut(&number(source)).map(SelectorKey::data_mut)
    }

    /// Every key, in the order of the descriptors.
    #[doc(alias = "get_map")]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SelectorKey<D>> {
        self.keys.values()
    }

    /// How many sources are registered.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// What ends a blocked [`select`](Self::select) from any thread.
    pub fn notifier(&self) -> Notifier {
        self.selector.notifier()
    }

    /// The selector below, for its name or its descriptor.
    pub fn selector(&self) -> &S {
        &self.selector
    }

    /// Closes the selector and gives back what was registered.
    pub fn close(self) -> Vec<SelectorKey<D>> {
        self.keys.into_values().collect()
    }
}

/// A descriptor is its own token: it names one registration, and is never the notifier's.
fn token(number: RawFd) -> Token {
    Token(number as usize)
}
