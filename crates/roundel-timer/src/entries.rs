//! The timers themselves, in slots that are used again: a slab with generation-checked keys.

use crate::{deadline::Deadline, timer_key::TimerKey};

/// The number of a place in the slab.
pub(crate) type Slot = u32;

/// No slot's number: the end of the list of vacant slots, and a hole in a run.
pub(crate) const NO_SLOT: Slot = u32::MAX;

/// A queue of fewer timers than this has positions below [`DUE`], holes included.
const TIMERS_MAX: usize = 1 << 30;

/// Positions from here on are those of due timers, numbered as they became due.
const DUE: u32 = 1 << 31;

/// A waiting or due timer as the slab keeps it. The deadline stays an `Instant`, because comparing
/// two costs a few instructions and making a number of one costs sixty, which most never need.
pub(crate) struct Timer<T> {
    pub(crate) deadline: Deadline,
    pub(crate) value: T,
}

/// A place in the slab: twenty-four bytes beside the value, whatever its type, as the vacant place
/// hides in the invalid values of `deadline`.
struct Place<T> {
    /// The occupant's, or that of the next one.
    generation: u32,
    /// The occupant's position: where in its run the slot was put, or when it became due. Of a
    /// vacant place, the next vacant one.
    link: u32,
    timer: Option<Timer<T>>,
}

/// Whether a timer in this position is out of the order, and not yet taken.
#[inline]
pub(crate) fn is_due(position: u32) -> bool {
    position >= DUE
}

/// The position of the `nth` timer to become due.
pub(crate) fn due_position(nth: usize) -> u32 {
    DUE.saturating_add(u32::try_from(nth).unwrap_or(DUE))
}

/// The generation of a slot that must not be used again.
const RETIRED: u32 = u32::MAX;

/// A slot older than this is kept when others are trimmed, so that `first_generation`, which rises
/// with every slot given up, can never come near `RETIRED`.
const TRIMMED_GENERATION_MAX: u32 = u32::MAX / 2;

/// No memory is given back below this many slots.
const TRIM_LEAST: usize = 1024;

pub(crate) struct Entries<T> {
    places: Vec<Place<T>>,
    /// Head of the list of vacant slots.
    vacant: Slot,
    occupied: usize,
    /// The generation of a slot made now: beyond that of every slot given up.
    first_generation: u32,
    /// Below how many occupied slots it is time to trim.
    trim_below: usize,
}

impl<T> Entries<T> {
    pub(crate) fn new() -> Self {
        Self {
            places: Vec::new(),
            vacant: NO_SLOT,
            occupied: 0,
            first_generation: 0,
            trim_below: 0,
        }
    }

    /// The slot the next `insert` will use.
    #[inline]
    #[track_caller]
    pub(crate) fn next_slot(&self) -> Slot {
        if self.vacant != NO_SLOT {
            return self.vacant;
        }
        assert!(self.places.len() < TIMERS_MAX, "a queue holds fewer than 2^30 timers");
        self.places.len() as Slot
    }

    /// Whether `insert` will use a slot again.
    #[inline]
    pub(crate) fn has_vacant(&self) -> bool {
        self.vacant != NO_SLOT
    }

    #[inline]
    pub(crate) fn insert(&mut self, deadline: Deadline, position: u32, value: T) -> TimerKey {
        let slot = self.vacant;
        let timer = Timer { deadline, value };
        match self.places.get_mut(slot as usize) {
            Some(place) if place.timer.is_none() => {
                self.vacant = place.link;
                place.link = position;
                place.timer = Some(timer);
                self.occupied += 1;
                TimerKey { slot, generation: place.generation }
            }
            _ => self.push(timer, position),
        }
    }

    #[cold]
    fn push(&mut self, timer: Timer<T>, position: u32) -> TimerKey {
        let (slot, generation) = (self.places.len() as Slot, self.first_generation);
        self.places.push(Place { generation, link: position, timer: Some(timer) });
        self.trim_below = if self.places.len() > TRIM_LEAST { self.places.len() / 4 } else { 0 };
        self.occupied += 1;
        TimerKey { slot, generation }
    }

    #[inline]
    pub(crate) fn get(&self, key: TimerKey) -> Option<&Timer<T>> {
        let place = self.places.get(key.slot as usize)?;
        if place.generation == key.generation { place.timer.as_ref() } else { None }
    }

    /// The deadline of the timer in `slot`.
    #[inline]
    pub(crate) fn deadline_in(&self, slot: Slot) -> Option<Deadline> {
        Some(self.places.get(slot as usize)?.timer.as_ref()?.deadline)
    }

