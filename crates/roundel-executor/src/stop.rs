//! `stop`: the polite way to end a task. It is asked, may finish what it does, and is cancelled if
//! it does not.

use std::{future::poll_fn, task::Poll, time::Duration};

use crate::{
    JoinError, Task,
    executor::Executor,
    header::{Flags, wake_foreign},
    timeout,
};

impl<T> Task<T> {
    /// Asks the task to stop, waits for `grace`, and then cancels it. Returns what it ended with.
    ///
    /// # Cancel safety
    /// The request stays made; the task is not cancelled any more when the grace ends.
    pub async fn stop(mut self, grace: Duration) -> Result<T, JoinError> {
        self.request_stop();
        match timeout(grace, &mut self).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.cancel();
                self.await
            }
        }
    }

    /// Asks the task to stop and leaves it at that.
    pub fn request_stop(&self) {
        let header = self.header();
        if !header.set(Flags::STOP)
            && let Some(waiters) = header.if_rare(|rare| std::mem::take(&mut rare.stop_waiters))
        {
            for waiter in waiters {
                wake_foreign(waiter, "a waker panicked at a request to stop");
            }
        }
    }
}

/// Waits until the current task is asked to stop ([`Task::stop`]). A task that heeds it selects
/// between this and its work.
///
/// # Panics
/// Outside a task.
///
/// # Cancel safety
/// Nothing is lost: a request stays made.
pub async fn stop_requested() {
    let task = Executor::current().and_then(|executor| executor.outermost_task());
    let task = task.expect("stop_requested is for tasks");
    poll_fn(|context| {
        let header = task.header();
        if header.has(Flags::STOP) {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        header.rare(|rare| {
            if !rare.stop_waiters.iter().any(|waiter| waiter.will_wake(&waker)) {
                rare.stop_waiters.push(waker);
            }
        });
        Poll::Pending
    })
    .await;
}

/// Whether the current task was asked to stop; false outside a task.
pub fn is_stop_requested() -> bool {
    let task = Executor::current().and_then(|executor| executor.outermost_task());
    task.is_some_and(|task| task.header().has(Flags::STOP))
}
