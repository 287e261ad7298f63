//! `as_completed`: several tasks as a stream, each when it has ended.

use std::{
    borrow::Borrow,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    Stream,
    stream::{FusedStream, FuturesUnordered},
};

use crate::{Elapsed, Sleep, Task, executor::Executor, note::WaitsFor, sleep};

/// A task that has ended, and which one it is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Completed<J> {
    /// Its place among the tasks that were given, from 0.
    pub index: usize,
    /// The task, done: awaiting it gives the outcome at once.
    pub task: J,
}

/// Yields each task when it has ended: first those that have, in the order given, then the others
/// in the order in which they end.
///
/// The tasks are given as [`Task`]s, each of which comes back, or lent as `&Task` or `&mut Task`.
/// If `limit` passes, counted from now, the time of the call, and tasks are left, the stream yields
/// one [`Elapsed`] and ends. The tasks that are left go on, and
/// [`into_pending`](AsCompleted::into_pending) gives them back.
///
/// ```
/// use futures::StreamExt;
/// use std::time::Duration;
/// use roundel_executor::{as_completed, sleep, spawn, spawn_on};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let tasks = [3, 1].map(|ms| spawn(async move { sleep(Duration::from_millis(ms)).await; ms }));
///     let mut completions = as_completed(tasks, None);
///     while let Some(Ok(completed)) = completions.next().await {
///         println!("number {} after {} ms", completed.index, completed.task.await?);
///     }
///     Ok::<_, roundel_executor::JoinError>(())
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If no loop runs in this thread and there is a limit. When polled, if a task waits for itself.
///
/// # Cancel safety
/// Dropping a wait for the next one loses nothing. Dropping the stream cancels nothing: tasks that
/// were lent are still in their owner's hands, those that were given go on by themselves.
#[track_caller]
pub fn as_completed<T, J: Borrow<Task<T>>>(
    tasks: impl IntoIterator<Item = J>,
    limit: Option<Duration>,
) -> AsCompleted<T, J> {
    let endings = tasks.into_iter().enumerate();
    let endings = endings.map(|(index, task)| Ending { index, task: Some(task), of: PhantomData });
    AsCompleted { endings: endings.collect(), limit: limit.map(sleep), elapsed: false }
}

/// The stream of [`as_completed`].
#[must_use = "streams do nothing unless polled"]
pub struct AsCompleted<T, J: Borrow<Task<T>>> {
    endings: FuturesUnordered<Ending<T, J>>,
    limit: Option<Sleep>,
    elapsed: bool,
}

impl<T, J: Borrow<Task<T>>> AsCompleted<T, J> {
    /// The tasks that have not been yielded, in the order given.
    pub fn into_pending(self) -> Vec<J> {
        let mut endings: Vec<_> = self.endings.into_iter().collect();
        endings.sort_by_key(|ending| ending.index);
        endings.into_iter().filter_map(|ending| ending.task).collect()
    }
}

impl<T, J: Borrow<Task<T>>> Stream for AsCompleted<T, J> {
    type Item = Result<Completed<J>, Elapsed>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.elapsed {
            return Poll::Ready(None);
        }
        // The tasks go first: they win over a limit of the same turn.
        if let Poll::Ready(completed) = Pin::new(&mut this.endings).poll_next(context) {
            if this.endings.is_empty() {
                this.limit = None;
            }
            return Poll::Ready(completed.map(Ok));
        }
        let limit = this.limit.as_mut();
        if limit.is_some_and(|limit| Pin::new(limit).poll(context).is_ready()) {
            this.elapsed = true;
            this.limit = None;
            return Poll::Ready(Some(Err(Elapsed)));
        }
        Executor::note(WaitsFor::Tasks(this.endings.len()));
        Poll::Pending
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = if self.elapsed { 0 } else { self.endings.len() };
        // The limit may come before them all, as one item.
        (if self.limit.is_some() { left.min(1) } else { left }, Some(left))
    }
}

impl<T, J: Borrow<Task<T>>> FusedStream for AsCompleted<T, J> {
    fn is_terminated(&self) -> bool {
        self.elapsed || self.endings.is_empty()
    }
}

impl<T, J: Borrow<Task<T>>> fmt::Debug for AsCompleted<T, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("pending", &self.endings.len())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The end of one task; it leaves the result where it is.
struct Ending<T, J> {
    index: usize,
    /// Until yielded.
    task: Option<J>,
    of: PhantomData<fn() -> T>,
}

impl<T, J: Borrow<Task<T>>> Future for Ending<T, J> {
    type Output = Completed<J>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let index = self.index;
        match self.task.take_if(|task| (*task).borrow().is_done()) {
            Some(task) => Poll::Ready(Completed { index, task }),
            None => {
                if let Some(task) = &self.task {
                    task.borrow().watch(context.waker());
                }
                Poll::Pending
            }
        }
    }
}

/// No field is pinned.
impl<T, J> Unpin for Ending<T, J> {}
