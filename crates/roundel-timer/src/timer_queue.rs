//! The timers of a program, handed out in the order of their deadlines.
//!
//! `Entries` keeps the values under their keys, `Order` keeps their slots in order; here the two
//! are held together.

use std::{fmt, time::Instant};

use crate::{
    clock::{Clock, SystemClock},
    deadline::Deadline,
    entries::{Entries, due_position, is_due},
    order::{Order, Rank},
    statistics::TimerStatistics,
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
/// Inserting and cancelling take constant time, amortised: as a rule one push and one store, and
/// no arithmetic with the deadline. Handing a timer out costs a share of one or two passes over
/// the entries and of a sort of about thirty. Single calls can be longer: the first look into a
/// million unsorted timers distributes them all.
///
/// A timer takes 28 bytes beside its value: 24 in its entry, 4 in the order. The cancelled timers
/// still stored (4 bytes, the value is gone) are never more than those waiting, or than 64; memory
/// is given back after a burst. [`statistics`](Self::statistics) shows both.
///
/// # Range
///
/// Every [`Instant`] is a deadline like any other, exact to the nanosecond.
#[doc(alias = "heapq")]
#[doc(alias = "_scheduled")]
pub struct TimerQueue<T> {
    entries: Entries<T>,
    order: Order,
    due: usize,
    /// How many timers became due since none was.
    due_in_a_row: usize,
    /// After how many departures `bound_memory` must be asked again.
    quiet: usize,
}

impl<T> TimerQueue<T> {
    /// An empty queue. It allocates with its first timer.
    pub fn new() -> Self {
        Self {
            entries: Entries::new(),
            order: Order::new(SystemClock.now()),
            due: 0,
            due_in_a_row: 0,
            quiet: 0,
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
    /// If the queue holds `2^30` timers.
    #[doc(alias = "call_at")]
    #[doc(alias = "heappush")]
    #[inline]
    #[track_caller]
    pub fn insert(&mut self, deadline: impl Into<Deadline>, value: T) -> TimerKey {
        let deadline = deadline.into();
        if self.entries.has_vacant()
            && let Some(run) = self.order.latest_for(deadline)
        {
            let position = run.push(self.entries.next_slot());
            return self.entries.insert(deadline, position, value);
        }
        self.insert_elsewhere(deadline, value)
    }

    #[inline(never)]
    #[track_caller]
    fn insert_elsewhere(&mut self, deadline: Deadline, value: T) -> TimerKey {
        let slot = self.entries.next_slot();
        let position = self.order.insert(&mut self.entries, deadline, slot);
        self.entries.insert(deadline, position, value)
    }

    /// Removes the timer and gives its value back, whether it waits or is due; `None` if it was
    /// cancelled or taken before.
    #[inline]
    pub fn cancel(&mut self, key: TimerKey) -> Option<T> {
        let timer = self.entries.occupied_mut(key)?;
        let position = timer.position();
        if self.quiet > 0 && self.order.remove_latest(key.slot, position) {
            self.quiet -= 1;
            return timer.vacate();
        }
        self.cancel_elsewhere(key, position)
    }

    #[inline(never)]
    fn cancel_elsewhere(&mut self, key: TimerKey, position: u32) -> Option<T> {
        self.leave(key, position);
        let value = self.entries.remove(key);
        self.bound_memory();
        value
    }

    /// Moves a waiting timer to another deadline, as if it had been inserted just now.
    ///
    /// False, and nothing changes, if the timer no longer waits: a due timer is on its way.
    #[doc(alias = "reschedule")]
    pub fn reset(&mut self, key: TimerKey, deadline: impl Into<Deadline>) -> bool {
        let deadline = deadline.into();
        let Some(position) = self.entries.position(key).filter(|position| !is_due(*position))
        else {
            return false;
        };
        self.leave(key, position);
        let position = self.order.insert(&mut self.entries, deadline, key.slot);
        self.entries.reset(key, deadline, position);
        self.bound_memory();
        true
    }

    /// The value of a timer, waiting or due.
    pub fn get(&self, key: TimerKey) -> Option<&T> {
        self.entries.get(key).map(|timer| &timer.value)
    }

    /// The deadline of a timer, waiting or due.
    #[doc(alias = "when")]
    pub fn deadline(&self, key: TimerKey) -> Option<Deadline> {
        self.entries.get(key).map(|timer| timer.deadline)
    }

    /// The earliest deadline of all waiting timers, which is how long a loop may block; `None` if
    /// none will ever be due. Cancelled timers do not count.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        self.order.earliest(&mut self.entries).map(|rank| rank.deadline)
    }

    /// Makes the earliest timer due, if its deadline is not after `now`.
    ///
    /// The timer leaves the order; its value stays under the key until [`take`](Self::take) or
    /// [`cancel`](Self::cancel). Each call makes one timer due, so the caller decides how many are
    /// run before it looks at anything else. A `now` earlier than that of the call before is
    /// no error; it finds fewer timers.
    pub fn next_due(&mut self, now: Instant) -> Option<TimerKey> {
        let key = self.pop_key(now)?;
        let nth = if self.due == 0 { 0 } else { self.due_in_a_row };
        self.entries.set_position(key.slot, due_position(nth));
        self.due_in_a_row = nth + 1;
        self.due += 1;
        self.note_departure();
        Some(key)
    }

    /// Hands out the value of a timer that [`next_due`](Self::next_due) has returned; `None` if it
    /// was cancelled since, or still waits.
    pub fn take(&mut self, key: TimerKey) -> Option<T> {
        if is_due(self.entries.position(key)?) { self.cancel(key) } else { None }
    }

    /// [`next_due`](Self::next_due) and [`take`](Self::take) at once.
    #[doc(alias = "heappop")]
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
        let key = self.pop_key(now)?;
        let value = self.entries.remove(key);
        self.note_departure();
        value
    }

    /// The number of timers that wait. Due ones are not counted.
    pub fn len(&self) -> usize {
        self.entries.occupied() - self.due
    }

    /// Whether no timer waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empties the queue at once and gives the values back one by one, in the order of their
    /// deadlines; due timers come in their place, those without a deadline last.
    ///
    /// The iterator does not borrow the queue: whoever drops the values may use it again.
    #[must_use = "the values are dropped with the iterator"]
    pub fn drain(&mut self) -> impl ExactSizeIterator<Item = T> + use<T> {
        let slots = self.entries.due().into_iter().chain(self.order.drain());
        let keys: Vec<_> = slots.filter_map(|slot| self.entries.key_of(slot)).collect();
        let mut timers: Vec<_> = keys
            .into_iter()
            .filter_map(|key| Some((self.deadline(key)?, self.entries.remove(key)?)))
            .collect();
        (self.due, self.quiet) = (0, 0);
        self.entries.trim();
        // Equal deadlines stand by arrival, and the sort is stable.
        timers.sort_by_key(|(deadline, _)| *deadline);
        timers.into_iter().map(|(_, value)| value)
    }

    /// Drops every timer, waiting and due. See [`drain`](Self::drain) to get the values back.
    pub fn clear(&mut self) {
        drop(self.drain());
    }

    /// What the queue holds at this moment.
    pub fn statistics(&self) -> TimerStatistics {
        TimerStatistics {
            waiting: self.len(),
            due: self.due,
            cancelled: self.order.holes(),
            capacity: self.entries.capacity(),
            heap_bytes: self.entries.heap_bytes() + self.order.heap_bytes(),
        }
    }

    /// Takes a timer out of the order, or off the count of the due.
    #[inline(never)]
    fn leave(&mut self, key: TimerKey, position: u32) {
        if is_due(position) {
            self.due -= 1;
        } else if let Some(deadline) = self.deadline(key) {
            self.order.remove(deadline, key.slot, position);
        }
    }

    /// Takes the earliest timer out of the order if it is due.
    #[inline]
    fn pop_key(&mut self, now: Instant) -> Option<TimerKey> {
        if self.order.begins_after(now) {
            return None;
        }
        let Rank { deadline, slot } = self.order.earliest(&mut self.entries)?;
        if deadline > now {
            return None;
        }
        self.order.pop();
        self.entries.key_of(slot)
    }

    #[inline]
    fn note_departure(&mut self) {
        match self.quiet.checked_sub(1) {
            Some(quiet) => self.quiet = quiet,
            None => self.bound_memory(),
        }
    }

    /// Sweeps when the holes outnumber the waiting, so each sweep is paid for by as many timers
    /// that have left as it keeps; trims when most entries are vacant. Then reckons for how many
    /// departures neither can be needed, so that most need not ask.
    fn bound_memory(&mut self) {
        let sparse = self.entries.until_sparse().is_none();
        if sparse {
            self.entries.trim();
        }
        if sparse || self.order.holes() > self.len().max(CANCELLED_LEAST) {
            self.order.sweep(&mut self.entries);
        }
        // Each departure may make a hole, and leaves one timer less.
        let holes = self.order.holes();
        let few = CANCELLED_LEAST.saturating_sub(holes);
        let unswept = few.max(self.len().saturating_sub(holes) / 2);
        self.quiet = unswept.min(self.entries.until_sparse().unwrap_or(0));
    }
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
