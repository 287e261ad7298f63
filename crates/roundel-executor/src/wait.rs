//! `wait`: until one of several tasks has ended, or one in an error, or all.

use std::{
    borrow::Borrow,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use roundel_promise::ReturnWhen;

use crate::{Sleep, Task, executor::Executor, note::WaitsFor, sleep};

/// What [`wait`] gives back: every task once, on one side or the other, in the order given.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "the tasks that were given come back in here"]
pub struct Waited<J> {
    /// Those that have ended.
    pub done: Vec<J>,
    /// The others. They go on.
    pub pending: Vec<J>,
}

/// Waits until `return_when` holds, or until `limit` has passed from now, the time of the call.
///
/// The tasks are given as [`Task`]s, which come back, or lent as `&Task` or `&mut Task`. At least
/// one turn passes, even if everything has ended already; the answer is made when the waiting task
/// goes on, so more than one task may have ended under [`ReturnWhen::FirstCompleted`]. Running out
/// of time is no error, and no task is cancelled. No tasks at all are waited for in one turn.
///
/// For [`ReturnWhen::FirstError`] a panic is an error too, and a cancelled task is none.
///
/// ```
/// use std::time::Duration;
/// use roundel_executor::{ReturnWhen, sleep, spawn, spawn_on, wait};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let quick = spawn(async { "quick" });
///     let slow = spawn(async { sleep(Duration::from_secs(3600)).await; "slow" });
///     let waited = wait([slow, quick], ReturnWhen::FirstCompleted, None).await;
///     for task in waited.done {
///         assert_eq!(task.await?, "quick");
///     }
///     waited.pending[0].cancel();
///     Ok::<_, roundel_executor::JoinError>(())
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If no loop runs in this thread and there is a limit. When polled, if a task waits for itself,
/// and with the panic of [`ReturnWhen::FirstError`]'s function.
///
/// # Cancel safety
/// Dropping the wait cancels nothing. Tasks that were lent are still in their owner's hands; those
/// that were given go on by themselves, as a dropped [`Task`] does. Where the wait may be dropped
/// and the tasks are still needed, lend them: `wait(&mut tasks, …)`.
#[doc(alias = "asyncio.wait")]
#[track_caller]
pub fn wait<T, J: Borrow<Task<T>>>(
    tasks: impl IntoIterator<Item = J>,
    return_when: ReturnWhen<T>,
    limit: Option<Duration>,
) -> Wait<T, J> {
    let tasks: Vec<J> = tasks.into_iter().collect();
    Wait {
        unfinished: (0..tasks.len()).collect(),
        tasks,
        return_when,
        limit: limit.map(sleep),
        waker: None,
    }
}

/// The future of [`wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<T, J> {
    tasks: Vec<J>,
    return_when: ReturnWhen<T>,
    /// By index: the tasks that had not ended when they were last looked at.
    unfinished: Vec<usize>,
    limit: Option<Sleep>,
    /// Whom the tasks wake, once polled.
    waker: Option<Waker>,
}

impl<T, J: Borrow<Task<T>>> Wait<T, J> {
    /// Whether what is waited for has happened.
    fn is_over(&mut self) -> bool {
        let Self { tasks, unfinished, .. } = self;
        let is_done = |index: usize| tasks[index].borrow().is_done();
        match self.return_when {
            ReturnWhen::FirstCompleted => tasks.is_empty() || (0..tasks.len()).any(is_done),
            ReturnWhen::FirstError(is_error) => {
                let mut failed = false;
                unfinished.retain(|&index| {
                    let done = is_done(index);
                    failed |= done && tasks[index].borrow().has_failed(is_error);
                    !done
                });
                failed || unfinished.is_empty()
            }
            // All of them: it is enough to look at one until it has ended, and then at the next.
            _ => {
                while unfinished.last().is_some_and(|&index| is_done(index)) {
                    unfinished.pop();
                }
                unfinished.is_empty()
            }
        }
    }

    fn watch(&mut self, waker: &Waker) {
        if self.waker.as_ref().is_none_or(|known| !known.will_wake(waker)) {
            self.waker = Some(waker.clone());
            self.tasks.iter().for_each(|task| task.borrow().watch(waker));
        }
    }

    fn split(&mut self) -> Waited<J> {
        let tasks = std::mem::take(&mut self.tasks);
        let (done, pending) = tasks.into_iter().partition(|task| task.borrow().is_done());
        Waited { done, pending }
    }
}

impl<T, J: Borrow<Task<T>>> Future for Wait<T, J> {
    type Output = Waited<J>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let first = self.waker.is_none();
        self.watch(context.waker());
        // The tasks go first: they win over a limit of the same turn.
        let over = self.is_over()
            || self.limit.as_mut().is_some_and(|limit| Pin::new(limit).poll(context).is_ready());
        match (over, first) {
            (true, false) => return Poll::Ready(self.split()),
            (true, true) => context.waker().wake_by_ref(),
            (false, _) => {}
        }
        Executor::note(WaitsFor::Tasks(self.unfinished.len()));
        Poll::Pending
    }
}

/// No field is pinned.
impl<T, J> Unpin for Wait<T, J> {}

impl<T, J> fmt::Debug for Wait<T, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("tasks", &self.tasks.len())
            .field("return_when", &self.return_when)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<T> Task<T> {
    /// Has `waker` woken when the task ends. For one that has ended nobody is woken.
    ///
    /// # Panics
    /// If a task watches itself.
    pub(crate) fn watch(&self, waker: &Waker) {
        if self.is_done() {
            return;
        }
        assert!(!self.header().is_current(), "a task cannot wait for itself");
        self.header().add_joiner(waker, Executor::id_of_current_task());
    }

    /// Whether a task that is done ended in an error. One whose result was taken did not: whoever
    /// took it knows.
    fn has_failed(&self, is_error: fn(&T) -> bool) -> bool {
        let Some(outcome) = self.cell().take() else { return false };
        // Out of its place while the function looks, which may do with the task what it likes.
        let failed = catch_unwind(AssertUnwindSafe(|| match &outcome {
            Ok(value) => is_error(value),
            Err(error) => error.is_panic(),
        }));
        self.cell().put_back(outcome);
        failed.unwrap_or_else(|payload| resume_unwind(payload))
    }
}
