//! The timers themselves, in slots that are used again: a slab with generation-checked keys.

use crate::{rank::Rank, timeline::Ticks, timer_key::TimerKey};

/// One timer. Twenty-four bytes beside the value, whatever its type: the vacant slot hides in the
/// invalid values of `stage`.
pub(crate) struct Entry<T> {
    pub(crate) ticks: Ticks,
    pub(crate) sequence: u32,
    /// Where in its run the rank was put; a hint.
    pub(crate) position: u32,
    pub(crate) stage: Stage,
    pub(crate) value: T,
    generation: u32,
}

impl<T> Entry<T> {
    /// The rank of this entry, which lives in `slot`.
    pub(crate) fn rank(&self, slot: u32) -> Rank {
        Rank::new(self.ticks, self.sequence, slot)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In the order, or never due.
    Waiting,
    /// Out of the order, not yet taken.
    Due,
}

enum Slot<T> {
    /// `generation` is the next occupant's, `next` the next vacant slot.
    Vacant {
        generation: u32,
        next: u32,
    },
    Occupied(Entry<T>),
}

/// The end of the list of vacant slots, hence no slot's number.
const NO_SLOT: u32 = u32::MAX;

/// The generation of a slot that must not be used again.
const RETIRED: u32 = u32::MAX;

/// A slot older than this is kept when others are trimmed, so that `first_generation`, which rises
/// with every slot given up, can never come near `RETIRED`.
const TRIMMED_GENERATION_MAX: u32 = u32::MAX / 2;

/// No memory is given back below this many slots.
const TRIM_LEAST: usize = 1024;

pub(crate) struct Entries<T> {
    slots: Vec<Slot<T>>,
    /// Head of the list of vacant slots.
    vacant: u32,
    occupied: usize,
    /// The generation of a slot made now: beyond that of every slot given up.
    first_generation: u32,
    /// Down to how many occupied slots nothing is trimmed.
    trim_at: usize,
}

impl<T> Entries<T> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), vacant: NO_SLOT, occupied: 0, first_generation: 0, trim_at: 0 }
    }

    /// The slot the next `insert` will use.
    #[track_caller]
    pub(crate) fn next_slot(&self) -> u32 {
        if self.vacant != NO_SLOT {
            return self.vacant;
        }
        assert!(self.slots.len() < NO_SLOT as usize, "a queue holds fewer than 2^32 timers");
        self.slots.len() as u32
    }

    pub(crate) fn insert(
        &mut self,
        ticks: Ticks,
        sequence: u32,
        position: u32,
        value: T,
    ) -> TimerKey {
        let slot = self.next_slot();
        let entry = |generation| {
            Slot::Occupied(Entry {
                ticks,
                sequence,
                position,
                stage: Stage::Waiting,
                value,
                generation,
            })
        };
        let generation = match self.slots.get_mut(slot as usize) {
            Some(place) => {
                let Slot::Vacant { generation, next } = *place else {
                    unreachable!("the list of vacant slots holds vacant slots")
                };
                *place = entry(generation);
                self.vacant = next;
                generation
            }
            None => {
                self.slots.push(entry(self.first_generation));
                self.trim_at = self.slots.len() / 4;
                self.first_generation
            }
        };
        self.occupied += 1;
        TimerKey { slot, generation }
    }

    pub(crate) fn get(&self, key: TimerKey) -> Option<&Entry<T>> {
        self.in_slot(key.slot).filter(|entry| entry.generation == key.generation)
    }

    pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut Entry<T>> {
        self.in_slot_mut(key.slot).filter(|entry| entry.generation == key.generation)
    }

    pub(crate) fn in_slot(&self, slot: u32) -> Option<&Entry<T>> {
        match self.slots.get(slot as usize) {
            Some(Slot::Occupied(entry)) => Some(entry),
            _ => None,
        }
    }

    pub(crate) fn in_slot_mut(&mut self, slot: u32) -> Option<&mut Entry<T>> {
        match self.slots.get_mut(slot as usize) {
            Some(Slot::Occupied(entry)) => Some(entry),
            _ => None,
        }
    }

    /// The key of the timer in `slot`.
    pub(crate) fn key_of(&self, slot: u32) -> Option<TimerKey> {
        self.in_slot(slot).map(|entry| TimerKey { slot, generation: entry.generation })
    }

    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<Entry<T>> {
        self.get(key)?;
        let entry = self.vacate(key.slot)?;
        if self.slots.len() > TRIM_LEAST && self.occupied <= self.trim_at {
            self.trim();
        }
        Some(entry)
    }

    /// Takes out every timer, in the order of the slots.
    pub(crate) fn drain(&mut self) -> Vec<Entry<T>> {
        let slots = 0..self.slots.len() as u32;
        let entries = slots.filter_map(|slot| self.vacate(slot)).collect();
        self.trim();
        entries
    }

    pub(crate) fn occupied(&self) -> usize {
        self.occupied
    }

    pub(crate) fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot<T>>()
    }

    fn vacate(&mut self, slot: u32) -> Option<Entry<T>> {
        let place = &mut self.slots[slot as usize];
        let Slot::Occupied(Entry { generation, .. }) = place else { return None };
        let generation = *generation + 1;
        let next = self.vacant;
        if generation != RETIRED {
            self.vacant = slot;
        }
        self.occupied -= 1;
        match std::mem::replace(place, Slot::Vacant { generation, next }) {
            Slot::Occupied(entry) => Some(entry),
            Slot::Vacant { .. } => None,
        }
    }

    /// Gives up the vacant slots at the end and their memory, and relinks the others so that low
    /// slots are used first. Runs again when half of what is left has gone: a timer that stays in
    /// a high slot holds the memory below it, but costs a logarithm of looks.
    #[cold]
    fn trim(&mut self) {
        while let Some(Slot::Vacant {
            generation: generation @ ..=TRIMMED_GENERATION_MAX, ..
        }) = self.slots.last()
        {
            self.first_generation = self.first_generation.max(*generation);
            self.slots.pop();
        }
        self.slots.shrink_to((self.slots.len() * 2).max(TRIM_LEAST));
        self.trim_at = (self.slots.len() / 4).min(self.occupied / 2);

        self.vacant = NO_SLOT;
        for (slot, place) in self.slots.iter_mut().enumerate().rev() {
            match place {
                Slot::Vacant { generation, next } if *generation != RETIRED => {
                    *next = self.vacant;
                    self.vacant = slot as u32;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(entries: &mut Entries<u64>, value: u64) -> TimerKey {
        entries.insert(0, 0, 0, value)
    }

    #[test]
    fn an_entry_costs_twenty_four_bytes_beside_its_value() {
        assert_eq!(size_of::<Slot<u64>>(), 24 + 8);
        assert_eq!(size_of::<Slot<Box<dyn FnOnce()>>>(), 24 + 16);
        assert_eq!(size_of::<TimerKey>(), 8);
    }

    #[test]
    fn a_slot_is_used_again_under_another_key() {
        let mut entries = Entries::new();
        let first = insert(&mut entries, 1);
        assert_eq!(entries.remove(first).map(|entry| entry.value), Some(1));
        let second = insert(&mut entries, 2);
        assert_eq!(first.slot, second.slot);
        assert!(entries.get(first).is_none());
        assert!(entries.remove(first).is_none());
        assert_eq!(entries.get(second).map(|entry| entry.value), Some(2));
    }

    #[test]
    fn a_slot_with_no_generations_left_is_retired() {
        let mut entries = Entries::new();
        entries.first_generation = RETIRED - 1;
        let last = insert(&mut entries, 1);
        entries.first_generation = 0;
        entries.remove(last);
        let next = insert(&mut entries, 2);
        assert_ne!(last.slot, next.slot);
        entries.drain();
        assert_ne!(insert(&mut entries, 3).slot, last.slot);
    }

    #[test]
    fn keys_stay_stale_when_their_slots_have_been_given_up() {
        let mut entries = Entries::new();
        let keys: Vec<_> = (0..5000).map(|value| insert(&mut entries, value)).collect();
        for key in &keys {
            entries.remove(*key);
        }
        assert!(entries.capacity() <= TRIM_LEAST);
        for value in 0..5000 {
            insert(&mut entries, value);
        }
        assert!(keys.iter().all(|key| entries.get(*key).is_none()));
    }

    #[test]
    fn a_timer_in_a_high_slot_survives_the_trim_and_low_slots_come_first() {
        let mut entries = Entries::new();
        let keys: Vec<_> = (0..5000).map(|value| insert(&mut entries, value)).collect();
        for key in &keys[..4999] {
            entries.remove(*key);
        }
        assert_eq!(entries.get(keys[4999]).map(|entry| entry.value), Some(4999));
        assert!(insert(&mut entries, 0).slot < 100);
    }
}
