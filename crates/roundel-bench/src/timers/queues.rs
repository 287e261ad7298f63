//! Queues of timers: ours, and what one would write by hand.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Instant,
};

use roundel_timer::{TimerKey, TimerQueue};

/// What every queue can do.
pub(crate) trait Queue<T>: Default + 'static {
    /// Names a timer until it has fired or was cancelled.
    type Key;

    fn insert(&mut self, deadline: Instant, value: T) -> Self::Key;
    fn cancel(&mut self, key: Self::Key) -> Option<T>;
    fn pop_due(&mut self, now: Instant) -> Option<T>;
    fn next_deadline(&mut self) -> Option<Instant>;
}

impl<T: 'static> Queue<T> for TimerQueue<T> {
    type Key = TimerKey;

    fn insert(&mut self, deadline: Instant, value: T) -> TimerKey {
        self.insert(deadline, value)
    }

    fn cancel(&mut self, key: TimerKey) -> Option<T> {
        self.cancel(key)
    }

    fn pop_due(&mut self, now: Instant) -> Option<T> {
        self.pop_due(now)
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        self.next_deadline()
    }
}

/// A binary heap of slots. What is cancelled stays in the heap until it comes up, or until it
/// outnumbers what lives.
pub(crate) struct Heap<T> {
    order: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    /// The value with the number it was inserted under, which a slot's next user does not have.
    slots: Vec<Option<(u64, T)>>,
    free: Vec<usize>,
    inserted: u64,
    cancelled: usize,
}

impl<T> Default for Heap<T> {
    fn default() -> Self {
        Self {
            order: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            inserted: 0,
            cancelled: 0,
        }
    }
}

impl<T> Heap<T> {
    fn lives(slots: &[Option<(u64, T)>], number: u64, slot: usize) -> bool {
        slots[slot].as_ref().is_some_and(|(inserted, _)| *inserted == number)
    }

    fn take(&mut self, number: u64, slot: usize) -> Option<T> {
        if !Self::lives(&self.slots, number, slot) {
            return None;
        }
        self.free.push(slot);
        self.slots[slot].take().map(|(_, value)| value)
    }

    /// The earliest that lives, left in the heap.
    fn earliest(&mut self) -> Option<(Instant, u64, usize)> {
        loop {
            let Reverse(earliest) = *self.order.peek()?;
            if Self::lives(&self.slots, earliest.1, earliest.2) {
                return Some(earliest);
            }
            self.order.pop();
            self.cancelled -= 1;
        }
    }
}

impl<T: 'static> Queue<T> for Heap<T> {
    type Key = (u64, usize);

    fn insert(&mut self, deadline: Instant, value: T) -> Self::Key {
        self.inserted += 1;
        let entry = Some((self.inserted, value));
        let slot = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(slot) {
            Some(place) => *place = entry,
            None => self.slots.push(entry),
        }
        self.order.push(Reverse((deadline, self.inserted, slot)));
        (self.inserted, slot)
    }

    fn cancel(&mut self, (number, slot): Self::Key) -> Option<T> {
        let value = self.take(number, slot)?;
        self.cancelled += 1;
        if self.cancelled > 64 && self.cancelled * 2 > self.order.len() {
            let slots = &self.slots;
            self.order.retain(|Reverse((_, number, slot))| Self::lives(slots, *number, *slot));
            self.cancelled = 0;
        }
        Some(value)
    }

    fn pop_due(&mut self, now: Instant) -> Option<T> {
        let (_, number, slot) = self.earliest().filter(|(deadline, ..)| *deadline <= now)?;
        self.order.pop();
        self.take(number, slot)
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        self.earliest().map(|(deadline, ..)| deadline)
    }
}

/// A search tree: everything at the same price.
pub(crate) struct Tree<T> {
    order: BTreeMap<(Instant, u64), T>,
    inserted: u64,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { order: BTreeMap::new(), inserted: 0 }
    }
}

impl<T: 'static> Queue<T> for Tree<T> {
    type Key = (Instant, u64);

    fn insert(&mut self, deadline: Instant, value: T) -> Self::Key {
        self.inserted += 1;
        self.order.insert((deadline, self.inserted), value);
        (deadline, self.inserted)
    }

    fn cancel(&mut self, key: Self::Key) -> Option<T> {
        self.order.remove(&key)
    }

    fn pop_due(&mut self, now: Instant) -> Option<T> {
        let earliest = self.order.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(earliest.remove())
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        self.order.first_key_value().map(|(key, _)| key.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What is compared must do the same.
    fn hands_out_what_was_not_cancelled_in_order(mut queue: impl Queue<usize>) {
        let start = Instant::now();
        let at = |nth: usize| start + Duration::from_millis(nth as u64);
        let keys: Vec<_> = (0..1000).rev().map(|nth| queue.insert(at(nth), nth)).collect();
        for (nth, key) in (0..1000).rev().zip(keys) {
            if nth % 3 > 0 {
                assert_eq!(queue.cancel(key), Some(nth));
            }
        }
        assert_eq!(queue.next_deadline(), Some(start));
        let due: Vec<_> = std::iter::from_fn(|| queue.pop_due(at(500))).collect();
        assert_eq!(due, (0..=500).step_by(3).collect::<Vec<_>>());
        assert_eq!(queue.next_deadline(), Some(at(501)));
    }

    #[test]
    fn the_queues_agree() {
        hands_out_what_was_not_cancelled_in_order(TimerQueue::new());
        hands_out_what_was_not_cancelled_in_order(Heap::default());
        hands_out_what_was_not_cancelled_in_order(Tree::default());
    }
}
