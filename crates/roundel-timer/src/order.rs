//! The exact order of the timers, sorted no earlier than it has to be.
//!
//! Most timers are cancelled long before they are due, so a new one is only dropped into the
//! unsorted run its deadline belongs to, and cancelling it leaves a hole there: one push, one
//! store. A run is sorted when its time comes. A large one is first split by deadline.
//!
//! ```text
//!   earliest                                                            latest
//!   near (sorted)  │ far.last()       │ …        │ far[1]     │ far[0]          never
//!                  floor              floor      floor        floor
//! ```
//!
//! Every timer of a run is at or above its floor, and not above the floor of the run that follows.
//! Timers of equal deadlines stand by arrival, within a run and from one run to the next, so
//! stable sorting is all that first come, first served takes.

use std::time::{Duration, Instant};

use crate::{
    deadline::Deadline,
    entries::{Entries, Slot},
    run::Run,
};

/// Longest `near`, and longest run that is sorted without a split. Sorting this many, and making
/// room for one among them, stays within the first-level cache.
const NEAR_MOST: usize = 128;

/// A split aims at runs of this many.
const SPLIT_RUN: usize = 8;

/// A split makes at most `1 << SPLIT_BITS_MOST` runs, so that the ends of all stay in the cache.
const SPLIT_BITS_MOST: u32 = 11;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Rank {
    pub(crate) deadline: Instant,
    pub(crate) slot: Slot,
}

pub(crate) struct Order {
    /// Sorted, the earliest last.
    near: Vec<Rank>,
    /// By falling floor, the nearest run last.
    far: Vec<Run>,
    /// Those without a deadline; the floor means nothing.
    never: Run,
    holes: usize,
    /// The buffer of the last run used up, for the next one.
    spare: Vec<Slot>,
}

impl Order {
    pub(crate) fn new(now: Instant) -> Self {
        let never = Run::new(now, Vec::new());
        Self { near: Vec::new(), far: Vec::new(), never, holes: 0, spare: Vec::new() }
    }

    /// Whether the timer belongs behind all that were split or sorted, and finds room there. Nearly
    /// every one does: it is a time-out of the usual length.
    #[inline]
    pub(crate) fn latest_for(&mut self, deadline: Deadline) -> Option<&mut Run> {
        let deadline = deadline.instant()?;
        self.far.first_mut().filter(|run| run.floor <= deadline && run.has_room())
    }

    /// Puts `slot` into the order, behind its equals, and tells the position `remove` will need.
    pub(crate) fn insert<T>(
        &mut self,
        entries: &mut Entries<T>,
        deadline: Deadline,
        slot: Slot,
    ) -> u32 {
        match deadline.instant() {
            Some(deadline) => self.insert_at(entries, Rank { deadline, slot }),
            None => self.never.push(slot),
        }
    }

    fn insert_at<T>(&mut self, entries: &mut Entries<T>, rank: Rank) -> u32 {
        let index = self.far.partition_point(|run| run.floor > rank.deadline);
        if let Some(run) = self.far.get_mut(index) {
            return run.push(rank.slot);
        }
        let floor = match self.near.first() {
            // Later than all that are sorted: it opens a run.
            Some(latest) => Some(latest.deadline).filter(|latest| *latest <= rank.deadline),
            None => Some(rank.deadline).filter(|_| self.far.is_empty()),
        };
        match floor {
            Some(floor) => {
                let mut run = Run::new(floor, std::mem::take(&mut self.spare));
                let position = run.push(rank.slot);
                self.far.push(run);
                position
            }
            None if self.near.len() == NEAR_MOST => {
                self.cut(entries);
                self.insert_at(entries, rank)
            }
            None => {
                let place = self.near.partition_point(|other| other.deadline > rank.deadline);
                self.near.insert(place, rank);
                0
            }
        }
    }

    /// Makes the later half of `near` a run of its own, so no insertion has much to shift.
    fn cut<T>(&mut self, entries: &mut Entries<T>) {
        let half = self.near.len() / 2;
        let mut run = Run::new(self.near[half - 1].deadline, Vec::with_capacity(half));
        for rank in self.near.drain(..half).rev() {
            append(&mut run, entries, rank.slot);
        }
        self.far.push(run);
    }

    /// Takes out a slot, if it lies in the latest run.
    #[inline]
    pub(crate) fn remove_latest(&mut self, slot: Slot, position: u32) -> bool {
        match self.far.first_mut() {
            Some(run) if run.has(slot, position) => {
                self.holes += run.remove(position);
                true
            }
            _ => false,
        }
    }

    /// Takes out a slot that is in the order.
    #[inline(never)]
    pub(crate) fn remove(&mut self, deadline: Deadline, slot: Slot, position: u32) {
        if self.near.last().is_some_and(|rank| rank.slot == slot) {
            self.near.pop();
            return;
        }
        let Some(deadline) = deadline.instant() else {
            self.holes += self.never.remove(position);
            return;
        };
        let index = self.far.partition_point(|run| run.floor > deadline);
        // Equal deadlines may reach back from one run into another, and into `near`.
        if let Some(run) = self.far[index..].iter_mut().find(|run| run.has(slot, position)) {
            self.holes += run.remove(position);
            return;
        }
        let equals = self.near.partition_point(|rank| rank.deadline > deadline);
        if let Some(place) = self.near[equals..].iter().position(|rank| rank.slot == slot) {
            self.near.remove(equals + place);
        }
    }

