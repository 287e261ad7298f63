//! What a queue holds, as a plain struct: for tests, and for whoever wonders where memory went.

/// What a [`TimerQueue`](crate::TimerQueue) holds at one moment.
///
/// ```
/// use roundel_timer::{Deadline, TimerQueue};
///
/// let mut timers = TimerQueue::new();
/// timers.insert(Deadline::NEVER, ());
/// assert_eq!(timers.statistics().waiting, 1);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimerStatistics {
    /// Timers that wait for their deadline.
    pub waiting: usize,
    /// Timers made due and not yet taken.
    pub due: usize,
    /// Places in the order that cancelled or reset timers have left and that are still stored.
    pub cancelled: usize,
    /// Timers the queue has room for without allocating entries.
    pub capacity: usize,
    /// Memory the queue has allocated, the values' own included, what they point to not.
    pub heap_bytes: usize,
}
