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

use crate::crowd::Crowd;
use crate::error::Broken;
use crate::leftover::{Cancelling, Finish, GiveBack, Look, OnDone, Reading, Wait};
use crate::state::{Cancel, End, Start, State};
use crate::sync::ThreadId;
use crate::waiters::{Key, Until, Wakers};

/// Who borrows, so that a thread cannot wait for a value it holds itself.
pub(crate) type Borrower = fn() -> Option<ThreadId>;

enum Slot<T> {
    Empty,
    Full(T),
    Lent(Option<ThreadId>),
}

/// State, value, and a seat for each of the two ends to wait in.
pub(crate) struct Middle<T, C> {
    state: State,
    slot: Slot<T>,
    /// The reader, if it waits for the value and there is no crowd. Who waits for the promise to
    /// settle makes a crowd.
    reader: Option<Waker>,
    /// The writer, if it waits for a cancel.
    writer: Option<Waker>,
    crowd: Option<Box<Crowd<T, C>>>,
}

impl<T, C> Default for Middle<T, C> {
    #[inline]
    fn default() -> Self {
        Middle { state: State::Pending, slot: Slot::Empty, reader: None, writer: None, crowd: None }
    }
}

impl<T, C> Middle<T, C> {
    #[inline]
    pub(crate) fn state(&self) -> State {
        self.state
    }

    pub(crate) fn waiters(&self) -> usize {
        match &self.crowd {
            None => usize::from(self.reader.is_some()),
            Some(crowd) => crowd.waiters.len(),
        }
    }

    pub(crate) fn labels(&self) -> &[&'static str] {
        self.crowd.as_ref().map_or(&[], |crowd| crowd.labels())
    }

    #[inline]
    fn has_queue(&self) -> bool {
        self.crowd.as_ref().is_some_and(|crowd| crowd.has_queue())
    }

    #[inline]
    fn take_queue(&mut self) -> Box<[C]> {
        self.crowd.as_mut().map_or_else(Box::default, |crowd| crowd.take_queue())
    }

    pub(crate) fn is_lent_to(&self, borrower: ThreadId) -> bool {
        matches!(self.slot, Slot::Lent(Some(lent_to)) if lent_to == borrower)
    }

    // ----- the writing end

    pub(crate) fn start(&mut self) -> (Start, Wakers) {
        let start = self.state.start();
        let wakers = match start {
            Start::Notified => self.take_waiters(),
            Start::Begun | Start::Refused | Start::Misused => Wakers::NONE,
        };
        (start, wakers)
    }

    /// Leaves the writer's waker to be woken by a cancel, unless there was one.
    pub(crate) fn hear(&mut self, waker: Waker) -> Wait {
        match self.state.is_cancelled() {
            true => Wait::Over(waker),
            false => Wait::Begun(self.writer.replace(waker)),
        }
    }

    /// The writer leaves a value, and goes.
    #[inline]
    pub(crate) fn finish(&mut self, value: T, borrower: Borrower) -> (Finish<T>, Wakers) {
        match self.state.end(State::Finished) {
            End::Decided if !self.has_queue() => {
                self.slot = Slot::Full(value);
                (Finish::Stored, self.take_waiters())
            }
            End::Decided => {
                self.slot = Slot::Lent(borrower());
                (Finish::Lent(value), self.take_watchers())
            }
            End::Notified => (Finish::Refused(value), self.take_waiters()),
            End::Refused => (Finish::Refused(value), Wakers::NONE),
        }
    }

    /// The writer goes without having left a value.
    #[inline]
    pub(crate) fn abandon(&mut self) -> (Box<[C]>, Wakers) {
        match self.state.end(State::Abandoned) {
            End::Decided | End::Notified => (self.take_queue(), self.take_waiters()),
            End::Refused => (Box::default(), Wakers::NONE),
        }
    }

    /// Takes the waker of a writer that goes: it is to wake nobody.
    #[inline]
    pub(crate) fn take_writer(&mut self) -> Option<Waker> {
        self.writer.take()
    }

    // ----- the reading ends

    pub(crate) fn cancel(&mut self) -> Cancelling<C> {
        match self.state.cancel() {
            Cancel::Decided => Cancelling::Decided {
                readers: self.take_readers(),
                writer: self.writer.take(),
                callbacks: self.take_queue(),
            },
            Cancel::Already => Cancelling::Already,
            Cancel::Refused => Cancelling::Refused,
        }
    }

    pub(crate) fn add_reader(&mut self, cloner: fn(&T) -> T) -> Key {
        self.crowd().join(cloner)
    }

    #[inline]
    pub(crate) fn remove_reader(&mut self, key: Key) -> Option<Waker> {
        self.leave();
        self.unwait(key)
    }

    /// Counts one claim less; returns how to clone the value if there are others left.
    #[inline]
    fn leave(&mut self) -> Option<fn(&T) -> T> {
        self.crowd.as_mut()?.leave()
    }

