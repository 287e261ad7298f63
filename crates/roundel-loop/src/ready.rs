//! `ReadyQueue`: what runs next, first in first out.
//!
//! Each entry has a number, one more than the entry before it, and its number is its place, so a
//! handle finds its entry without a table:
//!
//! ```text
//! ring of 8   [48] [41] [42] [43] [44] [45] [46] [47]     handle 43 → 43 modulo 8
//! ```

use std::{
    mem::{self, ManuallyDrop},
    panic::Location,
    rc::Rc,
    sync::Arc,
};

use roundel_driver::Key;
use roundel_timer::TimerKey;

use crate::{
    LoopHandle, Schedule,
    remote_handle::{Posted, RemoteJob},
};

/// Where in the program a call-back was scheduled.
pub type Site = &'static Location<'static>;

/// A call-back that can be queued again and again without an allocation: a descriptor's watcher,
/// or a task, which is queued at each wake.
pub trait Job {
    /// Runs it once, on the loop that it was queued on.
    fn run(self: Rc<Self>, handle: &LoopHandle);
}

/// What an entry runs. Timers and completions stay where they are kept, under their keys, until
/// they are reached, so that cancelling one on its last few metres works like cancelling it earlier.
pub(crate) enum Work {
    Call(Box<dyn FnOnce()>, Site),
    Job(Rc<dyn Job>, Site),
    /// What the layer above knows by this number.
    Ticket(usize),
    Timer(TimerKey),
    Completion(Key),
    Remote(Arc<dyn RemoteJob>),
    Posted(Box<dyn Posted>),
    Cancelled,
}

/// A queue with room for so many is kept as it is.
const SMALL: usize = 4096;

/// A ring. An entry's place is its number, modulo the ring's size, which is a power of two.
#[derive(Default)]
pub(crate) struct ReadyQueue {
    /// A place that is not in use holds nothing that would have to be dropped, so that it need not
    /// be looked at when it is filled.
    ring: Vec<ManuallyDrop<Work>>,
    /// The number of the entry that is popped next.
    first: u64,
    /// The number of the entry that is pushed next.
    next: u64,
}

impl ReadyQueue {
    /// Queues what is made by `make`: where it is to stand, as an entry that is made elsewhere and
    /// moved costs a stall.
    #[inline]
    pub(crate) fn push(&mut self, make: impl FnOnce() -> Work) -> u64 {
        *self.next_place() = ManuallyDrop::new(make());
        self.next - 1
    }

    /// The place of a new entry.
    #[inline]
    fn next_place(&mut self) -> &mut ManuallyDrop<Work> {
        if self.len() == self.ring.len() {
            self.grow();
        }
        let place = self.place(self.next);
        self.next += 1;
        &mut self.ring[place]
    }

    /// The next entry, if it is a ticket: most are, and a ticket is a quarter of an entry to move.
    #[inline]
    pub(crate) fn pop_ticket(&mut self) -> Option<usize> {
        let next = self.ring.get(self.place(self.first)).filter(|_| !self.is_empty())?;
        let Work::Ticket(ticket) = **next else { return None };
        self.first += 1;
        Some(ticket)
    }

    pub(crate) fn pop(&mut self) -> Option<Work> {
        if self.is_empty() {
            return None;
        }
        let place = self.place(self.first);
        self.first += 1;
        Some(self.empty(place))
    }

    /// Empties the entry with this number, if it has not been reached; the work is returned to be
    /// dropped where no borrow is held.
    pub(crate) fn cancel(&mut self, number: u64) -> Option<Work> {
        if !(self.first..self.next).contains(&number) {
            return None;
        }
        let place = self.place(number);
        Some(self.empty(place))
    }

    /// Puts the tickets that are queued into another order. What has a handle keeps its place, by
    /// which it is found.
    pub(crate) fn shuffle_tickets(&mut self, schedule: &mut Schedule) {
        let places = (self.first..self.next).map(|number| self.place(number));
        let is_ticket = |place: &usize| matches!(*self.ring[*place], Work::Ticket(_));
        let places: Vec<usize> = places.filter(is_ticket).collect();
        for last in (1..places.len()).rev() {
            self.ring.swap(places[last], places[schedule.below(last + 1)]);
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        (self.next - self.first) as usize
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first == self.next
    }

    /// Gives back the memory of a burst that is over.
    #[inline]
    pub(crate) fn shrink(&mut self) {
        if self.ring.len() > SMALL && self.len() < self.ring.len() / 8 {
            self.shrink_to(SMALL.max(self.ring.len() / 4));
        }
    }

    /// Everything left, for the loop's end. Numbers go on where they were.
    pub(crate) fn take_all(&mut self) -> Vec<Work> {
        let left: Vec<_> = std::iter::from_fn(|| self.pop()).collect();
        self.ring = Vec::new();
        left
    }

    #[inline]
    fn place(&self, number: u64) -> usize {
        number as usize & self.ring.len().wrapping_sub(1)
    }

    fn empty(&mut self, place: usize) -> Work {
        let emptied = mem::replace(&mut self.ring[place], ManuallyDrop::new(Work::Cancelled));
        ManuallyDrop::into_inner(emptied)
    }

    /// Doubles the ring, where it lies if the allocator can: an entry stays in its place or moves on
    /// by the old size.
    #[cold]
    fn grow(&mut self) {
        let before = self.ring.len();
        self.ring.resize_with((2 * before).max(64), || ManuallyDrop::new(Work::Cancelled));
        for number in self.first..self.next {
            let (from, to) = (number as usize & before.wrapping_sub(1), self.place(number));
            if from != to {
                self.ring.swap(from, to);
            }
        }
    }

    #[cold]
    fn shrink_to(&mut self, size: usize) {
        let entries: Vec<_> = (self.first..self.next)
            .map(|number| {
                let place = self.place(number);
                self.empty(place)
            })
            .collect();
        self.ring.truncate(size);
        self.ring.shrink_to_fit();
        for (number, work) in (self.first..).zip(entries) {
            let place = self.place(number);
            self.ring[place] = ManuallyDrop::new(work);
        }
    }
}

impl Drop for ReadyQueue {
    fn drop(&mut self) {
        drop(self.take_all());
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, panic::Location, rc::Rc};

