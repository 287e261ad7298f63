//! Instants as plain numbers: one word to compare, where an `Instant` is two with a carry.

use std::time::{Duration, Instant};

use crate::{
    clock::{Clock, SystemClock},
    deadline::Deadline,
};

/// Nanoseconds on a [`Timeline`]; its origin lies in the middle of the range.
pub(crate) type Ticks = u64;

/// The ticks of a deadline that does not come.
pub(crate) const NEVER: Ticks = Ticks::MAX;

const ORIGIN: Ticks = 1 << 63;

/// Maps instants to ticks: exact within 292 years of the origin, saturating beyond.
///
/// The origin is a zero point and nothing more. It is not compared with any clock, so a queue that
/// lives on virtual time may take it from the system.
pub(crate) struct Timeline {
    origin: Instant,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self { origin: SystemClock.now() }
    }

    pub(crate) fn ticks(&self, instant: Instant) -> Ticks {
        match instant.checked_duration_since(self.origin) {
            Some(after) => ORIGIN.saturating_add(nanoseconds(after)),
            None => ORIGIN.saturating_sub(nanoseconds(self.origin.duration_since(instant))),
        }
    }

    pub(crate) fn ticks_of(&self, deadline: Deadline) -> Ticks {
        deadline.instant().map_or(NEVER, |instant| self.ticks(instant))
    }

    /// The deadline at `ticks`, which must have come from this timeline: then it lies between the
    /// origin and an instant that existed, and the sum cannot overflow.
    pub(crate) fn deadline(&self, ticks: Ticks) -> Deadline {
        match ticks {
            NEVER => Deadline::NEVER,
            ORIGIN.. => Deadline::at(self.origin + Duration::from_nanos(ticks - ORIGIN)),
            _ => Deadline::at(self.origin - Duration::from_nanos(ORIGIN - ticks)),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

    #[test]
    fn ticks_and_deadlines_are_inverse_on_both_sides_of_the_origin() {
        let timeline = Timeline::new();
        let nanosecond = Duration::from_nanos(1);
        for distance in [Duration::ZERO, nanosecond, Duration::from_secs(1)] {
            for instant in [timeline.origin + distance, timeline.origin - distance] {
                let ticks = timeline.ticks(instant);
                assert_eq!(timeline.deadline(ticks), Deadline::at(instant));
                assert_eq!(timeline.ticks(instant + nanosecond), ticks + 1);
            }
        }
    }

    #[test]
    fn what_lies_beyond_the_range_saturates() {
        let timeline = Timeline::new();
        // Not every platform has instants that far away.
        if let Some(far) = timeline.origin.checked_add(YEAR * 300) {
            assert_eq!(timeline.ticks(far), NEVER);
        }
        if let Some(far) = timeline.origin.checked_sub(YEAR * 300) {
            assert_eq!(timeline.ticks(far), Ticks::MIN);
            assert!(timeline.deadline(Ticks::MIN) > Deadline::at(far));
        }
        assert_eq!(timeline.ticks_of(Deadline::NEVER), NEVER);
        assert_eq!(timeline.deadline(NEVER), Deadline::NEVER);
    }
}
