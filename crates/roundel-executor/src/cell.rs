//! `TaskCell`: a task in one allocation, and its waker. The only unsafe code of this crate.
//!
//! A cell is made in an `Rc` by [`TaskCell::spawn`] and in no other way, none of its fields can be
//! reached from outside this file, and nothing here moves the future once it is in its stage: it is
//! polled where it lies and dropped where it lies. That is what pinning asks for. Where a stage is
//! moved out, it has been looked at first: it holds an outcome.
//!
//! The waker is a number (see `ticket.rs`), so its functions have no memory to mishandle.
#![allow(unsafe_code)]

use std::{
    cell::RefCell,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    ptr,
    rc::Rc,
    task::{Context, Poll, RawWaker, RawWakerVTable, Waker},
};

use roundel_loop::{Job, LoopHandle, Site};

use crate::{
    JoinError,
    executor::{AnyTask, Executor},
    header::{Flags, Header},
    life::{self, Life, Outcome, Step},
    ticket::{Ticket, wake_from_afar},
    unread::report_panic,
};

/// What is left of a task.
enum Stage<F: Future> {
    Future(F),
    /// The future has ended so; what it left to clean up goes on.
    CleaningUp(Outcome<F::Output>),
    Done(Outcome<F::Output>),
    Taken,
}

pub(crate) struct TaskCell<F: Future> {
    header: Header,
    executor: Rc<Executor>,
    stage: RefCell<Stage<F>>,
}

/// A task with its result, whatever its future is.
pub(crate) trait Joinable<T>: AnyTask {
    /// The outcome, once.
    fn take(&self) -> Option<Outcome<T>>;

    /// Gives the outcome back to whoever takes it next.
    fn put_back(&self, outcome: Outcome<T>);
}

impl<F> TaskCell<F>
where
    F: Future + 'static,
    F::Output: 'static,
{
    /// Seats a task and queues its first step.
    pub(crate) fn spawn(handle: &LoopHandle, site: Site, future: F) -> Rc<Self> {
        let executor = Executor::of(handle);
        let seated = Rc::clone(&executor);
        executor.seat(handle, site, move |header| {
            Rc::new(Self { header, executor: seated, stage: RefCell::new(Stage::Future(future)) })
        })
    }

    /// The end: the outcome is there for whoever waits.
    fn finish(&self, handle: &LoopHandle) {
        let mut stage = self.stage.borrow_mut();
        let Stage::CleaningUp(outcome) = &*stage else {
            unreachable!("a task is done after its future has ended, and once")
        };
        let cancelled = matches!(outcome, Err(error) if error.is_cancelled());
        if let Stage::CleaningUp(outcome) = mem::replace(&mut *stage, Stage::Taken) {
            *stage = Stage::Done(outcome);
        }
        drop(stage);
        life::finish(&self.header, &self.executor, cancelled);
        if !self.header.has(Flags::OWNED) {
            self.report_unread(handle);
        }
    }

    /// Nobody is there to take the outcome: a panic goes to the loop's handler, a value is dropped.
    fn report_unread(&self, handle: &LoopHandle) {
        if let Some(Err(error)) = Joinable::take(self)
            && let Ok(payload) = error.try_into_panic()
        {
            report_panic(handle, &self.header, "a task panicked", payload);
        }
    }

    /// Makes the task's step.
    pub(crate) fn step(self: Rc<Self>, handle: &LoopHandle) {
        match life::step(&*self, handle, &self.executor) {
            Step::Waiting => {}
            Step::Again => {
                if !self.header.set(Flags::QUEUED) {
                    self.executor.count_wake();
                    self.queue(handle);
                }
            }
            Step::Done => self.finish(handle),
        }
    }
}

