//! `Ticket`: which task of which loop, in one number. A task's waker is its ticket and nothing
//! else: cloning or dropping it touches no memory, and it may go to any thread.
//!
//! ```text
//! 63      48 47          28 27            0
//! [ executor | generation  |    index     ]
//! ```
//!
//! A ticket may outlive its task. Then the generation differs, and the wake reaches nothing; or,
//! after 2^20 successors in the same place, it wakes the successor once too often, which futures
//! have to bear anyway. The same goes for an executor's number, which is used again.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use roundel_loop::{RemoteHandle, wake_ticket};

const INDEX_BITS: u32 = 28;
const GENERATION_BITS: u32 = 20;

/// How many tasks one executor can hold.
pub(crate) const MOST_TASKS: usize = 1 << INDEX_BITS;

/// Never zero, since generations are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(NonZeroUsize);

/// Which of a place's successive tasks: 1 to 2^20 - 1, and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation(u32);

impl Generation {
    pub(crate) const FIRST: Self = Self(1);

    pub(crate) fn next(self) -> Self {
        match (self.0 + 1) & ((1 << GENERATION_BITS) - 1) {
            0 => Self::FIRST,
            next => Self(next),
        }
    }
}

impl Ticket {
    #[inline]
    pub(crate) fn new(executor: u16, generation: Generation, index: usize) -> Self {
        let executor = (executor as usize) << (INDEX_BITS + GENERATION_BITS);
        let number = executor | (generation.0 as usize) << INDEX_BITS | index;
        Self(NonZeroUsize::new(number).expect("a generation is not zero"))
    }

    #[inline]
    pub(crate) fn number(self) -> usize {
        self.0.get()
    }

    #[inline]
    pub(crate) fn from_number(number: usize) -> Option<Self> {
        NonZeroUsize::new(number).map(Self)
    }

    #[inline]
    pub(crate) fn executor(self) -> u16 {
        (self.number() >> (INDEX_BITS + GENERATION_BITS)) as u16
    }

    #[inline]
    pub(crate) fn generation(self) -> Generation {
        Generation((self.number() >> INDEX_BITS) as u32 & ((1 << GENERATION_BITS) - 1))
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.number() & (MOST_TASKS - 1)
    }
}

/// The executors that live, by number; how a wake in a foreign thread finds its loop.
static EXECUTORS: Mutex<Vec<Option<RemoteHandle>>> = Mutex::new(Vec::new());

/// A number for a new executor.
///
/// # Panics
/// If 65,536 executors live.
pub(crate) fn enlist(remote: RemoteHandle) -> u16 {
    let mut executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
    let free = executors.iter().position(Option::is_none).unwrap_or(executors.len());
    let number = u16::try_from(free).expect("at most 65,536 executors live at once");
    if free == executors.len() {
        executors.push(None);
    }
    executors[free] = Some(remote);
    number
}

pub(crate) fn dismiss(number: u16) {
    let mut executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
    let dismissed = executors[usize::from(number)].take();
    drop(executors);
    drop(dismissed); // it may be the last that holds a driver's notifier, which is foreign code
}

/// Wakes the task whose ticket has this number, in whatever thread this is.
#[inline]
pub(crate) fn wake(number: usize) {
    if !wake_ticket(number) {
        wake_from_afar(number);
    }
}

/// Wakes a task from a thread that does not run its loop.
#[cold]
#[inline(never)]
fn wake_from_afar(number: usize) {
    let Some(ticket) = Ticket::from_number(number) else { return };
    let executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
    let remote = executors.get(usize::from(ticket.executor())).cloned().flatten();
    drop(executors);
    if let Some(remote) = remote {
        remote.wake(ticket.number());
    }
}

#[cfg(test)]
mod tests {
    use super::{Generation, MOST_TASKS, Ticket};

    #[test]
    fn a_ticket_tells_what_it_was_made_of() {
        let last = Generation((1 << 20) - 1);
        let ticket = Ticket::new(u16::MAX, last, MOST_TASKS - 1);
        assert_eq!(ticket.executor(), u16::MAX);
        assert_eq!(ticket.generation(), last);
        assert_eq!(ticket.index(), MOST_TASKS - 1);
        assert_eq!(Ticket::from_number(ticket.number()), Some(ticket));
        assert_ne!(ticket, Ticket::new(u16::MAX, Generation::FIRST, MOST_TASKS - 1));
        assert_eq!(Ticket::new(3, Generation::FIRST, 7).executor(), 3);
        assert_eq!(Ticket::new(3, Generation::FIRST, 7).index(), 7);
    }

    #[test]
    fn generations_go_round_without_zero() {
        assert_eq!(Generation((1 << 20) - 1).next(), Generation::FIRST);
        assert_eq!(Generation::FIRST.next(), Generation(2));
    }
}
