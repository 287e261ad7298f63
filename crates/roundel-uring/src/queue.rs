//! `Slot`, where an operation's answer lands, and `Queue`, the slots that wait in one direction.

use std::mem;

use roundel_driver::{Buffer, Completion, Operation, SourceId};

use crate::table::{NONE, Place, Table};

#[derive(Debug)]
pub(crate) enum Slot {
    Waiting(Waiting),
    /// A receive that goes on, with a piece to be taken and that one's place in what came. It stays in
    /// its queue, and nothing more is asked of the kernel for it meanwhile.
    Holding {
        piece: Buffer,
        from: u64,
        source: SourceId,
        at_most: u32,
    },
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
    /// How far it has come: bytes of a send or write, or 1 once a connect is under way, or a
    /// receive that goes on has been named.
    pub(crate) progress: usize,
    /// Its own request in the kernel, or [`NOWHERE`](Place::NOWHERE).
    pub(crate) place: Place,
}

impl Slot {
    pub(crate) fn waiting(operation: Operation) -> Self {
        Self::Waiting(Waiting { operation, progress: 0, place: Place::NOWHERE })
    }

    /// Takes the piece of one that goes on, which then waits for more: where it began, and whose.
    pub(crate) fn take_held(&mut self) -> Option<(Buffer, u64, SourceId)> {
        let Self::Holding { piece, from, source, at_most } = self else { return None };
        let (held, from, source) = (mem::take(piece), *from, *source);
        let operation = Operation::RecvMany { source, at_most: *at_most as usize };
        // It has been named for this.
        *self = Self::Waiting(Waiting { operation, progress: 1, place: Place::NOWHERE });
        Some((held, from, source))
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

    /// Where the first one is, whether it waits or holds a piece.
    pub(crate) fn head(&self, slots: &mut Table<Slot>) -> Option<Place> {
        slots.at(self.head).map(|(place, _)| place)
    }

    /// The first one, with its place.
    pub(crate) fn first<'a>(&self, slots: &'a mut Table<Slot>) -> Option<(Place, &'a mut Waiting)> {
        match slots.at(self.head) {
            Some((place, Slot::Waiting(waiting))) => Some((place, waiting)),
            _ => None,
        }
    }

    pub(crate) fn push(&mut self, slots: &mut Table<Slot>, place: Place) {
        match self.is_empty() {
            true => self.head = place.index,
            false => slots.set_next(self.tail, place.index),
        }
        self.tail = place.index;
    }

    pub(crate) fn pop(&mut self, slots: &mut Table<Slot>) {
        let next = slots.next(self.head);
        slots.set_next(self.head, NONE);
        self.head = next;
        if next == NONE {
            self.tail = NONE;
        }
    }

    /// Takes one out, wherever it stands.
    pub(crate) fn remove(&mut self, slots: &mut Table<Slot>, place: Place) {
        let (mut before, mut here) = (NONE, self.head);
        while here != NONE {
            let next = slots.next(here);
            if here == place.index {
                if self.tail == here {
                    self.tail = before;
                }
                match before {
                    NONE => self.head = next,
                    before => slots.set_next(before, next),
                }
                return slots.set_next(here, NONE);
            }
            (before, here) = (here, next);
        }
    }

    /// All of them, in their order.
    pub(crate) fn all(&self, slots: &mut Table<Slot>) -> Vec<Place> {
        let (mut all, mut here) = (Vec::new(), self.head);
        while let Some((place, _)) = slots.at(here) {
            all.push(place);
            here = slots.next(here);
        }
        all
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