impl<F> Life for TaskCell<F>
where
    F: Future + 'static,
    F::Output: 'static,
{
    type Value = F::Output;

    fn header(&self) -> &Header {
        &self.header
    }

    fn poll_future(&self, context: &mut Context<'_>) -> Poll<F::Output> {
        match &mut *self.stage.borrow_mut() {
            Stage::Future(future) => {
                // SAFETY: the future lies in a cell that only `spawn` makes, in an `Rc` that is
                // never taken apart, behind a private field. This file moves it nowhere: it is
                // replaced, and so dropped in place, when it has ended. Whoever adds a way to move
                // a stage out before its future has ended would break this.
                unsafe { Pin::new_unchecked(future) }.poll(context)
            }
            _ => Poll::Pending,
        }
    }

    fn end_future(&self, outcome: Outcome<F::Output>) {
        // The assignment puts the new stage in place even while the old one unwinds.
        *self.stage.borrow_mut() = Stage::CleaningUp(outcome);
    }
}

impl<F> Job for TaskCell<F>
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn run(self: Rc<Self>, handle: &LoopHandle) {
        handle.tell_apart(self.header.id);
        self.step(handle);
    }
}

impl<F> AnyTask for TaskCell<F>
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn header(&self) -> &Header {
        &self.header
    }

    fn queue(self: Rc<Self>, handle: &LoopHandle) {
        let site = self.header.site;
        handle.queue_job(self, site);
    }

    fn close(&self) {
        if self.header.has(Flags::DONE) {
            return;
        }
        let _entered = self.executor.enter(&self.header);
        let Header { id, site, .. } = self.header;
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            *self.stage.borrow_mut() = Stage::Done(Err(JoinError::cancelled(id, site)));
        }));
        // Done only now: the future may have held the task itself, which must not look for an
        // outcome in a stage that is being replaced.
        self.header.set(Flags::DONE | Flags::CANCELLED);
        let rare = self.header.rare.borrow_mut().take();
        let joiner = self.header.joiner.borrow_mut().take();
        drop((rare, joiner));
        if let Err(payload) = dropped {
            resume_unwind(payload);
        }
    }
}

impl<F> Joinable<F::Output> for TaskCell<F>
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn take(&self) -> Option<Outcome<F::Output>> {
        if !self.header.has(Flags::DONE) {
            return None;
        }
        let mut stage = self.stage.borrow_mut();
        // Only an outcome is ever moved out, whatever the flags say.
        if !matches!(*stage, Stage::Done(_)) {
            return None;
        }
        match mem::replace(&mut *stage, Stage::Taken) {
            Stage::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    fn put_back(&self, outcome: Outcome<F::Output>) {
        *self.stage.borrow_mut() = Stage::Done(outcome);
    }
}

/// The waker of a ticket.
pub(crate) fn waker(ticket: Ticket) -> Waker {
    // SAFETY: the functions of the table treat the data as a number and never as an address, keep
    // no count and hand on what they get, so they hold for any number, any number of times and in
    // any thread. Whoever lets them look behind the pointer would break this.
    unsafe { Waker::new(ptr::without_provenance(ticket.0), &TICKET) }
}

static TICKET: RawWakerVTable =
    RawWakerVTable::new(|data| RawWaker::new(data, &TICKET), wake, wake, |_| ());

fn wake(data: *const ()) {
    let ticket = Ticket(data.addr());
    let here = LoopHandle::with_current(|handle| {
        let Some(handle) = handle else { return false };
        match handle.layer_ref::<Executor>() {
            Some(executor) if executor.is_number(ticket.executor()) => {
                executor.wake(handle, ticket);
                true
            }
            _ => false,
        }
    });
    if !here {
        wake_from_afar(ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::{Ticket, waker};

    #[test]
    fn wakers_of_one_task_are_known_as_such_and_cost_nothing_to_copy() {
        let one = waker(Ticket(7));
        let copy = one.clone();
        assert!(one.will_wake(&copy));
        assert!(!one.will_wake(&waker(Ticket(8))));
        drop(one);
        copy.wake_by_ref(); // reaches nobody, and harms nobody
    }
}
