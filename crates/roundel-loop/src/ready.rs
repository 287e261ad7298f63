//! `ReadyQueue`: what runs next, first in first out.
//!
//! Each entry has a number, one more than the entry before it; the head's number is kept, so a
//! handle finds its entry by subtraction and needs no table of its own:
//!
//! ```text
//! first = 41    entries  [41] [42] [43] [44]     handle 43 → entries[43 - 41]
//! ```

use std::{collections::VecDeque, panic::Location, rc::Rc, sync::Arc};

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

#[derive(Default)]
pub(crate) struct ReadyQueue {
    entries: VecDeque<Work>,
    first: u64,
}

impl ReadyQueue {
    pub(crate) fn push(&mut self, work: Work) -> u64 {
        self.entries.push_back(work);
        self.first + self.entries.len() as u64 - 1
    }

    pub(crate) fn pop(&mut self) -> Option<Work> {
        let work = self.entries.pop_front()?;
        self.first += 1;
        Some(work)
    }

    /// Empties the entry with this number, if it has not been reached; the work is returned to be
    /// dropped where no borrow is held.
    pub(crate) fn cancel(&mut self, number: u64) -> Option<Work> {
        let nth = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let entry = self.entries.get_mut(nth)?;
        Some(std::mem::replace(entry, Work::Cancelled))
    }

    /// Gives back the memory of a burst that is over.
    #[inline]
    pub(crate) fn shrink(&mut self) {
        let capacity = self.entries.capacity();
        if capacity > SMALL && self.entries.len() < capacity / 8 {
            self.entries.shrink_to(SMALL.max(capacity / 4));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Everything left, for the loop's end. Numbers go on where they were.
    pub(crate) fn take_all(&mut self) -> VecDeque<Work> {
        self.first += self.entries.len() as u64;
        std::mem::take(&mut self.entries)
    }
}