    /// The earliest timer. Sorts as much as it takes to tell.
    #[inline]
    pub(crate) fn earliest<T>(&mut self, entries: &mut Entries<T>) -> Option<Rank> {
        loop {
            match self.near.last() {
                Some(rank) => return Some(*rank),
                None => self.pour(entries)?,
            }
        }
    }

    /// Whether everything comes after `now`; may say no when it does. The usual answer to the
    /// question of a loop's every turn, and found without sorting anything.
    #[inline]
    pub(crate) fn begins_after(&self, now: Instant) -> bool {
        match (self.near.last(), self.far.last()) {
            (Some(rank), _) => rank.deadline > now,
            (None, Some(run)) => run.floor > now,
            (None, None) => true,
        }
    }

    /// Takes out what `earliest` has just returned.
    pub(crate) fn pop(&mut self) {
        self.near.pop();
    }

    /// Closes all holes and gives back the memory they needed.
    #[cold]
    pub(crate) fn sweep<T>(&mut self, entries: &mut Entries<T>) {
        self.far.retain_mut(|run| {
            run.compact(entries);
            run.stored() > 0
        });
        self.never.compact(entries);
        self.far.shrink_to(2 * self.far.len());
        self.spare = Vec::new();
        self.holes = 0;
    }

    /// Empties the order; gives the slots, equal deadlines by arrival, otherwise in no order.
    pub(crate) fn drain(&mut self) -> Vec<Slot> {
        let near = self.near.drain(..).rev().map(|rank| rank.slot);
        let far = self.far.iter().rev().flat_map(Run::slots);
        let slots = near.chain(far).chain(self.never.slots()).collect();
        *self = Self::new(self.never.floor);
        slots
    }

    /// The places of timers that have left, still stored.
    #[inline]
    pub(crate) fn holes(&self) -> usize {
        self.holes
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.near.capacity() * size_of::<Rank>()
            + self.far.capacity() * size_of::<Run>()
            + self.far.iter().chain([&self.never]).map(Run::heap_bytes).sum::<usize>()
            + self.spare.capacity() * size_of::<Slot>()
    }

    /// Moves the nearest run one step towards `near`, which is empty: sorts it or splits it.
    /// `None` if there is no run.
    fn pour<T>(&mut self, entries: &mut Entries<T>) -> Option<()> {
        let run = self.far.pop()?;
        if run.stored() > NEAR_MOST {
            self.split(entries, &run);
            return Some(());
        }
        // Fetched here, side by side, and not one at a time when it is due.
        self.near.extend(ranks(entries, &run));
        self.holes -= run.stored() - self.near.len();
        self.near.sort_by_key(|rank| rank.deadline);
        self.near.reverse();
        self.spare = run.into_buffer();
        Some(())
    }

    /// Distributes many timers over new runs: by the leading digit of their deadlines, or, if all
    /// deadlines are equal, by arrival.
    fn split<T>(&mut self, entries: &mut Entries<T>, run: &Run) {
        let bounds = ranks(entries, run).map(|rank| (rank.deadline, rank.deadline));
        let bounds = bounds.reduce(|(least, most), (this, _)| (least.min(this), most.max(this)));
        let Some((least, most)) = bounds else {
            self.holes -= run.stored();
            return;
        };
        let equal = least == most;
        let bits = (run.stored() / SPLIT_RUN).ilog2().min(SPLIT_BITS_MOST);
        let span = if equal { run.stored() as u64 } else { nanoseconds(least, most) };
        let shift = (span.ilog2() + 1).saturating_sub(bits);

        let mut runs: Vec<_> = (0..=span >> shift)
            .map(|digit| {
                let above = if equal { 0 } else { digit << shift };
                let slots = Vec::with_capacity(run.stored() >> bits);
                Run::new(least + Duration::from_nanos(above), slots)
            })
            .collect();
        let mut arrived = 0;
        for slot in run.slots() {
            let Some(Rank { deadline, .. }) = rank(entries, slot) else { continue };
            let above = if equal { arrived } else { nanoseconds(least, deadline) };
            append(&mut runs[(above >> shift) as usize], entries, slot);
            arrived += 1;
        }
        self.holes -= run.stored() - arrived as usize;
        self.far.extend(runs.into_iter().rev().filter(|run| run.stored() > 0));
    }
}

fn rank<T>(entries: &Entries<T>, slot: Slot) -> Option<Rank> {
    Some(Rank { deadline: entries.deadline_in(slot)?.instant()?, slot })
}

fn ranks<T>(entries: &Entries<T>, run: &Run) -> impl Iterator<Item = Rank> {
    run.slots().filter_map(|slot| rank(entries, slot))
}

/// Moves a timer to the end of `run`.
fn append<T>(run: &mut Run, entries: &mut Entries<T>, slot: Slot) {
    let position = run.push(slot);
    entries.set_position(slot, position);
}

/// Saturates after 584 years; what lies beyond is told apart by a later split.
fn nanoseconds(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}