    use super::{ReadyQueue, SMALL, Work};

    /// Pops a ticket, which must be next.
    fn ticket(queue: &mut ReadyQueue) -> usize {
        queue.pop_ticket().expect("a ticket is next")
    }

    #[test]
    fn order_and_numbers_outlive_growth_and_shrinking() {
        let mut queue = ReadyQueue::default();
        let mut next = 0;
        // So that the ring is wrapped at each size when it grows and when it shrinks.
        for burst in [40, 100, 10 * SMALL, 3] {
            for _ in 0..burst {
                queue.push(|| Work::Ticket(next));
                next += 1;
            }
            let number = queue.push(|| Work::Ticket(usize::MAX));
            while queue.len() > 30 {
                let oldest = next + 1 - queue.len();
                assert_eq!(ticket(&mut queue), oldest);
                queue.shrink();
            }
            assert!(matches!(queue.cancel(number), Some(Work::Ticket(usize::MAX))));
            while queue.len() > 1 {
                let oldest = next + 1 - queue.len();
                assert_eq!(ticket(&mut queue), oldest);
            }
            assert!(matches!(queue.pop(), Some(Work::Cancelled)));
            assert!(queue.pop().is_none() && queue.pop_ticket().is_none());
            assert!(queue.cancel(number).is_none(), "it has been reached");
            queue.shrink();
        }
        assert_eq!(queue.ring.len(), SMALL, "the burst's memory is given back");
    }

    /// What the ring is to be like: entries by number, with what they hold.
    #[derive(Default)]
    struct Model {
        entries: VecDeque<(u64, Entry)>,
        next: u64,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Entry {
        Ticket(usize),
        Call,
        Cancelled,
    }

    fn kind(work: &Work) -> Entry {
        match work {
            Work::Ticket(ticket) => Entry::Ticket(*ticket),
            Work::Call(..) => Entry::Call,
            Work::Cancelled => Entry::Cancelled,
            _ => panic!("nobody queued that"),
        }
    }

    fn pop(queue: &mut ReadyQueue) -> Option<Entry> {
        if let Some(ticket) = queue.pop_ticket() {
            return Some(Entry::Ticket(ticket));
        }
        queue.pop().map(|work| kind(&work))
    }

    #[test]
    fn a_ring_that_grows_shrinks_and_has_holes_keeps_order_and_drops_each_entry_once() {
        let site = Location::caller();
        let held = Rc::new(());
        let (mut queue, mut model) = (ReadyQueue::default(), Model::default());
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        let mut longest = 0;
        for step in 0..200_000_u64 {
            // Bursts of about 25,000, and between them nothing.
            let grows = step / 25_000 % 2 == 0;
            match random(10) {
                0..=3 if grows => {
                    queue.push(|| Work::Ticket(step as usize));
                    model.entries.push_back((model.next, Entry::Ticket(step as usize)));
                    model.next += 1;
                }
                4..=6 if grows => {
                    let held = Rc::clone(&held);
                    let number = queue.push(|| Work::Call(Box::new(move || drop(held)), site));
                    assert_eq!(number, model.next);
                    model.entries.push_back((number, Entry::Call));
                    model.next += 1;
                }
                7 => {
                    let number = random(model.next + 2);
                    let first = model.entries.front().map_or(model.next, |(number, _)| *number);
                    let place = number.checked_sub(first).map(|place| place as usize);
                    let entry = place.and_then(|place| model.entries.get_mut(place));
                    let there = entry.map(|(_, entry)| std::mem::replace(entry, Entry::Cancelled));
                    assert_eq!(queue.cancel(number).map(|work| kind(&work)), there);
                }
                8 => queue.shrink(),
                _ => assert_eq!(pop(&mut queue), model.entries.pop_front().map(|(_, it)| it)),
            }
            longest = longest.max(queue.ring.len());
            assert_eq!(queue.len(), model.entries.len());
        }
        assert!(longest > 2 * SMALL && queue.ring.len() < longest, "it grew and shrank");
        let calls = |model: &Model| model.entries.iter().filter(|it| it.1 == Entry::Call).count();
        assert_eq!(Rc::strong_count(&held), 1 + calls(&model));

        let left: Vec<_> = queue.take_all().iter().map(kind).collect();
        assert_eq!(left, model.entries.iter().map(|it| it.1).collect::<Vec<_>>());
        assert_eq!(Rc::strong_count(&held), 1);
        let number = queue.push(|| {
            Work::Call(
                Box::new({
                    let held = Rc::clone(&held);
                    || drop(held)
                }),
                site,
            )
        });
        assert_eq!(number, model.next, "numbers go on");
        drop(queue);
        assert_eq!(Rc::strong_count(&held), 1);
    }
}
