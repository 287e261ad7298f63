//! `shield`: a task that is awaited and yet not ended with whoever awaits it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{JoinError, Task};

/// Awaits a task in such a way that the task goes on if the wait is dropped: by a timeout, or
/// because the awaiting task was cancelled. That is how every dropped [`Task`] behaves; `shield`
/// says in the code that it is meant, and keeps the task at hand.
///
/// If the task itself is cancelled, that is the outcome here too. If it panics after the shield was
/// dropped, the loop's handler of unhandled failures is told, once.
///
/// What is to be shielded has to be a task: a future that is awaited in place ends with whoever
/// awaits it. So `shield(spawn(commit()))`.
///
/// ```
/// use std::time::Duration;
/// use roundel_executor::{Elapsed, shield, sleep, spawn, spawn_on, timeout};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let work = spawn(async { sleep(Duration::from_millis(2)).await; "written" });
///     let mut shielded = shield(work);
///     let waited = timeout(Duration::from_millis(1), &mut shielded).await;
///     assert!(waited.is_err());
///     shielded.await // it went on all the same
/// });
/// assert_eq!(event_loop.run_until_complete(task)???, "written");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
/// Dropping it cancels nothing: the task goes on by itself. Dropping a wait through `&mut shielded`
/// loses nothing either.
pub fn shield<T>(task: Task<T>) -> Shield<T> {
    Shield { task }
}

/// The future of [`shield`].
#[derive(Debug)]
#[must_use = "the task goes on without its shield; `Task::detach` says that this is meant"]
pub struct Shield<T> {
    task: Task<T>,
}

impl<T> Shield<T> {
    /// The task within, which can be cancelled.
    pub fn task(&self) -> &Task<T> {
        &self.task
    }

    /// The task without its shield.
    pub fn into_task(self) -> Task<T> {
        self.task
    }
}

impl<T> Future for Shield<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    /// As the task's own, if its result was taken before.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(context)
    }
}
