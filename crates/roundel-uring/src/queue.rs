//! `Slot`, where an operation's answer lands, and `Queue`, the slots that wait in one direction.

use roundel_driver::{Completion, Operation, SourceId};

use crate::table::{Place, Table};

/// No slot.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) enum Slot {
    Waiting(Waiting),
    /// With its place in what came from the source, should it be given back.
    Done {
        completion: Completion,
        source: Option<SourceId>,
        from: u64,
    },
}

/// An operation under way.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) operation: Operation,
    /// How far it has come: bytes of a send or write, or 1 once a connect is under way.
    pub(crate) progress: usize,
    /// Its own request in the kernel, if it has one now.
    pub(crate) place: Option<Place>,
    next: u32,
}

impl Slot {
    pub(crate) fn waiting(operation: Operation) -> Self {
        Self::Waiting(Waiting { operation, progress: 0, place: None, next: NONE })
    }
}

/// Operations of a source in their order, linked through their slots: a source at which nobody
/// waits has no list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    head: u32,
    tail: u32,
}

impl Queue {
    pub(crate) const EMPTY: Self = Self { head: NONE, tail: NONE };

    pub(crate) fn is_empty(&self) -> bool {
        self.head == NONE
    }

    /// The first one, with its place.
    pub(crate) fn first<'a>(&self, slots: &'a mut Table<Slot>) -> Option<(Place, &'a mut Waiting)> {
        at(slots, self.head)
    }

    pub(crate) fn push(&mut self, slots: &mut Table<Slot>, place: Place) {
        match at(slots, self.tail) {
            Some((_, last)) => last.next = place.index,
            None => self.head = place.index,
        }
        self.tail = place.index;
    }

    pub(crate) fn pop(&mut self, slots: &mut Table<Slot>) {
        if let Some((_, first)) = at(slots, self.head) {
            self.head = first.next;
            if self.head == NONE {
                self.tail = NONE;
            }
        }
    }

    /// Takes one out, wherever it stands.
    pub(crate) fn remove(&mut self, slots: &mut Table<Slot>, place: Place) {
        let (mut before, mut here) = (NONE, self.head);
        while let Some((_, waiting)) = at(slots, here) {
            let next = waiting.next;
            if here == place.index {
                if self.tail == here {
                    self.tail = before;
                }
                match at(slots, before) {
                    Some((_, earlier)) => earlier.next = next,
                    None => self.head = next,
                }
                return;
            }
            (before, here) = (here, next);
        }
    }

    /// All of them, in their order.
    pub(crate) fn all(&self, slots: &mut Table<Slot>) -> Vec<Place> {
        let (mut all, mut here) = (Vec::new(), self.head);
        while let Some((place, waiting)) = at(slots, here) {
            all.push(place);
            here = waiting.next;
        }
        all
    }
}

fn at(slots: &mut Table<Slot>, index: u32) -> Option<(Place, &mut Waiting)> {
    match slots.at(index) {
        Some((place, Slot::Waiting(waiting))) => Some((place, waiting)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use roundel_driver::{Operation, SourceId};

    use super::{Queue, Slot};
    use crate::table::Table;

    #[test]
    fn whoever_leaves_the_line_leaves_the_others_in_order() {
        // Every way to take three out of five, one after the other.
        for pattern in 0..125_usize {
            let (mut slots, mut queue) = (Table::new(), Queue::EMPTY);
            let operation = || Operation::Accept { source: SourceId::new(0, 0) };
            let mut places: Vec<_> =
                (0..5).map(|_| slots.insert(Slot::waiting(operation()))).collect();
            places.iter().for_each(|place| queue.push(&mut slots, *place));
            for digit in [pattern % 5, pattern / 5 % 5, pattern / 25] {
                let gone = places.remove(digit % places.len());
                queue.remove(&mut slots, gone);
                slots.remove(gone);
            }
            let last = slots.insert(Slot::waiting(operation()));
            queue.push(&mut slots, last);
            places.push(last);
            assert_eq!(queue.all(&mut slots), places);
        }
    }
}
