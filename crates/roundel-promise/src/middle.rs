//! The middle of a pair, which its two ends share: state, value, waiters, call-backs; plain data.
//!
//! Each method here is one step under the lock (or the borrow, on one thread). It runs no foreign
//! code: no call-back, no waker, no `clone` or `drop` of a value. What is left to do with the lock
//! open is returned, and `#[must_use]` sees to it that it is done; `pair` does it.
//!
//! The value has three places, and lending is what lets it be moved out in the end without an
//! allocation of its own, and lets it be only `Send`: a value that two threads look at in turn
//! need not be `Sync`.
//!
//! ```text
//!            set                      look, clone, call-back
//!  Empty ──────────▶ Full ──────────────────────────────────▶ Lent
//!    ▲                │ ▲                                       │
//!    └─ last reader ──┘ └────────────── give back ──────────────┘
//! ```
//!
//! Lent lasts until the borrower gives back, which it does even if foreign code panics. Whoever
//! wants to read meanwhile waits like before; a call-back that arrives meanwhile is queued, and the
//! borrower runs it before it gives back. So no reader and no call-back is lost.
use std::mem;
use std::task::Waker;

use crate::error::Broken;
use crate::state::{Cancel, End, Start, State};
use crate::sync::ThreadId;
use crate::waiters::{Key, Until, Waiters, Wakers};

/// Who borrows, so that a thread cannot wait for a value it holds itself.
pub(crate) type Borrower = fn() -> Option<ThreadId>;

enum Slot<T> {
    Empty,
    Full(T),
    Lent(Option<ThreadId>),
}

struct Callbacks<C> {
    /// Those that have not been taken to be run.
    queue: Vec<C>,
    /// The name of every one ever added.
    labels: Vec<&'static str>,
}

// By hand, because `C` has no default.
impl<C> Default for Callbacks<C> {
    fn default() -> Self {
        Callbacks { queue: Vec::new(), labels: Vec::new() }
    }
}

pub(crate) struct Middle<T, C> {
    state: State,
    slot: Slot<T>,
    waiters: Waiters,
    /// Boxed because most promises have none.
    callbacks: Option<Box<Callbacks<C>>>,
    /// Reading ends that have a claim to the value; the last one gets it, the others clones.
    readers: u32,
    next_key: Key,
    /// How to clone a value. There is one as soon as there are several readers.
    cloner: Option<fn(&T) -> T>,
}

/// The key of the reading end that the pair is born with.
pub(crate) const FIRST_READER: Key = 0;

