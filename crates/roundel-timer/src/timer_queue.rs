//! The timers of a program, handed out in the order of their deadlines.
//!
//! `Entries` keeps the values under their keys, `Order` keeps the ranks sorted; here the two are
//! held together.

use std::{fmt, time::Instant};

use crate::{
    deadline::Deadline,
    entries::{Entries, Stage},
    order::{Order, Removal},
    rank::Rank,
    statistics::TimerStatistics,
    timeline::{NEVER, Timeline},
    timer_key::TimerKey,
};

/// This many cancelled timers may stay stored, however few wait; asyncio allows a hundred.
const CANCELLED_LEAST: usize = 64;

/// Timers in the exact order of their deadlines, first come first served among equal ones.
///
/// The queue reads no clock and runs nothing: it is told the time and hands the values back. A
/// timer lives through two stages. It *waits*, until [`next_due`](Self::next_due) finds its
/// deadline passed. Then it is *due*: out of the order, its value kept under its key until
/// [`take`](Self::take) hands it out. So whoever queues due timers for running can still have one
/// cancelled at the last moment.
///
/// ```
/// use roundel_timer::TimerQueue;
/// use std::time::{Duration, Instant};
///
/// let ms = Duration::from_millis(1);
/// let start = Instant::now();
/// let mut timers = TimerQueue::new();
/// timers.insert(start + 2 * ms, "second");
/// timers.insert(start + 1 * ms, "first");
/// let timeout = timers.insert(start + 3 * ms, "never fires");
///
/// assert_eq!(timers.cancel(timeout), Some("never fires"));
/// assert_eq!(timers.next_deadline(), Some(start + ms));
/// assert_eq!(timers.pop_due(start), None);
/// assert_eq!(timers.pop_due(start + 5 * ms), Some("first"));
/// assert_eq!(timers.pop_due(start + 5 * ms), Some("second"));
/// assert!(timers.is_empty());
/// ```
///
/// # Cost
///
/// Inserting and cancelling take constant time, amortised; handing a timer out costs a share of
/// one or two passes over memory and of a sort of about a hundred. Single calls can be longer: the
/// first look into a million unsorted timers distributes them all.
///
/// A timer takes 40 bytes beside its value: 24 in its entry, 16 in the order. The cancelled timers
/// still stored (16 bytes, the value is gone) are never more than those waiting, or than 64; memory
/// is given back after a burst. [`statistics`](Self::statistics) shows both.
///
/// # Range
///
/// Deadlines are exact to the nanosecond within 292 years of the queue's making. Beyond that a
/// deadline counts as [`NEVER`](Deadline::NEVER).
#[doc(alias = "heapq")]
#[doc(alias = "_scheduled")]
pub struct TimerQueue<T> {
    timeline: Timeline,
    entries: Entries<T>,
    order: Order,
    waiting: usize,
    next_sequence: u32,
}

impl<T> TimerQueue<T> {
    /// An empty queue. It allocates with its first timer.
    pub fn new() -> Self {
        Self {
            timeline: Timeline::new(),
            entries: Entries::new(),
            order: Order::default(),
            waiting: 0,
            next_sequence: 0,
        }
    }

    /// Adds a timer that hands out `value` at `deadline`, and behind all timers that already wait
    /// for the same deadline.
    ///
    /// A deadline in the past is due at once, before later ones. One that is
    /// [`NEVER`](Deadline::NEVER) is held until it is cancelled.
    ///
    /// # Panics
    ///
    /// If the queue holds `2^32 - 1` timers.
    #[doc(alias = "call_at")]
    #[doc(alias = "heappush")]
    #[track_caller]
    pub fn insert(&mut self, deadline: impl Into<Deadline>, value: T) -> TimerKey {
        let ticks = self.timeline.ticks_of(deadline.into());
        let sequence = self.take_sequence();
        let position = self.join(Rank::new(ticks, sequence, self.entries.next_slot()));
        self.waiting += 1;
        self.entries.insert(ticks, sequence, position, value)
    }

