//! A run: timers of neighbouring deadlines in the order in which they were set, and in no other.

use std::time::Instant;

use crate::entries::{Entries, NO_SLOT, Slot};

/// The slots of timers at or above `floor`, by arrival. A timer that leaves makes a hole, so none
/// has to be moved, arrival stays the order of equal deadlines, and an entry's position is exact:
/// a slot lies where its position says, or in another run.
pub(crate) struct Run {
    pub(crate) floor: Instant,
    slots: Vec<Slot>,
}

impl Run {
    pub(crate) fn new(floor: Instant, slots: Vec<Slot>) -> Self {
        Self { floor, slots }
    }

    /// Appends a slot and tells its position.
    #[inline]
    pub(crate) fn push(&mut self, slot: Slot) -> u32 {
        let position = self.slots.len() as u32;
        self.slots.push(slot);
        position
    }

    /// Whether `push` needs no memory.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.slots.len() < self.slots.capacity()
    }

    #[inline]
    pub(crate) fn has(&self, slot: Slot, position: u32) -> bool {
        self.slots.get(position as usize) == Some(&slot)
    }

    /// Takes out the slot at `position`; tells how many holes that made.
    #[inline]
    pub(crate) fn remove(&mut self, position: u32) -> usize {
        let position = position as usize;
        if position + 1 == self.slots.len() {
            self.slots.pop();
            return 0;
        }
        self.slots[position] = NO_SLOT;
        1
    }

    /// How many are stored, the holes included.
    pub(crate) fn stored(&self) -> usize {
        self.slots.len()
    }

    /// The slots by arrival, the holes left out.
    pub(crate) fn slots(&self) -> impl DoubleEndedIterator<Item = Slot> {
        self.slots.iter().copied().filter(|slot| *slot != NO_SLOT)
    }

    /// Closes the holes and gives back the memory they needed.
    pub(crate) fn compact<T>(&mut self, entries: &mut Entries<T>) {
        let mut kept = 0;
        self.slots.retain(|slot| {
            // A hole is no slot.
            let keep = entries.set_position(*slot, kept);
            kept += u32::from(keep);
            keep
        });
        self.slots.shrink_to(2 * self.slots.len());
    }

    /// The buffer, to be used again.
    pub(crate) fn into_buffer(mut self) -> Vec<Slot> {
        self.slots.clear();
        self.slots
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}
