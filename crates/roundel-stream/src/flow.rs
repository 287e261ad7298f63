//! `Flow`: when a writer's producer has to wait. Pure: numbers in, an answer out.

/// Between which amounts of unsent bytes a writer is waited for.
///
/// Above `high` a write waits, until no more than `low` are left. The gap lets a producer work in
/// long strides rather than be woken for each byte that goes out.
///
/// ```
/// use roundel_stream::WaterMarks;
///
/// let marks = WaterMarks::default();
/// assert_eq!((marks.low(), marks.high()), (16 << 10, 64 << 10));
/// assert_eq!(WaterMarks::high_at(1000).low(), 250);
/// assert_eq!(WaterMarks::low_at(1000).high(), 4000);
/// assert_eq!(WaterMarks::new(2, 1), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaterMarks {
    low: usize,
    high: usize,
}

/// asyncio's: 64 KiB and a quarter of it.
impl Default for WaterMarks {
    fn default() -> Self {
        Self::high_at(64 << 10)
    }
}

impl WaterMarks {
    /// Both, in bytes. None if the low one is above the high one.
    #[doc(alias = "set_write_buffer_limits")]
    pub fn new(low: usize, high: usize) -> Option<Self> {
        (low <= high).then_some(Self { low, high })
    }

    /// The high one, in bytes; the low one is a quarter of it. At 0 every write waits until all is
    /// sent.
    pub fn high_at(high: usize) -> Self {
        Self { low: high / 4, high }
    }

    /// The low one, in bytes; the high one is four times as much.
    pub fn low_at(low: usize) -> Self {
        Self { low, high: low.saturating_mul(4) }
    }

    /// Above it, in bytes, producers wait.
    pub fn high(self) -> usize {
        self.high
    }

    /// Down to it, in bytes, they wait.
    pub fn low(self) -> usize {
        self.low
    }
}

/// Whether a producer has to wait: what writers and transports ask, here for transports of other
/// kinds. It sees no bytes, only how many are unsent.
///
/// ```
/// use roundel_stream::{Flow, WaterMarks};
///
/// let mut flow = Flow::default();
/// flow.set_marks(WaterMarks::high_at(100), 0);
/// let paused = [100, 101, 26, 25].map(|unsent| {
///     flow.note(unsent);
///     flow.is_paused()
/// });
/// assert_eq!(paused, [false, true, true, false]);
/// ```
#[doc(alias = "_FlowControlMixin")]
#[derive(Clone, Debug, Default)]
pub struct Flow {
    marks: WaterMarks,
    paused: bool,
}

impl Flow {
    /// The water marks.
    pub fn marks(&self) -> WaterMarks {
        self.marks
    }

    /// Sets the water marks, which count at once; `unsent` is the amount of now, in bytes.
    pub fn set_marks(&mut self, marks: WaterMarks, unsent: usize) {
        self.marks = marks;
        self.note(unsent);
    }

    /// The amount of unsent bytes has changed.
    pub fn note(&mut self, unsent: usize) {
        if unsent > self.marks.high {
            self.paused = true;
        } else if unsent <= self.marks.low {
            self.paused = false;
        }
    }

    /// The producer has to wait.
    pub fn is_paused(&self) -> bool {
        self.paused
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, WaterMarks};

    // spec: FLO-01, FLO-02
    #[test]
    fn one_mark_gives_the_other() {
        let both = |marks: WaterMarks| (marks.low(), marks.high());
        assert_eq!(both(WaterMarks::default()), (16 * 1024, 64 * 1024));
        assert_eq!(both(WaterMarks::high_at(100)), (25, 100));
        assert_eq!(both(WaterMarks::low_at(100)), (100, 400));
        assert_eq!(both(WaterMarks::high_at(0)), (0, 0));
        assert_eq!(WaterMarks::new(7, 7).map(both), Some((7, 7)));
        assert_eq!(WaterMarks::new(8, 7), None);
    }

    // spec: FLO-03, FLO-04
    #[test]
    fn strictly_above_the_high_mark_pauses_and_at_the_low_mark_resumes() {
        let mut flow = Flow::default();
        flow.set_marks(WaterMarks::new(2, 5).unwrap(), 0);
        let mut step = |unsent| {
            flow.note(unsent);
            flow.is_paused()
        };
        assert_eq!(
            [0, 5, 6, 5, 3, 2, 5, 6, 0].map(&mut step),
            [false, false, true, true, true, false, false, true, false]
        );
    }

    // spec: FLO-05
    #[test]
    fn new_marks_count_at_once() {
        let mut flow = Flow::default();
        flow.note(100);
        assert!(!flow.is_paused());
        flow.set_marks(WaterMarks::high_at(99), 100);
        assert!(flow.is_paused());
        flow.set_marks(WaterMarks::low_at(100), 100);
        assert!(!flow.is_paused());
    }
}
