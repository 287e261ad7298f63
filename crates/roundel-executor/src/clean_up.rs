//! What a dropped future leaves to be done: its clean-up, run by whoever dropped it.
//!
//! A future that is dropped cannot await. So a resource with an asynchronous exit
//! ([`with`](crate::with)), when dropped, hands its exit to the task that is dropping it. Whoever
//! ends a future for a reason (a cancel, a timeout, a group that fails) collects what it left and
//! runs it before going on: inner resources first, which are dropped first, within the grace.

use std::{
    any::Any,
    collections::VecDeque,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use roundel_loop::{LoopHandle, Unhandled};

use crate::{
    Sleep,
    executor::Executor,
    header::Header,
    unread::{report_here, report_panic},
};

/// A future that cleans up after another that was dropped.
pub(crate) type CleanUp = Pin<Box<dyn Future<Output = ()>>>;

const PANICKED: &str = "a clean-up panicked";

/// Clean-ups to be run one after the other.
#[derive(Default)]
pub(crate) struct CleanUps {
    queue: VecDeque<CleanUp>,
    /// At its end, what is left is dropped. It begins when something has to wait.
    grace: Option<Sleep>,
}

impl CleanUps {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn push(&mut self, clean_up: CleanUp) {
        self.queue.push_back(clean_up);
    }

    /// Adds what came later.
    pub(crate) fn append(&mut self, mut later: Self) {
        self.queue.append(&mut later.queue);
    }

    /// Polls until all is done, or the grace is over. A clean-up that panics is reported and the
    /// next one begins.
    pub(crate) fn poll(
        &mut self,
        handle: &LoopHandle,
        executor: &Executor,
        header: &Header,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        while let Some(mut clean_up) = self.queue.pop_front() {
            let (polled, left) = collecting(header, || {
                // Dropped in here if it has ended: it may leave something, and may panic.
                clean_up.as_mut().poll(context).is_pending().then_some(clean_up)
            });
            // What it leaves is inner to what follows.
            left.queue.into_iter().rev().for_each(|inner| self.queue.push_front(inner));
            match polled {
                Ok(None) => {}
                Ok(Some(pending)) => {
                    self.queue.push_front(pending);
                    if !self.is_grace_over(handle, executor, context) {
                        return Poll::Pending;
                    }
                    self.give_up(handle, header);
                }
                Err(payload) => report_panic(handle, header, PANICKED, payload),
            }
        }
        self.grace = None;
        Poll::Ready(())
    }

    fn is_grace_over(
        &mut self,
        handle: &LoopHandle,
        executor: &Executor,
        context: &Context<'_>,
    ) -> bool {
        let grace = self.grace.get_or_insert_with(|| Sleep::after(handle, executor.grace()));
        grace.has_passed() || grace.is_over(context)
    }

    /// Drops what is left, and what that leaves: there is no second grace.
    fn give_up(&mut self, handle: &LoopHandle, header: &Header) {
        let report = Unhandled::new("a clean-up outlasted its grace and was dropped")
            .detail("task", header.id)
            .detail("spawned at", header.site);
        handle.report(&report);
        while let Some(late) = self.queue.pop_front() {
            let (dropped, left) = collecting(header, || drop(late));
            self.append(left);
            if let Err(payload) = dropped {
                report_panic(handle, header, PANICKED, payload);
            }
        }
    }
}

/// Runs `step` and collects the clean-ups that the task was left meanwhile, even if it panics.
fn collecting<T>(
    header: &Header,
    step: impl FnOnce() -> T,
) -> (Result<T, Box<dyn Any + Send>>, CleanUps) {
    let before = header.if_rare(|rare| mem::take(&mut rare.clean_ups)).unwrap_or_default();
    let stepped = catch_unwind(AssertUnwindSafe(step));
    let left = header.if_rare(|rare| mem::replace(&mut rare.clean_ups, before));
    (stepped, left.unwrap_or_default())
}

/// Hands a clean-up to the task that drops its owner. Outside a task it becomes a task of its own;
/// outside a loop there is nobody to run it, and it is dropped.
pub(crate) fn leave_to_task(clean_up: CleanUp) {
    let Some(handle) = LoopHandle::try_current() else { return };
    match Executor::of(&handle).current_task() {
        Some(task) => task.header().rare(|rare| rare.clean_ups.push(clean_up)),
        None => crate::spawn_on(&handle, clean_up).detach(),
    }
}

/// Hands clean-ups on to the task that drops the one to which they were left.
pub(crate) fn hand_on(left: CleanUps) {
    drop(Leavings(left));
}

/// Reports the panic of a clean-up of the current task.
pub(crate) fn report_panicked(payload: Box<dyn Any + Send>) {
    report_here(PANICKED, payload);
}

/// Drops `doomed` and collects what it leaves.
///
/// # Panics
/// With the panic of a destructor; what was left by then is run by the task.
pub(crate) fn drop_and_collect(doomed: impl FnOnce()) -> Leavings {
    let task = Executor::current().and_then(|executor| executor.current_task());
    let Some(task) = task else {
        doomed();
        return Leavings(CleanUps::default());
    };
    let (dropped, left) = collecting(task.header(), doomed);
    let leavings = Leavings(left);
    if let Err(payload) = dropped {
        drop(leavings);
        resume_unwind(payload);
    }
    leavings
}

/// What was left, as a future that runs it. Dropped before it is done, it hands the rest on to the
/// task that drops it: clean-up is not cut short by a second cancel.
pub(crate) struct Leavings(CleanUps);

impl Future for Leavings {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0.is_empty() {
            return Poll::Ready(());
        }
        let handle = LoopHandle::current();
        let executor = Executor::of(&handle);
        match executor.current_task() {
            Some(task) => self.0.poll(&handle, &executor, task.header(), context),
            None => Poll::Ready(()),
        }
    }
}

impl Drop for Leavings {
    fn drop(&mut self) {
        mem::take(&mut self.0.queue).into_iter().for_each(leave_to_task);
    }
}
