//! `Roster`: whose turn it is among the children that one task polls, and how they wake it.
//!
//! To the executor a child is a [`Member`]: a task with a header, a ticket and so a waker that is a
//! number, like any other. Only its turn is not the loop's to give: a woken member stands in its
//! roster, and the roster wakes whoever polls the children. Nothing here can reach a child's
//! future, so a waker that is kept for ever keeps nothing else.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    task::Waker,
};

use crate::{
    executor::{Executor, current_ticket},
    header::{Flags, Header, wake_foreign},
    ticket::Ticket,
};

/// The children of one owner that are ready, in the order in which they were woken.
#[derive(Default)]
pub(crate) struct Roster {
    ready: RefCell<VecDeque<Rc<Member>>>,
    /// Wakes the owner.
    waker: RefCell<Option<Waker>>,
    /// Whether the owner was woken since it last called the roster.
    woken: Cell<bool>,
    /// The task within whose turns the children are polled.
    owner: Cell<Option<Ticket>>,
    owner_id: Cell<u64>,
}

impl Roster {
    /// The owner's turn begins: how many children are ready for it.
    pub(crate) fn call(&self, executor: &Executor, waker: &Waker) -> usize {
        self.owner.set(current_ticket());
        self.owner_id.set(executor.current_id());
        self.woken.set(false);
        let same = self.waker.borrow().as_ref().is_some_and(|known| known.will_wake(waker));
        if !same {
            let before = self.waker.replace(Some(waker.clone()));
            drop(before);
        }
        self.ready.borrow().len()
    }

    pub(crate) fn owner(&self) -> Option<Ticket> {
        self.owner.get()
    }

    /// The owner's number; 0 if it is no task.
    pub(crate) fn owner_id(&self) -> u64 {
        self.owner_id.get()
    }

    /// The next child that is ready.
    pub(crate) fn next(&self) -> Option<Rc<Member>> {
        self.ready.borrow_mut().pop_front()
    }

    /// Whether this waker is the owner's: it has no need to be woken by its children, as it looks
    /// at everything else after it has polled them.
    pub(crate) fn is_owners(&self, waker: &Waker) -> bool {
        self.waker.borrow().as_ref().is_some_and(|owners| owners.will_wake(waker))
    }

    /// A child is ready.
    pub(crate) fn push(&self, member: Rc<Member>) {
        self.ready.borrow_mut().push_back(member);
        if !self.woken.replace(true) {
            // Foreign code, if the owner is polled by a combinator: no borrow is held.
            let waker = self.waker.borrow().clone();
            if let Some(waker) = waker
                && !wake_foreign(waker, "the waker of a group panicked")
            {
                // The next child that is ready tries again.
                self.woken.set(false);
            }
        }
    }

    /// Nobody will be polled any more.
    pub(crate) fn close(&self) {
        let ready = self.ready.take();
        let waker = self.waker.take();
        drop((ready, waker));
    }
}

/// A child, as the executor knows it.
pub(crate) struct Member {
    pub(crate) header: Header,
    pub(crate) roster: Rc<Roster>,
    /// Where its owner keeps its future.
    pub(crate) place: usize,
    begun: Cell<bool>,
    /// Who waits for it to begin.
    waits_for_begin: Cell<Option<Waker>>,
}

impl Member {
    pub(crate) fn new(header: Header, roster: Rc<Roster>, place: usize) -> Self {
        let begun = Cell::new(false);
        Self { header, roster, place, begun, waits_for_begin: Cell::new(None) }
    }

    /// Whether it has its place among those that are at work.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Its first turn comes.
    pub(crate) fn begin(self: &Rc<Self>) {
        self.begun.set(true);
        self.make_ready();
        if let Some(waker) = self.waits_for_begin.take() {
            waker.wake();
        }
    }

    pub(crate) fn wake_when_begun(&self, waker: &Waker) {
        if !self.roster.is_owners(waker) {
            self.waits_for_begin.set(Some(waker.clone()));
        }
    }

    /// Asks it to end, which it cannot refuse. It need not have begun.
    pub(crate) fn cancel(self: &Rc<Self>) {
        if !self.header.has(Flags::DONE) && !self.header.set(Flags::CANCEL) {
            self.make_ready();
        }
    }

    /// The loop is closed, and there will be no turn.
    pub(crate) fn close(&self) {
        if !self.header.set(Flags::DONE) {
            self.header.set(Flags::CANCELLED);
            self.header.wake_joiners();
            let left = self.header.strip();
            drop(left);
        }
    }

    fn make_ready(self: &Rc<Self>) {
        if self.header.note_wake() {
            self.roster.push(Rc::clone(self));
        }
    }
}
