//! `spawn` and `Builder`: how tasks begin.

use std::{future::Future, panic::Location, rc::Rc};

use roundel_loop::{LoopHandle, Site};

use crate::{
    Task,
    cell::Joinable,
    executor::{AnyTask, Executor},
};

/// Begins a task on the running loop. Its first step runs in the next turn; nothing runs here.
///
/// The future need not be `Send`: it never leaves its thread.
///
/// # Panics
/// If no loop runs in this thread; see [`spawn_on`].
#[doc(alias = "create_task")]
#[doc(alias = "ensure_future")]
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let site = Location::caller();
    let task = LoopHandle::with_current(|handle| Some(begin(handle?, site, None, future)));
    task.expect("spawn: no event loop runs in this thread")
}

/// Begins a task on a loop that need not run yet.
///
/// # Panics
/// If the loop is closed.
#[track_caller]
pub fn spawn_on<F>(handle: &LoopHandle, future: F) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    assert!(!handle.is_closed(), "spawn: the event loop is closed");
    begin(handle, Location::caller(), None, future)
}

/// How a task begins: under which name, and when.
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<Rc<str>>,
    eager: bool,
}

impl Builder {
    /// Without a name, and with the first step in the next turn.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the task a name, for reports and pictures.
    #[must_use]
    pub fn name(mut self, name: impl Into<Rc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes the first step at once, within the call, if the loop runs. A task that ends in it
    /// never enters the ready queue.
    #[doc(alias = "eager_task_factory")]
    #[must_use]
    pub fn eager_start(mut self, eager: bool) -> Self {
        self.eager = eager;
        self
    }

    /// Begins the task on the running loop.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.begin(&LoopHandle::current(), Location::caller(), future)
    }

    /// Begins the task on a loop that need not run yet.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn spawn_on<F>(self, handle: &LoopHandle, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        assert!(!handle.is_closed(), "spawn: the event loop is closed");
        self.begin(handle, Location::caller(), future)
    }

    fn begin<F>(self, handle: &LoopHandle, site: Site, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        if !self.eager || !handle.is_running() {
            return begin(handle, site, self.name, future);
        }
        let executor = Executor::of(handle);
        let cell = seat(&executor, handle, site, self.name, future);
        cell.task().step(handle, &executor);
        Task::new(cell)
    }
}

/// Makes a task and queues its first step. Runs no user code.
#[inline]
fn begin<F>(handle: &LoopHandle, site: Site, name: Option<Rc<str>>, future: F) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    Executor::with(handle, |executor| {
        let cell = seat(executor, handle, site, name, future);
        cell.task().note_wake();
        handle.queue_ticket(cell.task().ticket.number());
        Task::new(cell)
    })
}

#[inline]
fn seat<F>(
    executor: &Executor,
    handle: &LoopHandle,
    site: Site,
    name: Option<Rc<str>>,
    future: F,
) -> Joinable<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let cell = executor.seat(handle, site, |birth| {
        let cell = Joinable::new(&executor.blocks, birth, future);
        let task = AnyTask::Spawned(cell.task().clone());
        (cell, task)
    });
    if name.is_some() {
        cell.task().rare(|rare| rare.name = name);
    }
    cell
}
