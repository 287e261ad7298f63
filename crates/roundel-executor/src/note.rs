//! `Note`: what a task waits for, in one word, as each task has one.

use std::time::{Duration, Instant};

/// What a waiting task waits for, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitsFor {
    /// Something that does not say.
    #[default]
    Unknown,
    /// Its turn.
    Turn,
    /// A time.
    Time(Instant),
    /// The end of the task with this number.
    Task(u64),
    /// The first, or all, of several tasks.
    Tasks(usize),
    /// The children of its group.
    Children(usize),
}

/// A kind in the low bits, and above it a number: of tasks, or of nanoseconds since the executor
/// began, which is enough for 73 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note(u64);

const KIND_BITS: u32 = 3;
const KINDS: u64 = (1 << KIND_BITS) - 1;
const TURN: u64 = 1;
const TIME: u64 = 2;
const TASK: u64 = 3;
const TASKS: u64 = 4;
const CHILDREN: u64 = 5;

impl Note {
    pub(crate) fn new(what: WaitsFor, began: Instant) -> Self {
        let (kind, number) = match what {
            WaitsFor::Unknown => (0, 0),
            WaitsFor::Turn => (TURN, 0),
            WaitsFor::Time(when) => (TIME, nanoseconds(when.saturating_duration_since(began))),
            WaitsFor::Task(id) => (TASK, id),
            WaitsFor::Tasks(count) => (TASKS, count as u64),
            WaitsFor::Children(count) => (CHILDREN, count as u64),
        };
        Self(number.min(u64::MAX >> KIND_BITS) << KIND_BITS | kind)
    }

    pub(crate) fn what(self, began: Instant) -> WaitsFor {
        let number = self.0 >> KIND_BITS;
        match self.0 & KINDS {
            TURN => WaitsFor::Turn,
            TIME => match began.checked_add(Duration::from_nanos(number)) {
                Some(when) => WaitsFor::Time(when),
                None => WaitsFor::Unknown,
            },
            TASK => WaitsFor::Task(number),
            TASKS => WaitsFor::Tasks(number as usize),
            CHILDREN => WaitsFor::Children(number as usize),
            _ => WaitsFor::Unknown,
        }
    }
}

/// As many as fit: 584 years.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Note, WaitsFor};

    #[test]
    fn a_note_says_what_was_noted() {
        let began = Instant::now();
        for what in [
            WaitsFor::Unknown,
            WaitsFor::Turn,
            WaitsFor::Time(began + Duration::new(3600, 1)),
            WaitsFor::Task(u64::MAX >> 3),
            WaitsFor::Tasks(3),
            WaitsFor::Children(0),
        ] {
            assert_eq!(Note::new(what, began).what(began), what);
        }
    }

    #[test]
    fn a_time_before_the_beginning_is_the_beginning() {
        let began = Instant::now() + Duration::from_secs(1);
        let before = WaitsFor::Time(began - Duration::from_secs(1));
        assert_eq!(Note::new(before, began).what(began), WaitsFor::Time(began));
    }
}
