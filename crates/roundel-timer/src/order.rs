//! The exact order of the timers, sorted no earlier than it has to be.
//!
//! Most timers are cancelled long before they are due, so a new rank is only dropped into the
//! unsorted run its deadline belongs to: one push. A run is sorted when its time comes. A large
//! one is first split by deadline, which moves each rank a few times through memory in sequence,
//! where a heap of a million would miss the cache at every level of every pop.
//!
//! ```text
//!   earliest                                                            latest
//!   near (sorted)  │ far.last()       │ …        │ far[1]     │ far[0]
//!                  floor              floor      floor        floor
//! ```
//!
//! Every rank of a run is at or above its floor and below the floor of the run above it.
//! A rank that is cancelled while it lies where it was put is taken out at once; one that has been
//! moved since is left behind, dead, and dropped when it is met or when the dead are too many.

use crate::{rank::Rank, timeline::Ticks};

/// Longest `near`, and longest run that is sorted without a split. Sorting this many ranks, and
/// making room for one among them, stays within the first-level cache.
const NEAR_MOST: usize = 128;

/// A split makes at most `1 << SPLIT_BITS` runs: as many as there are cache lines being written.
const SPLIT_BITS: u32 = 6;

/// Runs with room for fewer ranks than this keep their memory; it is not worth giving back.
const SHRINK_LEAST: usize = 1024;

/// What became of a rank that was to be removed.
#[must_use]
pub(crate) enum Removal {
    /// It is gone, and `moved` (if any) now lies in its position.
    Gone { moved: Option<Rank> },
    /// It is still stored, dead.
    LeftBehind,
}

#[derive(Default)]
pub(crate) struct Order {
    /// Sorted, the earliest last.
    near: Vec<Rank>,
    /// By falling floor, the nearest run last.
    far: Vec<Run>,
    /// Dead ranks still stored.
    dead: usize,
    /// The buffer of the last run used up, for the next one.
    spare: Vec<Rank>,
}

/// Ranks from `floor` upwards, in no order.
struct Run {
    floor: Rank,
    ranks: Vec<Rank>,
}

impl Order {
    /// Puts `rank` into the order and tells its position, which `remove` takes as a hint.
    #[inline]
    pub(crate) fn insert(&mut self, rank: Rank) -> u32 {
        let index = self.run_of(rank);
        let Some(Run { ranks, .. }) = self.far.get_mut(index) else {
            self.insert_below_far(rank);
            return 0;
        };
        let position = ranks.len() as u32;
        ranks.push(rank);
        position
    }

    /// Takes `rank` out, if it still lies in `position`.
    #[inline]
    pub(crate) fn remove(&mut self, rank: Rank, position: u32) -> Removal {
        let (index, position) = (self.run_of(rank), position as usize);
        match self.far.get_mut(index) {
            Some(Run { ranks, .. }) if ranks.get(position) == Some(&rank) => {
                ranks.swap_remove(position);
                shrink(ranks);
                Removal::Gone { moved: ranks.get(position).copied() }
            }
            None if self.near.last() == Some(&rank) => {
                self.near.pop();
                Removal::Gone { moved: None }
            }
            _ => {
                self.dead += 1;
                Removal::LeftBehind
            }
        }
    }

    /// The earliest rank that is `alive`. Drops the dead before it.
    #[inline]
    pub(crate) fn earliest(&mut self, alive: impl Fn(Rank) -> bool) -> Option<Rank> {
        loop {
            match self.near.last() {
                Some(rank) if alive(*rank) => return Some(*rank),
                Some(_) => {
                    self.near.pop();
                    self.dead -= 1;
                }
                None => self.pour(&alive)?,
            }
        }
    }

    /// Whether everything stored, dead or alive, comes after `ticks`; may say no when it does. The
    /// usual answer to the question of a loop's every turn, and found without sorting anything.
    #[inline]
    pub(crate) fn begins_after(&self, ticks: Ticks) -> bool {
        match (self.near.last(), self.far.last()) {
            (Some(rank), _) => rank.ticks() > ticks,
            (None, Some(run)) => run.floor.ticks() > ticks,
            (None, None) => true,
        }
    }

    /// Takes out what `earliest` has just returned.
    pub(crate) fn pop(&mut self) {
        self.near.pop();
    }

    /// Drops every dead rank and the memory they needed.
    pub(crate) fn sweep(&mut self, alive: impl Fn(Rank) -> bool) {
        self.near.retain(|rank| alive(*rank));
        self.far.retain_mut(|run| {
            run.ranks.retain(|rank| alive(*rank));
            run.ranks.shrink_to(2 * run.ranks.len());
            !run.ranks.is_empty()
        });
        self.dead = 0;
    }

    /// Empties the order; gives the ranks, dead ones too, in no order.
    pub(crate) fn drain(&mut self) -> Vec<Rank> {
        let Self { mut near, far, .. } = std::mem::take(self);
        near.extend(far.into_iter().flat_map(|run| run.ranks));
        near
    }