    /// Removes the timer and gives its value back, whether it waits or is due; `None` if it was
    /// cancelled or taken before.
    pub fn cancel(&mut self, key: TimerKey) -> Option<T> {
        let entry = self.entries.remove(key)?;
        if entry.stage == Stage::Waiting {
            self.waiting -= 1;
            self.leave(entry.rank(key.slot), entry.position);
        }
        Some(entry.value)
    }

    /// Moves a waiting timer to another deadline, as if it had been inserted just now.
    ///
    /// False, and nothing changes, if the timer no longer waits: a due timer is on its way.
    #[doc(alias = "reschedule")]
    pub fn reset(&mut self, key: TimerKey, deadline: impl Into<Deadline>) -> bool {
        let ticks = self.timeline.ticks_of(deadline.into());
        if !self.is_waiting(key) {
            return false;
        }
        let sequence = self.take_sequence();
        let Some(entry) = self.entries.get_mut(key) else { return false };
        let (rank, position) = (entry.rank(key.slot), entry.position);
        (entry.ticks, entry.sequence) = (ticks, sequence);
        self.leave(rank, position);
        let position = self.join(Rank::new(ticks, sequence, key.slot));
        if let Some(entry) = self.entries.get_mut(key) {
            entry.position = position;
        }
        true
    }

    /// The value of a timer, waiting or due.
    pub fn get(&self, key: TimerKey) -> Option<&T> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// The deadline of a timer, waiting or due.
    #[doc(alias = "when")]
    pub fn deadline(&self, key: TimerKey) -> Option<Deadline> {
        self.entries.get(key).map(|entry| self.timeline.deadline(entry.ticks))
    }

