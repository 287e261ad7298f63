//! The words of readiness: `Token`, `Interest`, `Trigger`, `Readiness`.
use std::fmt;

use crate::SelectorError;

/// The caller's name for a registration; every event carries it back.
///
/// Any number but [`Token::NOTIFIER`]. Two registrations may share one, if the caller can do
/// without telling them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub usize);

impl Token {
    /// Kept by selectors for their notifier; refused at registration.
    pub const NOTIFIER: Self = Self(usize::MAX);
}

/// Which directions a registration asks for.
///
/// One at least: there is no empty interest, and no direction but these.
///
/// # Examples
///
/// ```
/// use roundel_selector::Interest;
///
/// assert_eq!(Interest::READ.with(Interest::WRITE), Interest::BOTH);
/// assert!(Interest::BOTH.contains(Interest::WRITE));
/// assert!(!Interest::READ.contains(Interest::BOTH));
/// ```
#[doc(alias = "events")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Can be read without blocking.
    #[doc(alias = "EVENT_READ")]
    pub const READ: Self = Self(1);
    /// Can be written without blocking.
    #[doc(alias = "EVENT_WRITE")]
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

    /// The event mask of Python's `selectors`: 1 to read, 2 to write.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::READ => "READ",
            Self::WRITE => "WRITE",
            _ => "BOTH",
        })
    }
}

/// When a registration reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// At every `select` while the source is ready.
    Level,
    /// Once each time the source becomes ready, where the kernel has it (epoll, kqueue).
    ///
    /// After an edge, read or write until the kernel answers that it would block: what is left over
    /// is not reported again.
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
///
/// More may be said than was asked for: a source that hung up or has an error is both
/// [`READABLE`](Self::READABLE) and [`WRITABLE`](Self::WRITABLE), since neither a reader nor a
/// writer would block. [`within`](Self::within) cuts that down to an [`Interest`]. The other bits
/// are hints: set if the mechanism tells (epoll and poll tell most, select(2) nothing).
///
/// # Examples
///
/// ```
/// use roundel_selector::{Interest, Readiness};
///
/// let broken = Readiness::READABLE.with(Readiness::WRITABLE).with(Readiness::ERROR);
/// assert_eq!(broken.within(Interest::WRITE), Readiness::WRITABLE);
/// assert!(broken.contains(Readiness::ERROR));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Readiness(u8);

impl Readiness {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Reading will not block (data, a connection, end of file, or an error to collect).
    pub const READABLE: Self = Self(1);
    /// Writing will not block (room, or an error to collect).
    pub const WRITABLE: Self = Self(2);
    /// The peer will send no more: reading reaches end of file without a further event.
    #[doc(alias = "EPOLLRDHUP")]
    pub const READ_CLOSED: Self = Self(4);
    /// The peer takes no more.
    #[doc(alias = "EPOLLHUP")]
    pub const WRITE_CLOSED: Self = Self(8);
    /// An error waits on the source.
    #[doc(alias = "EPOLLERR")]
    pub const ERROR: Self = Self(16);

    /// Urgent data has come (`POLLPRI`): a read stops short at its mark. Reported on
    /// edge-triggered registrations of epoll only.
    pub const URGENT: Self = Self(32);

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

    /// Only what `interest` asks for: some of [`READABLE`](Self::READABLE) and
    /// [`WRITABLE`](Self::WRITABLE), whatever else the kernel had to say.
    pub const fn within(self, interest: Interest) -> Self {
        Self(self.0 & interest.0)
    }

    /// Whether nothing is set.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::READABLE, "READABLE"),
            (Self::WRITABLE, "WRITABLE"),
            (Self::READ_CLOSED, "READ_CLOSED"),
            (Self::WRITE_CLOSED, "WRITE_CLOSED"),
            (Self::ERROR, "ERROR"),
            (Self::URGENT, "URGENT"),
        ];
        let mut set = names.into_iter().filter(|(bit, _)| self.contains(*bit));
        match set.next() {
            None => f.write_str("NONE"),
            Some((_, first)) => {
                f.write_str(first)?;
                set.try_for_each(|(_, name)| write!(f, " | {name}"))
            }
        }
    }
}
