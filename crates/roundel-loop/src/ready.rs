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
    LoopHandle,
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
    pub(crate) fn push(&mut self, work: Work) -> u64 {
        *self.next_place() = ManuallyDrop::new(work);
        self.next - 1
    }

    /// As [`push`](Self::push), for what is pushed most.
    #[inline]
    pub(crate) fn push_ticket(&mut self, ticket: usize) {
        // Made where it is to stand: an entry that is made elsewhere and moved costs a stall.
        *self.next_place() = ManuallyDrop::new(Work::Ticket(ticket));
    }

    /// The place of a new entry.
    #[inline]
    fn next_place(&mut self) -> &mut ManuallyDrop<Work> {
        if self.len() == self.ring.len() {
            self.resize((2 * self.ring.len()).max(64));
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
            self.resize(SMALL.max(self.ring.len() / 4));
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

    #[cold]
    fn resize(&mut self, size: usize) {
        let mut ring = Vec::new();
        ring.resize_with(size, || ManuallyDrop::new(Work::Cancelled));
        for number in self.first..self.next {
            let place = self.place(number);
            ring[number as usize & (size - 1)] = ManuallyDrop::new(self.empty(place));
        }
        self.ring = ring;
    }
}

impl Drop for ReadyQueue {
    fn drop(&mut self) {
        drop(self.take_all());
    }
}
