//! `Events`: the list that a `select` fills.
use crate::{Readiness, Token};

/// One source's readiness, as a selector reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose readiness.
    pub token: Token,
    /// What it is ready for.
    pub readiness: Readiness,
}

/// A reusable list of events, filled by [`Selector::select`](crate::Selector::select).
///
/// Its capacity bounds how many sources one call reports; the others wait for the next call, and
/// come first then.
///
/// # Examples
///
/// ```
/// use roundel_selector::{Events, Readiness, Token};
///
/// let mut events = Events::with_capacity(2);
/// events.push(Token(1), Readiness::READABLE);
/// assert!(!events.is_full());
/// for event in &events {
///     assert_eq!((event.token, event.readiness), (Token(1), Readiness::READABLE));
/// }
/// ```
#[derive(Debug)]
pub struct Events {
    list: Vec<Event>,
    capacity: usize,
}

impl Events {
    /// Room for `capacity` events, at least one.
    pub fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self { list: Vec::with_capacity(capacity), capacity }
    }

    /// How many events one call may report.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The events of the last call.
    pub fn iter(&self) -> std::slice::Iter<'_, Event> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether another event would be more than there is room for.
    pub fn is_full(&self) -> bool {
        self.list.len() >= self.capacity
    }

    /// Forgets them, keeping the room.
    pub fn clear(&mut self) {
        self.list.clear();
    }

    /// For selectors: adds one event.
    pub fn push(&mut self, token: Token, readiness: Readiness) {
        self.list.push(Event { token, readiness });
    }
}

impl<'a> IntoIterator for &'a Events {
    type Item = &'a Event;
    type IntoIter = std::slice::Iter<'a, Event>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
