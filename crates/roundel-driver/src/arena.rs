//! `Arena`: values under small keys that never hit a successor; holds sources and operations.

/// Where a value lies, and which of the place's successive tenants it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

#[derive(Debug)]
enum Tenant<T> {
    Value(T),
    /// Nobody; the next free place follows.
    Vacant(u32),
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    tenant: Tenant<T>,
}

/// End of the free list.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Arena<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    len: usize,
}

impl<T> Arena<T> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), free: NONE, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// # Panics
    /// At 2^32 - 1 values.
    pub(crate) fn insert(&mut self, value: T) -> Place {
        self.len += 1;
        let index = self.free;
        if let Some(entry) = self.entries.get_mut(index as usize) {
            let Tenant::Vacant(next) = entry.tenant else {
                unreachable!("the free list holds vacant places only")
            };
            self.free = next;
            entry.tenant = Tenant::Value(value);
            return Place { index, generation: entry.generation };
        }
        let index = u32::try_from(self.entries.len()).ok().filter(|&index| index != NONE);
        let index = index.expect("an arena holds fewer than 2^32 - 1 values");
        self.entries.push(Entry { generation: 0, tenant: Tenant::Value(value) });
        Place { index, generation: 0 }
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        match self.entries.get_mut(place.index as usize) {
            Some(Entry { generation, tenant: Tenant::Value(value) })
                if *generation == place.generation =>
            {
                Some(value)
            }
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        let entry = self.entries.get_mut(place.index as usize)?;
        if entry.generation != place.generation || matches!(entry.tenant, Tenant::Vacant(_)) {
            return None;
        }
        let Tenant::Value(value) = std::mem::replace(&mut entry.tenant, Tenant::Vacant(self.free))
        else {
            return None;
        };
        self.len -= 1;
        // A place whose generations have run out is given up, so that no key ever returns.
        if let Some(next) = entry.generation.checked_add(1) {
            entry.generation = next;
            self.free = place.index;
        }
        Some(value)
    }

    /// Drops a value where it lies: moving it out would cost more.
    pub(crate) fn vacate(&mut self, place: Place) {
        let Some(entry) = self.entries.get_mut(place.index as usize) else { return };
        if entry.generation != place.generation || matches!(entry.tenant, Tenant::Vacant(_)) {
            return;
        }
        entry.tenant = Tenant::Vacant(self.free);
        self.len -= 1;
        if let Some(next) = entry.generation.checked_add(1) {
            entry.generation = next;
            self.free = place.index;
        }
    }

    /// The present tenant at `index`, for lists that link by index.
    pub(crate) fn at(&mut self, index: u32) -> Option<&mut T> {
        match self.entries.get_mut(index as usize) {
            Some(Entry { tenant: Tenant::Value(value), .. }) => Some(value),
            _ => None,
        }
    }

    /// The present tenant at `index` and its key.
    pub(crate) fn entry(&mut self, index: u32) -> Option<(Place, &mut T)> {
        match self.entries.get_mut(index as usize) {
            Some(Entry { generation, tenant: Tenant::Value(value) }) => {
                Some((Place { index, generation: *generation }, value))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Arena;

    #[test]
    fn a_stale_place_never_hits_its_successor() {
        let mut arena = Arena::new();
        let first = arena.insert("first");
        assert_eq!(arena.remove(first), Some("first"));
        let second = arena.insert("second");
        assert_eq!(first.index, second.index, "the place is used again");
        assert_eq!(arena.get_mut(first), None);
        assert_eq!(arena.remove(first), None);
        assert_eq!(arena.get_mut(second), Some(&mut "second"));
        assert_eq!(arena.len(), 1);
    }

    #[test]
    fn freed_places_are_used_before_new_ones() {
        let mut arena = Arena::new();
        let places: Vec<_> = (0..10).map(|n| arena.insert(n)).collect();
        for (nth, place) in places.iter().enumerate() {
            match nth % 2 {
                0 => drop(arena.remove(*place)),
                _ => arena.vacate(*place),
            }
        }
        assert_eq!(arena.len(), 0);
        arena.vacate(places[1]);
        for n in 0..10 {
            assert!(arena.insert(n).index < 10);
        }
        assert_eq!(arena.len(), 10);
    }
}
