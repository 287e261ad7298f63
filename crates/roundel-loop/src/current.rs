//! Which loop runs in this thread, and which ticket's turn it is: the one thread-local of the
//! workspace.

use std::{
    cell::{Cell, RefCell},
    mem::ManuallyDrop,
};

use crate::{LoopHandle, RunError};

struct Current {
    /// Never dropped by the thread's end, so that it can be looked at until then, and looking costs
    /// no check of whether it still is: `Entered` empties it.
    handle: RefCell<ManuallyDrop<Option<LoopHandle>>>,
    /// What the layer above runs at present; 0 for nothing.
    ticket: Cell<usize>,
    /// Whether that was woken meanwhile.
    woken: Cell<bool>,
}

thread_local! {
    static CURRENT: Current = const {
        Current {
            handle: RefCell::new(ManuallyDrop::new(None)),
            ticket: Cell::new(0),
            woken: Cell::new(false),
        }
    };
}

/// Marks a loop as running in this thread until dropped.
#[derive(Debug)]
pub(crate) struct Entered(());

/// # Errors
/// [`RunError::Nested`] if a loop runs here; it stays the current one.
pub(crate) fn enter(handle: &LoopHandle) -> Result<Entered, RunError> {
    CURRENT.with(|current| match current.handle.try_borrow_mut() {
        Ok(mut current) if current.is_none() => {
            **current = Some(handle.clone());
            Ok(Entered(()))
        }
        _ => Err(RunError::Nested),
    })
}

impl Drop for Entered {
    fn drop(&mut self) {
        let left = CURRENT.with(|current| current.handle.replace(ManuallyDrop::new(None)));
        // Outside the borrow: it may be the last handle of its loop.
        drop(ManuallyDrop::into_inner(left));
    }
}

pub(crate) fn try_current() -> Option<LoopHandle> {
    with(|current| current.cloned())
}

/// Looks at the current loop without taking a handle.
#[inline]
pub(crate) fn with<R>(look: impl FnOnce(Option<&LoopHandle>) -> R) -> R {
    CURRENT.with(|current| look(current.handle.borrow().as_ref()))
}

/// The turn of a ticket, until dropped; then it is again whose turn it was before. Turns nest: a
/// task may poll others.
///
/// For the layer above. Whatever [`wake_ticket`] is told about the ticket meanwhile is kept here and costs
/// nothing but a look at this thread's own memory.
#[derive(Debug)]
#[must_use = "the turn is over when this is dropped"]
pub struct TicketTurn {
    before: usize,
    woken_before: bool,
}

impl TicketTurn {
    /// Begins the turn of a ticket, which is not 0.
    #[inline]
    pub fn begin(ticket: usize) -> Self {
        CURRENT.with(|current| Self {
            before: current.ticket.replace(ticket),
            woken_before: current.woken.replace(false),
        })
    }

    /// Whose turn it is in this thread; 0 if no ticket's.
    #[inline]
    pub fn current() -> usize {
        CURRENT.with(|current| current.ticket.get())
    }

    /// Ends the turn; tells whether the ticket has been woken in it.
    #[inline]
    pub fn end(self) -> bool {
        CURRENT.with(|current| current.woken.get())
    }
}

impl Drop for TicketTurn {
    #[inline]
    fn drop(&mut self) {
        CURRENT.with(|current| {
            current.ticket.set(self.before);
            current.woken.set(self.woken_before);
        });
    }
}

/// Wakes a ticket of the layer above, if it is one of a loop that runs in this thread: at once in
/// its own turn ([`TicketTurn`]), else by [`Layer::wake`](crate::Layer::wake). False if it is not.
#[inline]
pub fn wake_ticket(ticket: usize) -> bool {
    CURRENT.with(|current| {
        if current.ticket.get() == ticket {
            current.woken.set(true);
            return true;
        }
        match &**current.handle.borrow() {
            Some(handle) => handle.wake_ticket(ticket),
            None => false,
        }
    })
}