    /// The place of this key's timer.
    #[inline]
    pub(crate) fn occupied_mut(&mut self, key: TimerKey) -> Option<Occupied<'_, T>> {
        let Self { places, vacant, occupied, .. } = self;
        let place = places.get_mut(key.slot as usize)?;
        let is_its = place.generation == key.generation && place.timer.is_some();
        is_its.then_some(Occupied { slot: key.slot, place, vacant, occupied })
    }

    /// Where the timer of this key is.
    pub(crate) fn position(&self, key: TimerKey) -> Option<u32> {
        self.get(key)?;
        Some(self.places[key.slot as usize].link)
    }

    /// Notes where the timer in `slot` is. False if there is no such slot.
    #[inline]
    pub(crate) fn set_position(&mut self, slot: Slot, position: u32) -> bool {
        let Some(place) = self.places.get_mut(slot as usize) else { return false };
        place.link = position;
        true
    }

    /// Moves the timer of this key to another deadline and position.
    pub(crate) fn reset(&mut self, key: TimerKey, deadline: Deadline, position: u32) {
        let place = &mut self.places[key.slot as usize];
        place.link = position;
        if let Some(timer) = &mut place.timer {
            timer.deadline = deadline;
        }
    }

    /// The key of the timer in `slot`.
    pub(crate) fn key_of(&self, slot: Slot) -> Option<TimerKey> {
        Some(TimerKey { slot, generation: self.places.get(slot as usize)?.generation })
    }

    pub(crate) fn remove(&mut self, key: TimerKey) -> Option<T> {
        self.occupied_mut(key)?.vacate()
    }

    /// The slots of the due timers, in the order in which they became due.
    pub(crate) fn due(&self) -> Vec<Slot> {
        let occupied = (0..).zip(&self.places).filter(|(_, place)| place.timer.is_some());
        let mut due: Vec<(u32, Slot)> = occupied
            .filter(|(_, place)| is_due(place.link))
            .map(|(slot, place)| (place.link, slot))
            .collect();
        due.sort_unstable();
        due.into_iter().map(|(_, slot)| slot).collect()
    }

    pub(crate) fn occupied(&self) -> usize {
        self.occupied
    }

    pub(crate) fn capacity(&self) -> usize {
        self.places.capacity()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.places.capacity() * size_of::<Place<T>>()
    }

    /// How many more timers may go before `trim` is worth its while; `None` if it is now.
    pub(crate) fn until_sparse(&self) -> Option<usize> {
        match self.trim_below {
            0 => Some(usize::MAX),
            trim_below => self.occupied.checked_sub(trim_below),
        }
    }

    /// Gives up the vacant slots at the end and their memory, and relinks the others so that low
    /// slots are used first. Runs again when three quarters of what is left have gone, or all but
    /// one: a timer that stays in a high slot holds the memory below it, but costs a logarithm of
    /// looks.
    #[cold]
    pub(crate) fn trim(&mut self) {
        while let Some(Place {
            generation: generation @ ..=TRIMMED_GENERATION_MAX,
            timer: None,
            ..
        }) = self.places.last()
        {
            self.first_generation = self.first_generation.max(*generation);
            self.places.pop();
        }
        self.places.shrink_to((self.places.len() * 2).max(TRIM_LEAST));
        self.trim_below = match self.places.len() {
            ..=TRIM_LEAST => 0,
            places => (places / 4).min((self.occupied / 4 + 1).max(self.occupied.min(2))),
        };

        self.vacant = NO_SLOT;
        for (slot, place) in self.places.iter_mut().enumerate().rev() {
            if place.timer.is_none() && place.generation != RETIRED {
                place.link = self.vacant;
                self.vacant = slot as Slot;
            }
        }
    }
}

/// A place with a timer in it, found by its key.
pub(crate) struct Occupied<'a, T> {
    slot: Slot,
    place: &'a mut Place<T>,
    vacant: &'a mut Slot,
    occupied: &'a mut usize,
}

impl<T> Occupied<'_, T> {
    #[inline]
    pub(crate) fn position(&self) -> u32 {
        self.place.link
    }

    /// Takes the timer out, and with it all keys their meaning.
    #[inline]
    pub(crate) fn vacate(self) -> Option<T> {
        let Self { slot, place, vacant, occupied } = self;
        place.generation += 1;
        place.link = *vacant;
        if place.generation != RETIRED {
            *vacant = slot;
        }
        *occupied -= 1;
        place.timer.take().map(|timer| timer.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(entries: &mut Entries<u64>, value: u64) -> TimerKey {
        entries.insert(Deadline::NEVER, 0, value)
    }

    fn remove(entries: &mut Entries<u64>, key: TimerKey) -> Option<u64> {
        let value = entries.remove(key);
        if entries.until_sparse().is_none() {
            entries.trim();
        }
        value
    }

    #[test]
    fn an_entry_costs_twenty_four_bytes_beside_its_value() {
        assert_eq!(size_of::<Place<u64>>(), 24 + 8);
        assert_eq!(size_of::<Place<Box<dyn FnOnce()>>>(), 24 + 16);
        assert_eq!(size_of::<TimerKey>(), 8);
    }

    #[test]
    fn a_slot_is_used_again_under_another_key() {
        let mut entries = Entries::new();
        let first = insert(&mut entries, 1);
        assert_eq!(remove(&mut entries, first), Some(1));
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
        entries.remove(next);
        entries.trim();
        assert_ne!(insert(&mut entries, 3).slot, last.slot);
    }

    #[test]
    fn keys_stay_stale_when_their_slots_have_been_given_up() {
        let mut entries = Entries::new();
        let keys: Vec<_> = (0..5000).map(|value| insert(&mut entries, value)).collect();
        for key in &keys {
            remove(&mut entries, *key);
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
            remove(&mut entries, *key);
        }
        assert_eq!(entries.get(keys[4999]).map(|entry| entry.value), Some(4999));
        assert!(insert(&mut entries, 0).slot < 100);
    }
}