    pub(crate) fn dead(&self) -> usize {
        self.dead
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let ranks = self.far.iter().map(|run| run.ranks.capacity()).sum::<usize>()
            + self.near.capacity()
            + self.spare.capacity();
        ranks * size_of::<Rank>() + self.far.capacity() * size_of::<Run>()
    }

    /// The index in `far` of the run `rank` belongs to; `far.len()` means `near`.
    #[inline]
    fn run_of(&self, rank: Rank) -> usize {
        match self.far.first() {
            // Nearly every new timer is a time-out of the usual length, later than all others.
            Some(run) if run.floor <= rank => 0,
            _ => self.far.partition_point(|run| run.floor > rank),
        }
    }

    /// Puts `rank`, which is below every floor, among the sorted ones; if it is later than all of
    /// them, it opens a new run.
    fn insert_below_far(&mut self, rank: Rank) {
        if let Some(latest) = self.near.first()
            && *latest < rank
        {
            let floor = latest.successor();
            let mut ranks = std::mem::take(&mut self.spare);
            ranks.push(rank);
            return self.far.push(Run { floor, ranks });
        }
        let place = self.near.partition_point(|other| *other > rank);
        self.near.insert(place, rank);
        if self.near.len() > NEAR_MOST {
            // The later part becomes a run of its own, so no insertion has much to shift.
            let nearer = self.near.split_off(self.near.len() - NEAR_MOST / 2);
            let later = std::mem::replace(&mut self.near, nearer);
            self.far.push(Run { floor: later[later.len() - 1], ranks: later });
        }
    }

    /// Moves the nearest run one step towards `near`, which is empty: sorts it or splits it.
    /// `None` if there is no run.
    fn pour(&mut self, alive: impl Fn(Rank) -> bool) -> Option<()> {
        // A burst of equal deadlines may have left room for all of them.
        self.near.shrink_to(SHRINK_LEAST);
        let Run { mut ranks, .. } = self.far.pop()?;
        shrink(&mut self.far);
        if ranks.len() <= NEAR_MOST || !self.split(&ranks) {
            // Asking for each rank now, and not one at a time when it is due, lets the processor
            // fetch the timers' entries side by side.
            let stored = ranks.len();
            ranks.retain(|rank| alive(*rank));
            self.dead -= stored - ranks.len();
            ranks.sort_unstable_by(|a, b| b.cmp(a));
            self.spare = std::mem::replace(&mut self.near, ranks);
        }
        Some(())
    }

    /// Distributes `ranks` over new runs by the leading digit of their deadlines. False if all
    /// deadlines are equal, which no digit tells apart.
    fn split(&mut self, ranks: &[Rank]) -> bool {
        let deadlines = ranks.iter().map(|rank| rank.ticks());
        let (least, most) = deadlines
            .fold((u64::MAX, 0), |(least, most), ticks| (least.min(ticks), most.max(ticks)));
        if least == most {
            return false;
        }
        let span_bits = (most - least).ilog2() + 1;
        let shift = span_bits.saturating_sub(SPLIT_BITS);
        let digit = |rank: Rank| ((rank.ticks() - least) >> shift) as usize;

        // Count first: each run is allocated once, at its size.
        let mut counts = [0; 1 << SPLIT_BITS];
        for rank in ranks {
            counts[digit(*rank)] += 1;
        }
        let highest = ((most - least) >> shift) as usize;
        let base = self.far.len() + highest;
        self.far.extend((0..=highest).rev().map(|digit| Run {
            floor: Rank::first_at(least + ((digit as u64) << shift)),
            ranks: Vec::with_capacity(counts[digit]),
        }));
        for rank in ranks {
            self.far[base - digit(*rank)].ranks.push(*rank);
        }
        true
    }
}

/// Gives memory back when three quarters of it lie idle; then as much must be removed again before
/// the next time, so the copying is paid for.
#[inline]
fn shrink<T>(items: &mut Vec<T>) {
    let room = items.capacity();
    if room > SHRINK_LEAST && items.len() < room / 4 {
        items.shrink_to(room / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BURST: u32 = 100_000;

    fn order(slots: impl Iterator<Item = u32>) -> Order {
        let mut order = Order::default();
        for slot in slots {
            order.insert(Rank::new(slot.into(), slot, slot));
        }
        order
    }

    #[test]
    fn a_sweep_gives_back_the_memory_of_the_dead() {
        let mut order = order(0..BURST);
        // The first pop leaves the rest to be split.
        order.pop();
        order.earliest(|_| true);
        order.sweep(|rank| rank.slot() % 1000 == 0);
        assert!(order.heap_bytes() < 16 * 1024, "{}", order.heap_bytes());
    }

    #[test]
    fn runs_used_up_give_back_their_places() {
        let mut order = order((0..BURST).rev());
        assert!(order.far.len() > SHRINK_LEAST);
        for slot in 0..BURST - 1 {
            assert_eq!(order.earliest(|_| true).map(Rank::slot), Some(slot));
            order.pop();
        }
        assert!(order.far.capacity() <= SHRINK_LEAST);
    }
}
