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
    header::{Flags, TaskState, WaitsFor},
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
    cell: Rc<dyn Joinable<T>>,
}

impl<T> Task<T> {
    pub(crate) fn new(cell: Rc<dyn Joinable<T>>) -> Self {
        Self { cell }
    }

    /// Lets the task go on by itself.
    pub fn detach(self) {}

    /// Asks the task to end, which it cannot refuse: at its next turn its future is dropped, then
    /// its clean-up runs, and only then is it done for whoever awaits it. False if it is done
    /// already.
    pub fn cancel(&self) -> bool {
        self.cell.header().cancel()
    }

    /// Whether the task has ended, its clean-up included.
    #[doc(alias = "done")]
    pub fn is_done(&self) -> bool {
        self.cell.header().has(Flags::DONE)
    }

    /// Whether it has ended by being cancelled. False right after [`cancel`](Self::cancel).
    #[doc(alias = "cancelled")]
    pub fn is_cancelled(&self) -> bool {
        self.cell.header().has(Flags::CANCELLED)
    }

    /// The task's number, unique on its loop.
    pub fn id(&self) -> u64 {
        self.cell.header().id
    }

    /// The task's name: the one it was given, or `Task-` and its number.
    #[doc(alias = "get_name")]
    pub fn name(&self) -> String {
        self.cell.header().display_name()
    }

    /// Gives it a name.
    pub fn set_name(&self, name: impl Into<Rc<str>>) {
        let name = name.into();
        self.cell.header().rare(|rare| rare.name = Some(name));
    }

    /// Where it was spawned.
    pub fn site(&self) -> Site {
        self.cell.header().site
    }

    /// Where it is in its life.
    pub fn state(&self) -> TaskState {
        self.cell.header().state()
    }

    /// Lets the task go on by itself and hands its outcome to `call` in the step in which it ends,
    /// its clean-up included.
    pub(crate) fn on_done(self, call: impl FnOnce(Result<T, JoinError>) + 'static)
    where
        T: 'static,
    {
        match self.cell.take() {
            Some(outcome) => call(outcome),
            None => {
                let cell = Rc::clone(&self.cell);
                let call = move || {
                    if let Some(outcome) = self.cell.take() {
                        call(outcome);
                    }
                };
                cell.header().rare(|rare| rare.on_done = Some(Box::new(call)));
            }
        }
    }

    pub(crate) fn cell(&self) -> &Rc<dyn Joinable<T>> {
        &self.cell
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    /// If the result was taken before, and if a task awaits itself.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let header = self.cell.header();
        if header.has(Flags::DONE) {
            return Poll::Ready(self.cell.take().expect("a task's result is taken once"));
        }
        let executor = Executor::current();
        let waiting = executor.as_ref().map_or(0, |executor| executor.current_id());
        assert!(waiting != header.id, "a task cannot await itself");
        header.add_joiner(context.waker(), waiting);
        Executor::note(WaitsFor::Task(header.id));
        Poll::Pending
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let header = self.cell.header();
        header.clear(Flags::OWNED);
        // A panic that nobody has read is told now; nobody else will be able to.
        if let Some(Err(error)) = self.cell.take()
            && let Ok(payload) = error.try_into_panic()
            && let Some(handle) = LoopHandle::try_current()
        {
            report_panic(&handle, self.cell.header(), "a task panicked", payload);
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.cell.header();
        f.debug_struct("Task")
            .field("name", &self.name())
            .field("state", &self.state())
            .field("cancelling", &header.is_cancelling())
            .field("waits_for", &header.waits_for.get())
            .field("site", &format_args!("{}", self.site()))
            .finish()
    }
}
