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

use std::sync::{Mutex, PoisonError};

use roundel_loop::RemoteHandle;

const INDEX_BITS: u32 = 28;
const GENERATION_BITS: u32 = 20;

/// How many tasks one executor can hold.
pub(crate) const MOST_TASKS: usize = 1 << INDEX_BITS;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(pub(crate) usize);

impl Ticket {
    pub(crate) fn new(executor: u16, generation: u32, index: usize) -> Self {
        let generation = generation as usize & ((1 << GENERATION_BITS) - 1);
        let executor = (executor as usize) << (INDEX_BITS + GENERATION_BITS);
        Self(executor | generation << INDEX_BITS | index)
    }

    pub(crate) fn executor(self) -> u16 {
        (self.0 >> (INDEX_BITS + GENERATION_BITS)) as u16
    }

    pub(crate) fn index(self) -> usize {
        self.0 & (MOST_TASKS - 1)
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
    executors[usize::from(number)] = None;
}

/// Wakes a task from a thread that does not run its loop.
pub(crate) fn wake_from_afar(ticket: Ticket) {
    let executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
    let remote = executors.get(usize::from(ticket.executor())).cloned().flatten();
    drop(executors);
    if let Some(remote) = remote {
        remote.wake(ticket.0);
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_TASKS, Ticket};

    #[test]
    fn a_ticket_tells_what_it_was_made_of() {
        let ticket = Ticket::new(u16::MAX, u32::MAX, MOST_TASKS - 1);
        assert_eq!(ticket.executor(), u16::MAX);
        assert_eq!(ticket.index(), MOST_TASKS - 1);
        assert_ne!(ticket, Ticket::new(u16::MAX, u32::MAX - 1, MOST_TASKS - 1));
        assert_eq!(Ticket::new(3, 0, 7).executor(), 3);
        assert_eq!(Ticket::new(3, 0, 7).index(), 7);
    }
}
