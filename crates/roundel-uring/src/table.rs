//! `Table`: values under small numbers that never hit a successor.

/// Where a value lies, and which of the place's successive tenants it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) index: u32,
    pub(crate) generation: u32,
}

impl Place {
    /// No table has it.
    pub(crate) const NOWHERE: Self = Self { index: u32::MAX, generation: u32::MAX };
}

/// Generations leave the highest bit free, for whoever wants to mark a place.
const LAST_GENERATION: u32 = u32::MAX >> 1;

/// Ends a list.
pub(crate) const NONE: u32 = u32::MAX;

/// A row begins a cache line, and so takes no more of them than it needs: most fit one.
///
/// ```text
/// { generation: u32, next: u32, value: at most 56 bytes }
/// ```
#[derive(Debug)]
#[repr(align(64))]
struct Row<T> {
    generation: u32,
    /// The row behind this one: in the list its value is in, or in that of the vacant.
    next: u32,
    value: Option<T>,
}

#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: Vec<Row<T>>,
    /// Last in, first out: the next value comes to memory that is still warm.
    vacant: u32,
    len: usize,
}

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Self { rows: Vec::new(), vacant: NONE, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value is in no list.
    ///
    /// # Panics
    /// At 2^32 - 1 values.
    pub(crate) fn insert(&mut self, value: T) -> Place {
        self.len += 1;
        let index = self.vacant;
        if let Some(row) = self.rows.get_mut(index as usize) {
            self.vacant = row.next;
            row.next = NONE;
            row.value = Some(value);
            return Place { index, generation: row.generation };
        }
        let index = u32::try_from(self.rows.len()).ok().filter(|&index| index != NONE);
        let index = index.expect("a table holds fewer than 2^32 - 1 values");
        self.rows.push(Row { generation: 0, next: NONE, value: Some(value) });
        Place { index, generation: 0 }
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut T> {
        let row = self.rows.get_mut(place.index as usize)?;
        row.value.as_mut().filter(|_| row.generation == place.generation)
    }

    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        let row = self.rows.get_mut(place.index as usize)?;
        let value = row.value.take_if(|_| row.generation == place.generation)?;
        self.len -= 1;
        // A place whose generations have run out is given up, so that no key ever returns.
        if row.generation < LAST_GENERATION {
            row.generation += 1;
            row.next = self.vacant;
            self.vacant = place.index;
        }
        Some(value)
    }

    /// The present tenant at `index`, for lists that link by index.
    pub(crate) fn at(&mut self, index: u32) -> Option<(Place, &mut T)> {
        let row = self.rows.get_mut(index as usize)?;
        let generation = row.generation;
        row.value.as_mut().map(|value| (Place { index, generation }, value))
    }

    /// Which row is behind this one in its list.
    pub(crate) fn next(&self, index: u32) -> u32 {
        self.rows.get(index as usize).map_or(NONE, |row| row.next)
    }

    /// Puts a row behind the one at `index`, in the list of its owner.
    pub(crate) fn set_next(&mut self, index: u32, next: u32) {
        if let Some(row) = self.rows.get_mut(index as usize) {
            row.next = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Row, Table};
    use crate::{endpoint::Endpoint, queue::Slot, ring};

    #[test]
    fn what_is_filed_fits_the_cache_lines_that_it_should() {
        assert_eq!(size_of::<Row<Slot>>(), 64);
        assert_eq!(size_of::<Row<Endpoint>>(), 128);
        assert_eq!(size_of::<Row<ring::InFlight<crate::uring_driver::Tag>>>(), 64);
    }

    #[test]
    fn a_stale_place_never_hits_its_successor() {
        let mut table = Table::new();
        let first = table.insert("first");
        assert_eq!(table.remove(first), Some("first"));
        let second = table.insert("second");
        assert_eq!(first.index, second.index, "the place is used again");
        assert_eq!(table.get_mut(first), None);
        assert_eq!(table.remove(first), None);
        assert_eq!(table.get_mut(second), Some(&mut "second"));
        assert_eq!(table.len(), 1);
    }
}
