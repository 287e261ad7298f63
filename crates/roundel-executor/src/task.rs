//! `Task`: the owner's end of a task: await it, cancel it, or let it go.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use roundel_loop::{LoopHandle, Site};

use crate::{
    JoinError,
    cell::Joinable,
    executor::Executor,
    header::{Flags, Header, TaskState},
    note::WaitsFor,
    unread::report_panic,
};

/// A spawned task. Await it for its result.
///
/// Dropping it lets the task go on by itself: the loop keeps it alive, and if it panics, the loop's
/// handler of unhandled failures is told at that moment. [`detach`](Self::detach) says so in the
/// code. Tasks that must not outlive somebody belong in a [`TaskGroup`](crate::TaskGroup).
///
/// # Cancel safety
/// Dropping the wait, as a timeout does, loses nothing: the task goes on and can be awaited again
/// through `&mut task`.
#[must_use = "a task goes on without its handle; `detach` says that this is meant"]
pub struct Task<T> {
    cell: Joinable<T>,
}

impl<T> Task<T> {
    pub(crate) fn new(cell: Joinable<T>) -> Self {
        Self { cell }
    }

    /// Lets the task go on by itself.
    pub fn detach(self) {}

    /// Asks the task to end, which it cannot refuse: at its next turn its future is dropped, then
    /// its clean-up runs, and only then is it done for whoever awaits it. False if it is done
    /// already.
    pub fn cancel(&self) -> bool {
        self.header().cancel()
    }

    /// Whether the task has ended, its clean-up included.
    #[doc(alias = "done")]
    pub fn is_done(&self) -> bool {
        self.header().has(Flags::DONE)
    }

    /// Whether it has ended by being cancelled. False right after [`cancel`](Self::cancel).
    #[doc(alias = "cancelled")]
    pub fn is_cancelled(&self) -> bool {
        self.is_done() && self.header().has(Flags::CANCELLED)
    }

    /// The task's number, unique on its loop.
    pub fn id(&self) -> u64 {
        self.header().id
    }

    /// The task's name: the one it was given, or `Task-` and its number.
    #[doc(alias = "get_name")]
    pub fn name(&self) -> String {
        self.header().display_name()
    }

    /// Gives it a name.
    pub fn set_name(&self, name: impl Into<Rc<str>>) {
        let name = name.into();
        self.header().rare(|rare| rare.name = Some(name));
    }

    /// Where it was spawned.
    pub fn site(&self) -> Site {
        self.header().site
    }

    /// Where it is in its life.
    pub fn state(&self) -> TaskState {
        self.header().state()
    }

    pub(crate) fn header(&self) -> &Header {
        self.cell.task()
    }

    pub(crate) fn cell(&self) -> &Joinable<T> {
        &self.cell
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    /// If the result was taken before, and if a task awaits itself.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let header = self.header();
        if header.has(Flags::DONE) {
            return Poll::Ready(self.cell.take().expect("a task's result is taken once"));
        }
        assert!(!header.is_current(), "a task cannot await itself");
        header.add_joiner(context.waker(), Executor::id_of_current_task());
        Executor::note(WaitsFor::Task(header.id));
        Poll::Pending
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let header = self.header();
        header.clear(Flags::OWNED);
        // A panic that nobody has read is told now; nobody else will be able to.
        if let Some(Err(error)) = self.cell.take()
            && let Ok(payload) = error.try_into_panic()
            && let Some(handle) = LoopHandle::try_current()
        {
            report_panic(&handle, self.header(), "a task panicked", payload);
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header();
        f.debug_struct("Task")
            .field("name", &self.name())
            .field("state", &self.state())
            .field("cancelling", &header.is_cancelling())
            .field("waits_for", &Executor::waits_for(header))
            .field("site", &format_args!("{}", self.site()))
            .finish()
    }
}
