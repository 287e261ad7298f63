//! What a step leaves to be done with the lock open: all that is foreign code.
//!
//! One type for each step that can end in several ways; `middle` makes them, `pair` honours them.
use std::task::Waker;

use crate::error::Broken;
use crate::waiters::Wakers;

/// What became of the wish to wait. The waker in it is to be dropped with the lock open.
#[must_use]
pub(crate) enum Wait {
    /// With the waker that was displaced.
    Begun(Option<Waker>),
    /// There is nothing to wait for; here is the waker back.
    Over(Waker),
}

/// What became of the value that was set.
#[must_use]
pub(crate) enum Finish<T> {
    Stored,
    /// Call-backs are waiting for it: give it back, and they will be run.
    Lent(T),
    Refused(T),
}

/// What is to be done about a cancel.
#[must_use]
pub(crate) enum Cancelling<C> {
    Decided { readers: Wakers, writer: Option<Waker>, callbacks: Box<[C]> },
    Already,
    Refused,
}

/// What a reader gets.
#[must_use]
pub(crate) enum Reading<T> {
    Value(T),
    /// Others have a claim too: clone it and give it back.
    Loan(T, fn(&T) -> T),
    Broken(Broken),
    Lent,
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
    CallBack(T, Box<[C]>),
}

/// What is to be done with a call-back.
#[must_use]
pub(crate) enum OnDone<T, C> {
    Queued,
    /// Queued, and the value is here: give it back, and the call-back will be run.
    Lent(T),
    Now(C, Broken),
}
