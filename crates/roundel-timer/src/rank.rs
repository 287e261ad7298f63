//! Where a timer stands in the order: a number that compares in two instructions.

use crate::timeline::Ticks;

/// A timer's place in the order, `{ ticks: 64, sequence: 32, slot: 32 }` from the highest bits.
///
/// The sequence number is what makes equal deadlines first come, first served. No two timers share
/// one, so the slot never decides a comparison; it rides along to say whose rank this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank(u128);

impl Rank {
    pub(crate) fn new(ticks: Ticks, sequence: u32, slot: u32) -> Self {
        Self(u128::from(ticks) << 64 | u128::from(sequence) << 32 | u128::from(slot))
    }

    /// The first rank any timer at `ticks` can have.
    pub(crate) fn first_at(ticks: Ticks) -> Self {
        Self::new(ticks, 0, 0)
    }

    /// The rank next to this one. (The highest, with its deadline of never, is not in any order.)
    pub(crate) fn successor(self) -> Self {
        Self(self.0 + 1)
    }

    pub(crate) fn ticks(self) -> Ticks {
        (self.0 >> 64) as Ticks
    }

    pub(crate) fn sequence(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn slot(self) -> u32 {
        self.0 as u32
    }
}
