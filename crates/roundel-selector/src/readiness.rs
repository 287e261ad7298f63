//! The words of readiness: `Token`, `Interest`, `Trigger`, `Readiness`, and `Events` to collect them.
use crate::SelectorError;

/// The caller's name for a registration; every event carries it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub usize);

impl Token {
    /// Kept by selectors for their notifier; refused at registration.
    pub const NOTIFIER: Self = Self(usize::MAX);
}

/// Which directions a registration asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Can be read without blocking.
    pub const READ: Self = Self(1);
    /// Can be written without blocking.
    pub const WRITE: Self = Self(2);
    /// Both directions.
    pub const BOTH: Self = Self(3);

    /// Whether every direction of `other` is asked for.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// The union of two interests.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// When a registration reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// At every `select` while the source is ready.
    Level,
    /// Once each time the source becomes ready (where the kernel has it: epoll, kqueue).
    Edge,
}

impl Trigger {
    /// For mechanisms that report levels only: refuses edges.
    pub(crate) fn check_level(self, selector: &'static str) -> Result<(), SelectorError> {
        match self {
            Self::Level => Ok(()),
            Self::Edge => Err(SelectorError::EdgeUnsupported { selector }),
        }
    }
}

/// What the kernel said of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness(u8);

impl Readiness {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Reading will not block (data, a connection, end of file, or an error to collect).
    pub const READABLE: Self = Self(1);
    /// Writing will not block (room, or an error to collect).
    pub const WRITABLE: Self = Self(2);
    /// The peer will send no more: reading reaches end of file without a further event.
    pub const READ_CLOSED: Self = Self(4);
    /// The peer takes no more.
    pub const WRITE_CLOSED: Self = Self(8);
    /// An error waits on the source.
    pub const ERROR: Self = Self(16);

    /// The peer stopped sending: readable, to the end of file.
    pub(crate) const READ_SHUT: Self = Self::READABLE.with(Self::READ_CLOSED);
    /// The connection is gone in both directions: neither a reader nor a writer will block.
    pub(crate) const HUNG_UP: Self = Self::READ_SHUT.with(Self::WRITABLE).with(Self::WRITE_CLOSED);
    /// An error waits: a reader or a writer, whoever comes first, collects it.
    pub(crate) const FAILED: Self = Self::ERROR.with(Self::READABLE).with(Self::WRITABLE);

    /// Whether every bit of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// Whether any bit of `other` is set.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
    /// The union of two.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// These bits less those of `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
    /// Only what `interest` asks for: a part of [`READABLE`](Self::READABLE) and
    /// [`WRITABLE`](Self::WRITABLE), whatever else the kernel had to say.
    pub const fn within(self, interest: Interest) -> Self {
        Self(self.0 & interest.0)
    }
    /// Whether nothing is set.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

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
/// Its capacity bounds how many sources one call reports; the others wait for the next call.
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
    /// Whether another event would be more than the caller has room for.
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
