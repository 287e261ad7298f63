//! What a dropped future leaves to be done: its clean-up, run by whoever dropped it.
//!
//! A future that is dropped cannot await. So a resource with an asynchronous exit
//! ([`with`](crate::with)), when dropped, hands its exit to the task that is dropping it. Whoever
//! ends a future for a reason (a cancel, a timeout, a group that fails) collects what it left and
//! runs it before going on: inner resources first, which are dropped first, within the grace.

use std::{
    collections::VecDeque,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use roundel_loop::{LoopHandle, TimerKey, Unhandled};

use crate::{executor::Executor, header::Header, unread::report_panic};

/// A future that cleans up after another that was dropped.
pub(crate) type CleanUp = Pin<Box<dyn Future<Output = ()>>>;

/// Clean-ups to be run one after the other.
#[derive(Default)]
pub(crate) struct CleanUps {
    queue: VecDeque<CleanUp>,
    /// When what is left is dropped.
    grace: Option<(Instant, TimerKey)>,
}

impl CleanUps {
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn push(&mut self, clean_up: CleanUp) {
        self.queue.push_back(clean_up);
    }

    /// Adds what came later.
    pub(crate) fn append(&mut self, mut later: Self, handle: &LoopHandle) {
        self.queue.append(&mut later.queue);
        later.forget_grace(handle);
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
            match catch_unwind(AssertUnwindSafe(|| clean_up.as_mut().poll(context))) {
                Ok(Poll::Ready(())) => {}
                Ok(Poll::Pending) => {
                    self.queue.push_front(clean_up);
                    if !self.is_grace_over(handle, executor, context) {
                        return Poll::Pending;
                    }
                    let report = Unhandled::new("a clean-up outlasted its grace and was dropped")
                        .detail("task", header.id)
                        .detail("spawned at", header.site);
                    handle.report(&report);
                    drop(std::mem::take(&mut self.queue));
                }
                Err(payload) => report_panic(handle, header, "a clean-up panicked", payload),
            }
        }
        self.forget_grace(handle);
        Poll::Ready(())
    }

    fn is_grace_over(
        &mut self,
        handle: &LoopHandle,
        executor: &Executor,
        context: &Context<'_>,
    ) -> bool {
        let now = handle.now();
        let (end, _) = *self.grace.get_or_insert_with(|| {
            let end = now + executor.grace();
            (end, handle.wake_at(end.into(), context.waker().clone()))
        });
        now >= end
    }

    fn forget_grace(&mut self, handle: &LoopHandle) {
        if let Some((_, key)) = self.grace.take() {
            handle.cancel_wake(key);
        }
    }
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

/// Drops `doomed` and collects what it leaves.
pub(crate) fn drop_and_collect(doomed: impl FnOnce()) -> Leavings {
    let task = Executor::current().and_then(|executor| executor.current_task());
    let Some(task) = task else {
        doomed();
        return Leavings(CleanUps::default());
    };
    let before = task.header().if_rare(|rare| std::mem::take(&mut rare.clean_ups));
    doomed();
    let left = task
        .header()
        .if_rare(|rare| std::mem::replace(&mut rare.clean_ups, before.unwrap_or_default()));
    Leavings(left.unwrap_or_default())
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
        for clean_up in std::mem::take(&mut self.0.queue) {
            leave_to_task(clean_up);
        }
        if let (Some((_, key)), Some(handle)) = (self.0.grace.take(), LoopHandle::try_current()) {
            handle.cancel_wake(key);
        }
    }
}
