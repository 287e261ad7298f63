//! How a timer is named from outside.

/// Names one timer of one [`TimerQueue`](crate::TimerQueue), for as long as the queue holds it.
///
/// A key outlives its timer harmlessly: it is checked against the generation of its slot and never
/// reaches another timer of the queue. A slot whose generations are used up, after four thousand
/// million timers, is retired. In another queue the key means nothing, and may name anything.
///
/// ```
/// use roundel_timer::TimerQueue;
/// use std::time::Instant;
///
/// let now = Instant::now();
/// let mut timers = TimerQueue::new();
/// let gone = timers.insert(now, "a");
/// timers.cancel(gone);
/// timers.insert(now, "b"); // in the same slot
/// assert_eq!(timers.cancel(gone), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimerKey {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}