impl<T, C> Middle<T, C> {
    pub(crate) fn new() -> Self {
        Middle {
            state: State::Pending,
            slot: Slot::Empty,
            waiters: Waiters::None,
            callbacks: None,
            readers: 1,
            next_key: FIRST_READER + 1,
            cloner: None,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn waiters(&self) -> usize {
        self.waiters.len()
    }

    pub(crate) fn labels(&self) -> &[&'static str] {
        self.callbacks.as_ref().map_or(&[], |callbacks| &callbacks.labels)
    }

    fn has_queue(&self) -> bool {
        self.callbacks.as_ref().is_some_and(|callbacks| !callbacks.queue.is_empty())
    }

    fn take_queue(&mut self) -> Vec<C> {
        self.callbacks.as_mut().map_or_else(Vec::new, |callbacks| mem::take(&mut callbacks.queue))
    }

    pub(crate) fn is_lent_to(&self, borrower: ThreadId) -> bool {
        matches!(self.slot, Slot::Lent(Some(lent_to)) if lent_to == borrower)
    }

    // ----- the writing end

    pub(crate) fn start(&mut self) -> (Start, Wakers) {
        let start = self.state.start();
        let wakers = match start {
            Start::Notified => self.waiters.take_all(),
            Start::Begun | Start::Refused | Start::Misused => Wakers::none(),
        };
        (start, wakers)
    }

    pub(crate) fn finish(&mut self, value: T, borrower: Borrower) -> (Finish<T>, Wakers) {
        match self.state.end(State::Finished) {
            End::Decided if !self.has_queue() => {
                self.slot = Slot::Full(value);
                (Finish::Stored, self.waiters.take_all())
            }
            End::Decided => {
                self.slot = Slot::Lent(borrower());
                (Finish::Lent(value), self.waiters.take(Until::Settled))
            }
            End::Notified => (Finish::Refused(value), self.waiters.take_all()),
            End::Refused => (Finish::Refused(value), Wakers::none()),
        }
    }

    pub(crate) fn abandon(&mut self) -> (Vec<C>, Wakers) {
        match self.state.end(State::Abandoned) {
            End::Decided | End::Notified => (self.take_queue(), self.waiters.take_all()),
            End::Refused => (Vec::new(), Wakers::none()),
        }
    }

    // ----- the reading ends

    pub(crate) fn cancel(&mut self) -> (Cancel, Vec<C>, Wakers) {
        let cancel = self.state.cancel();
        match cancel {
            Cancel::Decided => (cancel, self.take_queue(), self.waiters.take(Until::Done)),
            Cancel::Already | Cancel::Refused => (cancel, Vec::new(), Wakers::none()),
        }
    }

    pub(crate) fn add_reader(&mut self, cloner: fn(&T) -> T) -> Key {
        let key = self.next_key;
        self.next_key += 1;
        self.readers += 1;
        self.cloner = Some(cloner);
        key
    }

    pub(crate) fn remove_reader(&mut self, key: Key) -> Option<Waker> {
        self.readers -= 1;
        self.waiters.remove(key)
    }

    /// Takes the value for the reader `key`, or leaves its waker.
    ///
    /// `spare` is that waker, cloned before the lock was taken. If it displaces another, that one
    /// is left in `spare`, to be dropped after the lock is open.
    pub(crate) fn read(
        &mut self,
        key: Key,
        spare: &mut Option<Waker>,
        borrower: Borrower,
    ) -> Reading<T> {
        match self.lend(borrower) {
            Look::Broken(broken) => Reading::Broken(broken),
            Look::Loan(value) => {
                self.readers -= 1;
                if self.readers == 0 {
                    self.slot = Slot::Empty;
                    return Reading::Value(value);
                }
                let clone = self.cloner.expect("several readers came from a clone");
                Reading::Loan(value, clone)
            }
            Look::Undecided | Look::Lent => match spare.take() {
                Some(waker) => {
                    *spare = self.waiters.register(key, Until::Done, waker);
                    Reading::Pending
                }
                None => Reading::NoWaker,
            },
            Look::Taken => unreachable!("a reader with a claim to the value finds it"),
        }
    }

    /// Lends the value, if it is there.
    pub(crate) fn lend(&mut self, borrower: Borrower) -> Look<T> {
        match self.state {
            State::Pending | State::Running => return Look::Undecided,
            State::Cancelled | State::CancelledAndNotified => {
                return Look::Broken(Broken::Cancelled);
            }
            State::Abandoned => return Look::Broken(Broken::Abandoned),
            State::Finished => {}
        }
        match mem::replace(&mut self.slot, Slot::Empty) {
            Slot::Full(value) => {
                self.slot = Slot::Lent(borrower());
                Look::Loan(value)
            }
            Slot::Lent(borrower) => {
                self.slot = Slot::Lent(borrower);
                Look::Lent
            }
            Slot::Empty => Look::Taken,
        }
    }

    /// Takes a lent value back, unless call-backs want to see it first.
    pub(crate) fn give_back(&mut self, value: T) -> GiveBack<T, C> {
        debug_assert!(matches!(self.slot, Slot::Lent(_)));
        if self.has_queue() {
            return GiveBack::CallBack(value, self.take_queue());
        }
        self.slot = Slot::Full(value);
        GiveBack::Kept(self.waiters.take(Until::Done))
    }

    pub(crate) fn on_done(
        &mut self,
        label: &'static str,
        callback: C,
        borrower: Borrower,
    ) -> OnDone<T, C> {
        let look = self.lend(borrower);
        let callbacks = self.callbacks.get_or_insert_default();
        callbacks.labels.push(label);
        match look {
            Look::Undecided | Look::Lent => {
                callbacks.queue.push(callback);
                OnDone::Queued
            }
            Look::Loan(value) => {
                callbacks.queue.push(callback);
                OnDone::Lent(value)
            }
            Look::Broken(broken) => OnDone::Now(callback, broken),
            Look::Taken => unreachable!("a reader with a claim to the value finds it"),
        }
    }

    /// Registers the waker in `spare` for `key` unless there is nothing to wait for. Like in
    /// [`read`](Middle::read), what is left in `spare` is to be dropped after the lock is open.
    pub(crate) fn watch(&mut self, key: Key, until: Until, spare: &mut Option<Waker>) -> bool {
        let over = match until {
            Until::Done => self.state.is_done() && !matches!(self.slot, Slot::Lent(_)),
            Until::Settled => self.state.is_settled(),
        };
        if let Some(waker) = spare.take_if(|_| !over) {
            *spare = self.waiters.register(key, until, waker);
        }
        !over
    }

    pub(crate) fn unwatch(&mut self, key: Key) -> Option<Waker> {
        self.waiters.remove(key)
    }
}

/// What became of the value that was set.
#[must_use]
pub(crate) enum Finish<T> {
    Stored,
    /// Call-backs are waiting for it: give it back, and they will be run.
    Lent(T),
    Refused(T),
}

/// What a reader gets.
#[must_use]
pub(crate) enum Reading<T> {
    Value(T),
    /// Others have a claim too: clone it and give it back.
    Loan(T, fn(&T) -> T),
    Broken(Broken),
    Pending,
    /// It has to wait but brought no waker: come again with one.
    NoWaker,
}

/// What somebody who only looks gets.
#[must_use]
pub(crate) enum Look<T> {
    Undecided,
    Broken(Broken),
    Loan(T),
    Lent,
    Taken,
}

/// What became of a loan.
#[must_use]
pub(crate) enum GiveBack<T, C> {
    Kept(Wakers),
    /// Run these first, then give back again.
    CallBack(T, Vec<C>),
}

/// What is to be done with a call-back.
#[must_use]
pub(crate) enum OnDone<T, C> {
    Queued,
    /// Queued, and the value is here: give it back, and the call-back will be run.
    Lent(T),
    Now(C, Broken),
}
