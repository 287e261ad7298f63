//! When something is due: an instant, or never. It saturates where arithmetic on instants panics.

use std::time::{Duration, Instant};

/// The moment by which something must happen, or [`Deadline::NEVER`].
///
/// Deadlines are ordered; `NEVER` comes after every instant.
///
/// ```
/// use roundel_timer::Deadline;
/// use std::time::{Duration, Instant};
///
/// let now = Instant::now();
/// let soon = Deadline::after(now, Duration::from_millis(5));
/// assert_eq!(soon.remaining(now), Some(Duration::from_millis(5)));
/// assert!(soon < Deadline::NEVER);
///
/// // Too far to be an instant: no panic, it just never comes.
/// assert_eq!(Deadline::after(now, Duration::MAX), Deadline::NEVER);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "when")]
pub struct Deadline(When);

/// The variants' order is the deadlines' order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum When {
    At(Instant),
    Never,
}

impl Deadline {
    /// A deadline that does not come.
    pub const NEVER: Self = Self(When::Never);

    /// The deadline at `instant`.
    pub const fn at(instant: Instant) -> Self {
        Self(When::At(instant))
    }

    /// The deadline `delay` after `now`; `NEVER` if no instant lies that far away.
    #[doc(alias = "call_later")]
    pub fn after(now: Instant, delay: Duration) -> Self {
        now.checked_add(delay).map_or(Self::NEVER, Self::at)
    }

    /// The instant of this deadline; `None` for `NEVER`.
    pub const fn instant(self) -> Option<Instant> {
        match self.0 {
            When::At(instant) => Some(instant),
            When::Never => None,
        }
    }

    /// The time left at `now`, zero if the deadline has passed; `None` for `NEVER`.
    ///
    /// This is the time-out of a blocking call, where `None` blocks without limit.
    pub fn remaining(self, now: Instant) -> Option<Duration> {
        Some(self.instant()?.saturating_duration_since(now))
    }
}

impl From<Instant> for Deadline {
    fn from(instant: Instant) -> Self {
        Self::at(instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_comes_last() {
        let now = Instant::now();
        let far = Deadline::after(now, Duration::from_secs(1 << 40));
        assert!(Deadline::at(now) < far);
        assert!(far < Deadline::NEVER);
        assert_eq!(Deadline::NEVER.instant(), None);
        assert_eq!(Deadline::NEVER.remaining(now), None);
    }

    #[test]
    fn a_passed_deadline_has_nothing_left() {
        let now = Instant::now();
        let deadline = Deadline::from(now);
        let later = now + Duration::from_secs(1);
        assert_eq!(deadline.remaining(later), Some(Duration::ZERO));
        assert_eq!(deadline.instant(), Some(now));
    }

    #[test]
    fn a_delay_too_long_for_an_instant_is_never() {
        assert_eq!(Deadline::after(Instant::now(), Duration::MAX), Deadline::NEVER);
    }
}