    /// Takes the value for a reader that has a claim to it. The outcome is decided.
    #[inline]
    pub(crate) fn read(&mut self, borrower: Borrower) -> Reading<T> {
        match self.take() {
            Look::Broken(broken) => Reading::Broken(broken),
            Look::Loan(value) => match self.leave() {
                None => Reading::Value(value),
                Some(clone) => {
                    self.slot = Slot::Lent(borrower());
                    Reading::Loan(value, clone)
                }
            },
            Look::Lent => Reading::Lent,
            Look::Undecided => unreachable!("whoever reads knows that it is decided"),
            Look::Taken => unreachable!("a reader with a claim to the value finds it"),
        }
    }

    /// Lends the value, if it is there.
    pub(crate) fn lend(&mut self, borrower: Borrower) -> Look<T> {
        let look = self.take();
        if let Look::Loan(_) = look {
            self.slot = Slot::Lent(borrower());
        }
        look
    }

    /// Takes the value out, if it is there.
    #[inline]
    fn take(&mut self) -> Look<T> {
        match self.state {
            State::Pending | State::Running => return Look::Undecided,
            State::Cancelled | State::CancelledAndNotified => {
                return Look::Broken(Broken::Cancelled);
            }
            State::Abandoned => return Look::Broken(Broken::Abandoned),
            State::Finished => {}
        }
        match mem::replace(&mut self.slot, Slot::Empty) {
            Slot::Full(value) => Look::Loan(value),
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
        GiveBack::Kept(self.take_readers())
    }

    pub(crate) fn on_done(
        &mut self,
        label: &'static str,
        callback: C,
        borrower: Borrower,
    ) -> OnDone<T, C> {
        let look = self.lend(borrower);
        let crowd = self.crowd();
        match look {
            Look::Undecided | Look::Lent => {
                crowd.call_back(label, callback);
                OnDone::Queued
            }
            Look::Loan(value) => {
                crowd.call_back(label, callback);
                OnDone::Lent(value)
            }
            Look::Broken(broken) => {
                crowd.note(label);
                OnDone::Now(callback, broken)
            }
            Look::Taken => unreachable!("a reader with a claim to the value finds it"),
        }
    }

    /// Leaves the waker of the reader `key` to be woken at `until`, unless that is past.
    #[inline]
    pub(crate) fn wait(&mut self, key: Key, until: Until, waker: Waker) -> Wait {
        let over = match until {
            Until::Done => self.state.is_done() && !matches!(self.slot, Slot::Lent(_)),
            Until::Settled => self.state.is_settled(),
        };
        match over {
            true => Wait::Over(waker),
            false if self.crowd.is_none() && until == Until::Done => {
                Wait::Begun(self.reader.replace(waker))
            }
            false => Wait::Begun(self.wait_in_line(key, until, waker)),
        }
    }

    #[cold]
    fn wait_in_line(&mut self, key: Key, until: Until, waker: Waker) -> Option<Waker> {
        self.crowd().waiters.register(key, until, waker)
    }

    /// Forgets that the reader `key` waits; returns its waker.
    #[inline]
    pub(crate) fn unwait(&mut self, key: Key) -> Option<Waker> {
        match &mut self.crowd {
            None => self.reader.take(),
            Some(crowd) => crowd.waiters.remove(key),
        }
    }

    #[inline]
    fn take_waiters(&mut self) -> Wakers {
        match &mut self.crowd {
            None => Wakers::Seated(self.reader.take()),
            Some(crowd) => Wakers::InLine(crowd.waiters.take_all()),
        }
    }

    /// Takes those who wait for the value only.
    #[inline]
    fn take_readers(&mut self) -> Wakers {
        match &mut self.crowd {
            None => Wakers::Seated(self.reader.take()),
            Some(crowd) => Wakers::InLine(crowd.waiters.take(Until::Done)),
        }
    }

    /// Takes those who wait for the promise to settle; they never sit.
    fn take_watchers(&mut self) -> Wakers {
        match &mut self.crowd {
            None => Wakers::NONE,
            Some(crowd) => Wakers::InLine(crowd.waiters.take(Until::Settled)),
        }
    }

    fn crowd(&mut self) -> &mut Crowd<T, C> {
        self.crowd.get_or_insert_with(|| Crowd::around(&mut self.reader))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crowd::FIRST_READER;

    #[test]
    fn a_cancel_wakes_readers_and_not_who_waits_for_the_promise_to_settle() {
        for (until, woken) in [(Until::Done, 1), (Until::Settled, 0)] {
            let mut middle = Middle::<(), ()>::default();
            let wait = middle.wait(FIRST_READER, until, Waker::noop().clone());
            assert!(matches!(wait, Wait::Begun(None)));
            assert!(matches!(middle.cancel(), Cancelling::Decided { .. }));
            assert_eq!(middle.waiters(), 1 - woken);
        }
    }

    #[test]
    fn a_pair_with_a_small_value_fits_into_128_bytes() {
        // Two counts and the lock with its mirror come to it.
        assert!(size_of::<Middle<[usize; 3], Box<dyn Fn()>>>() + 32 <= 128);
    }
}
