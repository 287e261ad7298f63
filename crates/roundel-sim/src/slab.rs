//! `Slab`: values under keys that never hit a successor; sockets, sources and operations lie here.

use std::collections::VecDeque;

/// Where a value lies, and which of the place's successive values it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

#[derive(Debug)]
pub(crate) struct Slab<T> {
    entries: Vec<Entry<T>>,
    /// In the order in which they became free.
    free: VecDeque<u32>,
}

/// So many places rest before one is used again, where it is not to be used at once.
const RESTING: usize = 16;

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: VecDeque::new() }
    }
}

impl<T> Slab<T> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// At the place that became free last, which the cache still holds.
    pub(crate) fn insert(&mut self, value: T) -> Place {
        let place = self.free.pop_back();
        self.insert_at(place, value)
    }

    /// At a place that has not been used for long.
    pub(crate) fn insert_elsewhere(&mut self, value: T) -> Place {
        let rested = if self.free.len() > RESTING { self.free.pop_front() } else { None };
        self.insert_at(rested, value)
    }

    fn insert_at(&mut self, index: Option<u32>, value: T) -> Place {
        if let Some(index) = index {
            let entry = &mut self.entries[index as usize];
            entry.value = Some(value);
            return Place { index, generation: entry.generation };
        }
        let index = u32::try_from(self.entries.len()).expect("a slab holds fewer than 2^32 values");
        self.entries.push(Entry { generation: 0, value: Some(value) });
        Place { index, generation: 0 }
    }

    #[inline]
    pub(crate) fn get(&self, place: Place) -> Option<&T> {
        let entry = self.entries.get(place.index as usize)?;
        entry.value.as_ref().filter(|_| entry.generation == place.generation)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        let entry = self.entries.get_mut(place.index as usize)?;
        entry.value.as_mut().filter(|_| entry.generation == place.generation)
    }

    /// The present value at `index`, and its key.
    pub(crate) fn at(&mut self, index: u32) -> Option<(Place, &mut T)> {
        let entry = self.entries.get_mut(index as usize)?;
        let place = Place { index, generation: entry.generation };
        entry.value.as_mut().map(|value| (place, value))
    }

    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        self.get(place)?;
        let entry = &mut self.entries[place.index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push_back(place.index);
        entry.value.take()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &T)> {
        self.entries.iter().enumerate().filter_map(|(index, entry)| {
            let place = Place { index: index as u32, generation: entry.generation };
            entry.value.as_ref().map(|value| (place, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn a_stale_place_never_hits_its_successor() {
        let mut slab = Slab::default();
        let first = slab.insert("first");
        assert_eq!(slab.remove(first), Some("first"));
        let second = slab.insert("second");
        assert_eq!(first.index, second.index);
        assert_eq!(slab.get(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.get_mut(second), Some(&mut "second"));
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn places_rest_if_they_are_to() {
        let mut slab = Slab::default();
        let first = slab.insert(0);
        slab.remove(first);
        let others: Vec<_> = (0..100).map(|n| slab.insert_elsewhere(n)).collect();
        assert!(others.iter().all(|other| other.index != first.index));
        for &other in &others {
            slab.remove(other);
        }
        assert_eq!(slab.insert_elsewhere(0).index, first.index, "the one that has rested longest");
        assert_eq!(slab.insert(0).index, others[99].index);
    }
}
