//! `Life`: what happens to a task from its first poll to its end, whoever keeps its future.
//!
//! ```text
//! polled ──▶ polled ──▶ … ──▶ future dropped in place ──▶ what it left is cleaned up ──▶ done
//!    └────────── cancel, panic ──────────▲
//! ```

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll},
};

use roundel_loop::{LoopHandle, buggify};

use crate::{
    JoinError,
    cell::waker,
    executor::{AnyTask, Executor},
    header::{Flags, Header},
    note::Note,
    unread::report_here,
};

pub(crate) type Outcome<T> = Result<T, JoinError>;

/// A future with its header, wherever it lies.
pub(crate) trait Life {
    type Value;

    /// Whether dropping the future does anything.
    const DROPS: bool = true;

    fn header(&self) -> &Header;

    /// Whether nobody wants the outcome any more: as good as a cancel.
    fn has_been_called_off(&self, _context: &mut Context<'_>) -> bool {
        false
    }

    /// Polls the future once. To be called in a step only, here and below.
    fn poll_future(&self, context: &mut Context<'_>) -> Poll<Self::Value>;

    /// Drops the future and puts the outcome in its place, even if the drop panics.
    fn end_future(&self, outcome: Outcome<Self::Value>);
}

/// How a task's turn ended.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Step {
    /// The task waits to be woken.
    Waiting,
    /// It has woken itself, and is to be queued.
    Again,
    /// It has ended.
    Done,
}

/// A task's turn.
pub(crate) fn step<L: Life>(life: &L, handle: &LoopHandle, executor: &Executor) -> Step {
    let header = life.header();
    if !header.begin_step() {
        return Step::Waiting;
    }
    let timed = executor.measure.is_on();
    if timed {
        executor.measure.begin(handle);
    }
    let turn = executor.enter(header);
    let waker = mem::ManuallyDrop::new(waker(header.ticket));
    let mut context = Context::from_waker(&waker);
    if !header.has(Flags::CLEANING) {
        header.note.set(Note::default());
        header.count_poll();
        if let Some(outcome) = poll(life, &mut context) {
            end(life, outcome);
        }
    }
    let done = header.has(Flags::CLEANING)
        && (!header.has(Flags::RARE) || clean_up(header, handle, executor, &mut context));
    let woken = turn.end();
    if timed {
        executor.measure.end(handle, header);
    }
    header.clear(Flags::RUNNING);
    if done {
        Step::Done
    } else if woken || header.has(Flags::QUEUED) || buggify("task: polled though nobody woke it") {
        header.set(Flags::QUEUED);
        Step::Again
    } else {
        Step::Waiting
    }
}

/// Polls the future; its outcome, if this is its end.
#[inline]
fn poll<L: Life>(life: &L, context: &mut Context<'_>) -> Option<Outcome<L::Value>> {
    let header = life.header();
    if life.has_been_called_off(context) {
        header.set(Flags::CANCEL);
    }
    if header.has(Flags::CANCEL) {
        return Some(Err(cancelled(header)));
    }
    match catch_unwind(AssertUnwindSafe(|| life.poll_future(context))) {
        Err(payload) => Some(Err(panicked(header, payload))),
        // A cancel cannot be outrun: not by a value that is ready in the same step either.
        Ok(polled) if header.has(Flags::CANCEL) => Some(Err(outrun(header, polled))),
        Ok(Poll::Ready(value)) => Some(Ok(value)),
        Ok(Poll::Pending) => None,
    }
}

/// The future has ended, or is to end here: it is dropped in place, and its clean-up begins.
fn end<L: Life>(life: &L, outcome: Outcome<L::Value>) {
    let header = life.header();
    header.set(Flags::CLEANING);
    if matches!(&outcome, Err(error) if error.is_cancelled()) {
        header.set(Flags::CANCELLED);
    }
    if !L::DROPS {
        life.end_future(outcome);
    } else if let Err(payload) = catch_unwind(AssertUnwindSafe(|| life.end_future(outcome))) {
        header.clear(Flags::CANCELLED);
        let error = panicked(header, payload);
        // The outcome that this replaces may panic as well, and the task ends all the same.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| life.end_future(Err(error)))) {
            report_here("an outcome panicked when it was dropped", payload);
        }
    }
}

/// The end: the seat is free, and whoever waits is woken. The outcome must be in its place. Who sat
/// there comes back.
#[inline]
pub(crate) fn finish(header: &Header, executor: &Executor) -> Option<AnyTask> {
    header.set(Flags::DONE);
    let seated = executor.leave(header.ticket);
    header.wake_joiners();
    seated
}

/// Polls what the future left to clean up; whether all of it is done.
fn clean_up(
    header: &Header,
    handle: &LoopHandle,
    executor: &Executor,
    context: &mut Context<'_>,
) -> bool {
    loop {
        // Out of the header while it is polled: it may leave more.
        let clean_ups = header.if_rare(|rare| mem::take(&mut rare.clean_ups));
        let Some(mut clean_ups) = clean_ups.filter(|it| !it.is_empty()) else { return true };
        let polled = clean_ups.poll(handle, executor, header, context);
        let more = header.rare(|rare| mem::take(&mut rare.clean_ups));
        let done = more.is_empty();
        clean_ups.append(more);
        header.rare(|rare| rare.clean_ups = clean_ups);
        if polled.is_pending() || done {
            return polled.is_ready();
        }
    }
}

/// Drops what a step that was cancelled has come to.
#[cold]
fn outrun<T>(header: &Header, polled: Poll<T>) -> JoinError {
    match catch_unwind(AssertUnwindSafe(|| drop(polled))) {
        Ok(()) => cancelled(header),
        Err(payload) => panicked(header, payload),
    }
}

#[cold]
fn cancelled(header: &Header) -> JoinError {
    JoinError::cancelled(header.id, header.site)
}

#[cold]
fn panicked(header: &Header, payload: Box<dyn Any + Send>) -> JoinError {
    JoinError::panicked(header.id, header.site, payload)
}
