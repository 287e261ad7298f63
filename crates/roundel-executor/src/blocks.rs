//! `Blocks`: memory of tasks that have ended, for tasks to come.
//!
//! A program that spawns goes on spawning. A block that has just been freed is of the right size
//! and still in the processor's cache; an allocator finds that out at the price of a small task.
//! What is kept is bounded, and goes back to the allocator with the executor.

use std::{alloc::Layout, cell::RefCell, ptr::NonNull};

/// Sizes are multiples of this, less a word: so much allocators add to a block, and round up.
const STEP: usize = 16;
const WORD: usize = size_of::<usize>();
/// Blocks of up to 488 bytes; what is larger costs more elsewhere.
const SHELVES: usize = 32;
/// How many blocks a shelf keeps.
const KEPT: usize = 1024;

/// Blocks of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shelf(usize);

impl Shelf {
    /// The shelf for blocks with room for this; none if it is too large or too special.
    pub(crate) const fn of(layout: Layout) -> Option<Self> {
        let nth = (layout.size() + WORD).div_ceil(STEP);
        if nth < SHELVES && layout.align() <= align_of::<u128>() { Some(Self(nth)) } else { None }
    }

    /// What all blocks of the shelf are allocated as.
    pub(crate) const fn layout(self) -> Layout {
        let size = self.0 * STEP - WORD;
        match Layout::from_size_align(size, align_of::<u128>()) {
            Ok(layout) => layout,
            Err(_) => unreachable!(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Blocks {
    shelves: [RefCell<Vec<NonNull<u8>>>; SHELVES],
}

impl Blocks {
    #[inline]
    pub(crate) fn take(&self, shelf: Shelf) -> Option<NonNull<u8>> {
        self.shelves[shelf.0].borrow_mut().pop()
    }

    /// False if the shelf is full.
    #[inline]
    pub(crate) fn keep(&self, shelf: Shelf, block: NonNull<u8>) -> bool {
        let mut blocks = self.shelves[shelf.0].borrow_mut();
        let room = blocks.len() < KEPT;
        if room {
            blocks.push(block);
        }
        room
    }

    /// Empties the shelves.
    pub(crate) fn take_all(&self) -> impl Iterator<Item = (Shelf, NonNull<u8>)> {
        let shelves = self.shelves.iter().enumerate();
        shelves.flat_map(|(nth, blocks)| blocks.take().into_iter().map(move |it| (Shelf(nth), it)))
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::Layout;

    use super::Shelf;

    #[test]
    fn a_shelfs_blocks_have_room_for_what_is_put_there() {
        for size in 1..488 {
            let asked = Layout::from_size_align(size, 8).unwrap();
            let given = Shelf::of(asked).unwrap().layout();
            assert!((size..size + 16).contains(&given.size()), "{size} in {}", given.size());
        }
        assert_eq!(Shelf::of(Layout::from_size_align(489, 8).unwrap()), None);
        assert_eq!(Shelf::of(Layout::from_size_align(64, 64).unwrap()), None);
    }
}