    /// The earliest deadline of all waiting timers, which is how long a loop may block; `None` if
    /// none will ever be due. Cancelled timers do not count.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        let rank = self.earliest()?;
        self.timeline.deadline(rank.ticks()).instant()
    }

    /// Makes the earliest timer due, if its deadline is not after `now`.
    ///
    /// The timer leaves the order; its value stays under the key until [`take`](Self::take) or
    /// [`cancel`](Self::cancel). Each call makes one timer due, so the caller decides how many are
    /// run before it looks at anything else. A `now` earlier than that of the call before is
    /// no error; it finds fewer timers.
    pub fn next_due(&mut self, now: Instant) -> Option<TimerKey> {
        let rank = self.pop_rank(now)?;
        let key = self.entries.key_of(rank.slot())?;
        self.entries.get_mut(key)?.stage = Stage::Due;
        Some(key)
    }

    /// Hands out the value of a timer that [`next_due`](Self::next_due) has returned; `None` if it
    /// was cancelled since, or still waits.
    pub fn take(&mut self, key: TimerKey) -> Option<T> {
        match self.entries.get(key)?.stage {
            Stage::Due => self.entries.remove(key).map(|entry| entry.value),
            Stage::Waiting => None,
        }
    }

    /// [`next_due`](Self::next_due) and [`take`](Self::take) at once.
    #[doc(alias = "heappop")]
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        let rank = self.pop_rank(now)?;
        let key = self.entries.key_of(rank.slot())?;
        self.entries.remove(key).map(|entry| entry.value)
    }

    /// The number of timers that wait. Due ones are not counted.
    pub fn len(&self) -> usize {
        self.waiting
    }

    /// Whether no timer waits.
    pub fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Empties the queue at once and gives the values back one by one, in the order of their
    /// deadlines; due timers come in their place, those without a deadline last.
    ///
    /// The iterator does not borrow the queue: whoever drops the values may use it again.
    #[must_use = "the values are dropped with the iterator"]
    pub fn drain(&mut self) -> impl ExactSizeIterator<Item = T> + use<T> {
        self.order.drain();
        self.waiting = 0;
        let mut entries = self.entries.drain();
        entries.sort_unstable_by_key(|entry| (entry.ticks, entry.sequence));
        entries.into_iter().map(|entry| entry.value)
    }

    /// Drops every timer, waiting and due. See [`drain`](Self::drain) to get the values back.
    pub fn clear(&mut self) {
        drop(self.drain());
    }

    /// What the queue holds at this moment.
    pub fn statistics(&self) -> TimerStatistics {
        TimerStatistics {
            waiting: self.waiting,
            due: self.entries.occupied() - self.waiting,
            cancelled: self.order.dead(),
            capacity: self.entries.capacity(),
            heap_bytes: self.entries.heap_bytes() + self.order.heap_bytes(),
        }
    }

    fn is_waiting(&self, key: TimerKey) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.stage == Stage::Waiting)
    }

    #[inline]
    fn earliest(&mut self) -> Option<Rank> {
        let entries = &self.entries;
        self.order.earliest(|rank| is_alive(entries, rank))
    }

    /// Takes the earliest rank out of the order if it is due.
    #[inline]
    fn pop_rank(&mut self, now: Instant) -> Option<Rank> {
        let now = self.timeline.ticks(now);
        if self.order.begins_after(now) {
            return None;
        }
        let rank = self.earliest().filter(|rank| rank.ticks() <= now)?;
        self.order.pop();
        self.waiting -= 1;
        self.bound_the_dead();
        Some(rank)
    }

    /// Puts a timer into the order, unless it is never due; returns its position.
    fn join(&mut self, rank: Rank) -> u32 {
        if rank.ticks() == NEVER { 0 } else { self.order.insert(rank) }
    }

    /// Takes a timer out of the order.
    fn leave(&mut self, rank: Rank, position: u32) {
        if rank.ticks() == NEVER {
            return;
        }
        match self.order.remove(rank, position) {
            Removal::Gone { moved: None } => {}
            Removal::Gone { moved: Some(moved) } => {
                if let Some(entry) = self.entries.in_slot_mut(moved.slot()) {
                    entry.position = position;
                }
            }
            Removal::LeftBehind => self.bound_the_dead(),
        }
    }

    /// Sweeps when more than half of what is stored is dead, so each sweep is paid for by as many
    /// cancelled timers as it keeps.
    #[inline]
    fn bound_the_dead(&mut self) {
        if self.order.dead() > self.waiting.max(CANCELLED_LEAST) {
            let entries = &self.entries;
            self.order.sweep(|rank| is_alive(entries, rank));
        }
    }

    fn take_sequence(&mut self) -> u32 {
        if self.next_sequence == u32::MAX {
            self.renumber();
        }
        self.next_sequence += 1;
        self.next_sequence - 1
    }

    /// Starts the sequence numbers again, after four thousand million timers: the waiting ones get
    /// the first numbers, in their order.
    #[cold]
    fn renumber(&mut self) {
        let mut ranks = self.order.drain();
        ranks.retain(|rank| is_alive(&self.entries, *rank));
        ranks.sort_unstable();
        self.next_sequence = 0;
        for rank in ranks {
            let sequence = self.take_sequence();
            let position = self.join(Rank::new(rank.ticks(), sequence, rank.slot()));
            if let Some(entry) = self.entries.in_slot_mut(rank.slot()) {
                (entry.sequence, entry.position) = (sequence, position);
            }
        }
    }
}

/// Whether `rank`, found in the order, is that of a timer, and not of one cancelled or reset.
fn is_alive<T>(entries: &Entries<T>, rank: Rank) -> bool {
    entries.in_slot(rank.slot()).is_some_and(|entry| entry.sequence == rank.sequence())
}

impl<T> Default for TimerQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for TimerQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerQueue").field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_order_survives_the_end_of_the_sequence_numbers() {
        let mut timers = TimerQueue::new();
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        timers.next_sequence = u32::MAX - 400;

        let keys: Vec<_> = (0..300).map(|value| timers.insert(start, value)).collect();
        timers.insert(later, 1000);
        // Sorted now, so the cancelled ones are left behind.
        assert_eq!(timers.next_deadline(), Some(start));
        for key in keys.iter().skip(100).step_by(2) {
            timers.cancel(*key);
        }
        assert!(timers.reset(keys[0], start));
        for value in 300..600 {
            timers.insert(start, value);
        }
        assert!(timers.next_sequence < 1000, "the numbers did not start again");

        let kept = (1..100).chain((101..300).step_by(2)).chain([0]).chain(300..600).chain([1000]);
        let popped: Vec<_> = std::iter::from_fn(|| timers.pop_due(later)).collect();
        assert_eq!(popped, kept.collect::<Vec<_>>());
    }
}
