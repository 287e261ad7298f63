//! `Runner`: owns a loop, runs main tasks on it, and shuts it down in order.

use std::{
    any::Any,
    cell::Cell,
    fmt,
    future::{Future, IntoFuture, poll_fn},
    panic::resume_unwind,
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
    time::Duration,
};

use roundel_executor::{Builder, ContextVars, JoinError, TaskInfo};
use roundel_loop::{EventLoop, LoopHandle, RemoteHandle};
use roundel_promise::Promised;
use roundel_sim::VirtualClock;

use crate::{RunError, RunnerBuilder, interrupt::take_ctrl_c, shutdown::end_tasks};

/// What a main task ended with: its value, or its panic.
pub(crate) type Ended<T> = Result<T, Box<dyn Any + Send>>;

/// Runs futures, one after the other, on one loop. What one run leaves behind (tasks, timers,
/// context variables) is there in the next. Dropping the runner [closes](Self::close) it.
///
/// ```
/// use std::{rc::Rc, cell::Cell, time::Duration};
/// use roundel_executor::{sleep, spawn};
/// use roundel_run::{Backend, Runner};
///
/// let mut runner = Runner::builder().backend(Backend::Simulated).build()?;
/// let ticks = Rc::new(Cell::new(0));
/// let counted = ticks.clone();
/// runner.run(async move {
///     spawn(async move {
///         loop {
///             sleep(Duration::from_secs(60)).await;
///             counted.set(counted.get() + 1);
///         }
///     })
///     .detach();
/// })?;
/// runner.run(async { sleep(Duration::from_secs(3601)).await })?;
/// assert_eq!(ticks.get(), 60);
/// # Ok::<(), roundel_run::RunError>(())
/// ```
pub struct Runner {
    event_loop: EventLoop,
    clock: Option<VirtualClock>,
    /// The main tasks' context variables, between the runs.
    context: Rc<Cell<ContextVars>>,
    name: Rc<str>,
    grace: Duration,
    ctrl_c: bool,
}

impl Runner {
    /// A runner on the platform's best backend.
    ///
    /// # Errors
    /// The backend cannot be had.
    pub fn new() -> Result<Self, RunError> {
        Self::builder().build()
    }

    /// A runner that is told how to be.
    pub fn builder() -> RunnerBuilder {
        RunnerBuilder::new()
    }

    pub(crate) fn new_with(
        event_loop: EventLoop,
        clock: Option<VirtualClock>,
        name: Rc<str>,
        grace: Duration,
        ctrl_c: bool,
    ) -> Self {
        Self { event_loop, clock, context: Rc::default(), name, grace, ctrl_c }
    }

    /// Runs a future as the main task, until it has ended. Other tasks that it leaves wait for the
    /// next run, or for the shutdown.
    ///
    /// # Errors
    /// Ctrl-C was pressed, the main task was cancelled, the loop was stopped, the runner is closed,
    /// a loop runs in this thread already, or the driver failed.
    ///
    /// # Panics
    /// With the main task's panic.
    #[doc(alias = "run_until_complete")]
    #[track_caller]
    pub fn run<F>(&mut self, future: F) -> Result<F::Output, RunError>
    where
        F: IntoFuture,
        F::IntoFuture: 'static,
        F::Output: 'static,
    {
        let ctrl_c = take_ctrl_c(self.ctrl_c);
        let pressed = ctrl_c.as_ref().map(|ctrl_c| ctrl_c.pressed());
        let ended = self.complete(future.into_future(), pressed)?;
        // Given back before the panic goes on: whoever catches it is not in the run any more.
        drop(ctrl_c);
        Ok(ended.unwrap_or_else(|payload| resume_unwind(payload)))
    }

    /// Runs the main task; it is cancelled when `interrupt` is kept.
    #[track_caller]
    pub(crate) fn complete<F>(
        &mut self,
        future: F,
        mut interrupt: Option<Promised<()>>,
    ) -> Result<Ended<F::Output>, RunError>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let handle = self.handle();
        if handle.is_closed() {
            return Err(RunError::Closed);
        }
        if LoopHandle::try_current().is_some() {
            return Err(RunError::Nested);
        }
        let future = in_context(Rc::clone(&self.context), future);
        let mut task = Builder::new().name(Rc::clone(&self.name)).spawn_on(&handle, future);
        let mut interrupted = false;
        let outcome = self.event_loop.run_until_complete(poll_fn(|context| {
            if let Some(waiting) = &mut interrupt
                && let Poll::Ready(told) = Pin::new(waiting).poll(context)
            {
                interrupt = None;
                interrupted = told.is_ok() && task.cancel();
            }
            Pin::new(&mut task).poll(context)
        }))?;
        match outcome.map_err(JoinError::try_into_panic) {
            Ok(output) => Ok(Ok(output)),
            Err(Ok(payload)) => Ok(Err(payload)),
            Err(Err(_)) if interrupted => Err(RunError::Interrupted),
            Err(Err(_)) => Err(RunError::Cancelled),
        }
    }

    /// Makes turns until `future` is ready, without a main task.
    pub(crate) fn serve_until(&mut self, mut future: impl Future + Unpin) {
        // A call-back may stop the loop; it is not the one to say when the serving ends.
        while let Err(roundel_loop::RunError::Stopped) =
            self.event_loop.run_until_complete(&mut future)
        {}
    }

    /// Ends everything in order: cancels the tasks that are left, awaits their clean-up for the
    /// grace, reports who outlives it, and closes the loop, which drops its default executor.
    /// Returns the survivors. A runner that is closed already has none.
    ///
    /// Called while another loop runs in this thread, it can await nothing: what is left is
    /// reported and dropped.
    pub fn close(&mut self) -> Vec<TaskInfo> {
        if self.event_loop.handle().is_closed() {
            return Vec::new();
        }
        let survivors = end_tasks(&mut self.event_loop, self.grace);
        self.event_loop.close();
        survivors
    }

    /// The runner's loop.
    #[doc(alias = "get_loop")]
    pub fn handle(&self) -> LoopHandle {
        self.event_loop.handle()
    }

    /// The runner's loop, for other threads.
    pub fn remote(&self) -> RemoteHandle {
        self.event_loop.remote()
    }

    /// The clock of [`Backend::Simulated`](crate::Backend::Simulated).
    pub fn virtual_clock(&self) -> Option<&VirtualClock> {
        self.clock.as_ref()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("event_loop", &self.event_loop)
            .field("name", &self.name)
            .field("grace", &self.grace)
            .field("ctrl_c", &self.ctrl_c)
            .finish_non_exhaustive()
    }
}

/// Runs a future with the context variables of the cell, and leaves there what it changes.
async fn in_context<F: Future>(variables: Rc<Cell<ContextVars>>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let mut entered = variables.take();
        let polled = entered.run(|| future.as_mut().poll(context));
        variables.set(entered);
        polled
    })
    .await
}
