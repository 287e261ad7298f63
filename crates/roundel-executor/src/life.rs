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

use roundel_loop::LoopHandle;

use crate::{
    JoinError,
    cell::waker,
    executor::Executor,
    header::{Flags, Header},
};

pub(crate) type Outcome<T> = Result<T, JoinError>;

/// A future with its header, wherever it lies.
pub(crate) trait Life {
    type Value;

    fn header(&self) -> &Header;

    /// Polls the future once.
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
    header.clear(Flags::QUEUED);
    if header.has(Flags::DONE | Flags::RUNNING) {
        return Step::Waiting;
    }
    let entered = executor.enter(header);
    let waker = mem::ManuallyDrop::new(waker(header.ticket));
    let mut context = Context::from_waker(&waker);
    header.set(Flags::RUNNING);
    if !header.has(Flags::CLEANING) {
        header.count_poll();
        let outcome = poll(life, &mut context);
        header.waits_for.set(executor.take_note());
        if let Some(outcome) = outcome {
            end(life, outcome);
        }
    }
    let done = header.has(Flags::CLEANING) && clean_up(header, handle, executor, &mut context);
    header.clear(Flags::RUNNING);
    match done {
        true => Step::Done,
        false if entered.was_woken() => Step::Again,
        false => Step::Waiting,
    }
}

/// Polls the future; its outcome, if this is its end.
fn poll<L: Life>(life: &L, context: &mut Context<'_>) -> Option<Outcome<L::Value>> {
    let header = life.header();
    if header.has(Flags::CANCEL) {
        return Some(Err(JoinError::cancelled(header.id, header.site)));
    }
    match catch_unwind(AssertUnwindSafe(|| life.poll_future(context))) {
        Err(payload) => Some(Err(panicked(header, payload))),
        // A cancel cannot be outrun: not by a value that is ready in the same step either.
        Ok(_) if header.has(Flags::CANCEL) => {
            Some(Err(JoinError::cancelled(header.id, header.site)))
        }
        Ok(Poll::Ready(value)) => Some(Ok(value)),
        Ok(Poll::Pending) => None,
    }
}

/// The future has ended, or is to end here: it is dropped in place, and its clean-up begins.
fn end<L: Life>(life: &L, outcome: Outcome<L::Value>) {
    let header = life.header();
    header.set(Flags::CLEANING);
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| life.end_future(outcome))) {
        life.end_future(Err(panicked(header, payload)));
    }
}

/// The end: the seat is free, and whoever waits is woken. The outcome must be in its place.
pub(crate) fn finish(header: &Header, executor: &Executor, cancelled: bool) {
    if cancelled {
        header.set(Flags::CANCELLED);
    }
    header.set(Flags::DONE);
    executor.leave(header.ticket);
    for joiner in header.take_joiners() {
        joiner.waker.wake();
    }
    if let Some(call) = header.if_rare(|rare| rare.on_done.take()).flatten() {
        call();
    }
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

fn panicked(header: &Header, payload: Box<dyn Any + Send>) -> JoinError {
    JoinError::panicked(header.id, header.site, payload)
}
