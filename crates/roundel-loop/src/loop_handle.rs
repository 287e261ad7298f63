//! `LoopHandle`: the loop as its own thread sees it.

use std::{
    any::Any,
    cell::Cell,
    fmt,
    os::fd::{AsFd, AsRawFd},
    panic::Location,
    rc::Rc,
    task::Waker,
    time::{Duration, Instant},
};

use roundel_driver::{Interest, OperationError, Readiness, Source};
use roundel_promise::{Promised, promise};
use roundel_timer::{Deadline, TimerKey};

use crate::{
    Attach, Attached, Handle, Job, Layer, LoopClosed, LoopStatistics, NoExecutor, RemoteHandle,
    TimerHandle, Unhandled, UnhandledHandler, Verdict, WatchHandle,
    core::{Core, Phase, TimerCall},
    current,
    ready::{Site, Work},
};

/// What hands a blocking job to threads.
pub(crate) type ExecutorHook = Rc<dyn Fn(Box<dyn FnOnce() + Send>)>;

/// A loop, as seen from its own thread. Cheap to clone; `!Send`: other threads have a
/// [`RemoteHandle`].
///
/// ```
/// use std::time::Duration;
/// use roundel_loop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// let handle = event_loop.handle();
/// handle.call_soon(|| println!("soon"));
/// handle.call_later(Duration::from_millis(1), {
///     let handle = handle.clone();
///     move || handle.stop()
/// });
/// event_loop.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LoopHandle {
    pub(crate) core: Rc<Core>,
}

impl LoopHandle {
    /// The loop that runs in this thread.
    ///
    /// # Panics
    /// If none runs.
    #[doc(alias = "get_running_loop")]
    #[track_caller]
    pub fn current() -> Self {
        Self::try_current().expect("no event loop runs in this thread")
    }

    /// The loop that runs in this thread, if one does.
    #[doc(alias = "_get_running_loop")]
    pub fn try_current() -> Option<Self> {
        current::try_current()
    }

    /// Queues a call-back behind what is ready: it runs in the next turn.
    ///
    /// # Panics
    /// If the loop is closed; see [`try_call_soon`](Self::try_call_soon).
    #[track_caller]
    pub fn call_soon(&self, call: impl FnOnce() + 'static) -> Handle {
        self.demand_open("call_soon");
        let site = Location::caller();
        let call = Box::new(call);
        self.push(|| Work::Call(call, site), site)
    }

    /// Queues a call-back unless the loop is closed.
    ///
    /// # Errors
    /// The loop is closed; the call-back comes back.
    #[track_caller]
    pub fn try_call_soon<F: FnOnce() + 'static>(&self, call: F) -> Result<Handle, LoopClosed<F>> {
        if self.is_closed() {
            return Err(LoopClosed(call));
        }
        Ok(self.call_soon(call))
    }

    /// Queues a job that allocates nothing: what a task does at each wake.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn schedule(&self, job: Rc<dyn Job>) -> Handle {
        self.demand_open("schedule");
        let site = Location::caller();
        self.push(|| Work::Job(job, site), site)
    }

    /// Queues what the layer above knows by this number; nothing on a closed loop.
    #[inline]
    pub fn queue_ticket(&self, ticket: usize) {
        if !self.is_closed() {
            self.core.ready.borrow_mut().push(|| Work::Ticket(ticket));
        }
    }

    /// Wakes what the layer above knows by this number. False if there is no such layer, or the
    /// number is not one of its own.
    #[inline]
    pub fn wake_ticket(&self, ticket: usize) -> bool {
        self.core.layer.get().is_some_and(|layer| layer.wake(self, ticket))
    }

    /// Wakes `waker` at the deadline, with no call-back between; the key is for
    /// [`cancel_wake`](Self::cancel_wake).
    pub fn wake_at(&self, deadline: Deadline, waker: Waker) -> TimerKey {
        let key = self.core.timers.borrow_mut().insert(deadline, TimerCall::Wake(waker));
        if self.is_closed() {
            self.cancel_wake(key);
        }
        key
    }

    /// Moves a wake to another deadline; false if it has happened.
    pub fn move_wake(&self, key: TimerKey, deadline: Deadline) -> bool {
        self.core.timers.borrow_mut().reset(key, deadline)
    }

    /// Whether a wake is still to come, and is this waker's; `None` if it has happened.
    pub fn is_wake_of(&self, key: TimerKey, waker: &Waker) -> Option<bool> {
        match self.core.timers.borrow().get(key)? {
            TimerCall::Wake(known) => Some(known.will_wake(waker)),
            TimerCall::Call(..) => None,
        }
    }

    /// Forgets a wake; false if it has happened.
    pub fn cancel_wake(&self, key: TimerKey) -> bool {
        let forgotten = self.core.timers.borrow_mut().cancel(key);
        forgotten.is_some()
    }

    /// The state of the layer above, made at the first call.
    ///
    /// # Panics
    /// If the loop has a layer of another type.
    pub fn layer<L: Layer>(&self, make: impl FnOnce(&Self) -> Rc<L>) -> Rc<L> {
        let layer = self.core.layer.get_or_init(|| make(self));
        let layer: Rc<dyn Any> = Rc::clone(layer) as _;
        layer.downcast().expect("a loop has one layer")
    }

    /// The state of the layer above, if it has been made and is of this type.
    pub fn existing_layer<L: Layer>(&self) -> Option<Rc<L>> {
        let layer: Rc<dyn Any> = Rc::clone(self.core.layer.get()?) as _;
        layer.downcast().ok()
    }

    /// Looks at the state of the layer above without sharing it.
    #[inline]
    pub fn layer_ref<L: Layer>(&self) -> Option<&L> {
        let layer: &dyn Any = &**self.core.layer.get()?;
        layer.downcast_ref()
    }

    /// For the layer above: what was scheduled at `site` begins to run. By `number` the layer is
    /// asked for a name ([`Layer::stalled`]) if it turns out to hold the loop up.
    #[inline]
    pub fn begins(&self, site: Site, number: u64) {
        self.core.begin(site, number);
    }

    /// The time of the last reading of the clock, by whomever: some time in this turn or the last.
    pub fn recent(&self) -> Instant {
        self.core.recent()
    }

    /// Looks at the running loop without taking a handle of it.
    pub fn with_current<R>(look: impl FnOnce(Option<&Self>) -> R) -> R {
        current::with(look)
    }

    #[inline]
    fn push(&self, make: impl FnOnce() -> Work, site: Site) -> Handle {
        if self.core.phase.get() != Phase::Running {
            // What this thread left through a remote handle came first.
            self.core.drain_inbox();
        }
        let number = self.core.ready.borrow_mut().push(make);
        Handle { core: Rc::downgrade(&self.core), number, site, cancelled: Cell::new(false) }
    }

    /// Runs a call-back once `delay` has passed from now: not before, and by a millionth or so
    /// after, unless the loop is busy. A delay of zero runs in the next turn, behind what is ready.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn call_later(&self, delay: Duration, call: impl FnOnce() + 'static) -> TimerHandle {
        let now = self.now();
        self.schedule_at(Deadline::after(now, delay), Box::new(call))
    }

    /// Runs a call-back at `when` by the loop's clock; in the next turn if that is past.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn call_at(&self, when: Instant, call: impl FnOnce() + 'static) -> TimerHandle {
        self.schedule_at(Deadline::at(when), Box::new(call))
    }

    #[track_caller]
    fn schedule_at(&self, deadline: Deadline, call: Box<dyn FnOnce()>) -> TimerHandle {
        self.demand_open("call_later or call_at");
        let site = Location::caller();
        let key = self.core.timers.borrow_mut().insert(deadline, TimerCall::Call(call, site));
        TimerHandle {
            core: Rc::downgrade(&self.core),
            key,
            deadline: Cell::new(deadline),
            site,
            cancelled: Cell::new(false),
        }
    }

    #[track_caller]
    fn demand_open(&self, action: &str) {
        self.core.demand_open(action);
    }

    /// The time by the loop's clock.
    #[doc(alias = "time")]
    pub fn now(&self) -> Instant {
        self.core.now()
    }

    /// Ends the run after the present turn; before a run, lets it make one turn.
    pub fn stop(&self) {
        self.core.stopping.set(true);
    }

    /// Whether the loop was told to stop and has not yet.
    pub fn is_stopping(&self) -> bool {
        self.core.stopping.get()
    }

    /// Whether the loop runs now.
    pub fn is_running(&self) -> bool {
        self.core.phase.get() == Phase::Running
    }

    /// Whether the loop was closed.
    pub fn is_closed(&self) -> bool {
        self.core.phase.get() == Phase::Closed
    }

    /// The loop as other threads see it.
    pub fn remote(&self) -> RemoteHandle {
        RemoteHandle { inbox: self.core.inbox.clone() }
    }

    /// Takes a socket, a file or any other source in for operations.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn attach<T: Attach>(&self, source: T) -> Attached<T> {
        self.demand_open("attach");
        Attached::new(&self.core, source)
    }

    /// Runs a call-back at every turn while `source` can be read; replaces the reader that the
    /// descriptor had. The call-back is told how it is ready, or the error that ended the watch.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn add_reader(
        &self,
        source: &Source,
        call: impl FnMut(Result<Readiness, OperationError>) + 'static,
    ) -> WatchHandle {
        self.demand_open("add_reader");
        self.core.watch(source, Interest::READ, Location::caller(), Box::new(call))
    }

    /// Runs a call-back at every turn while `source` can be written; replaces the writer that the
    /// descriptor had. The call-back is told how it is ready, or the error that ended the watch.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn add_writer(
        &self,
        source: &Source,
        call: impl FnMut(Result<Readiness, OperationError>) + 'static,
    ) -> WatchHandle {
        self.demand_open("add_writer");
        self.core.watch(source, Interest::WRITE, Location::caller(), Box::new(call))
    }

    /// Removes the descriptor's reader; false if it had none, and on a closed loop.
    pub fn remove_reader(&self, source: &Source) -> bool {
        self.core.unwatch(source.as_fd().as_raw_fd(), Interest::READ)
    }

    /// Removes the descriptor's writer; false if it had none, and on a closed loop.
    pub fn remove_writer(&self, source: &Source) -> bool {
        self.core.unwatch(source.as_fd().as_raw_fd(), Interest::WRITE)
    }

    /// Says where [`run_in_executor`](Self::run_in_executor) sends its jobs: a thread pool's
    /// submit.
    pub fn set_default_executor(&self, execute: impl Fn(Box<dyn FnOnce() + Send>) + 'static) {
        let before = self.core.executor.replace(Some(Rc::new(execute)));
        drop(before);
    }

    /// Runs a blocking function in the default executor.
    ///
    /// # Errors
    /// No executor was set; the function comes back.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn run_in_executor<T, F>(&self, function: F) -> Result<Promised<T>, NoExecutor<F>>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.demand_open("run_in_executor");
        let Some(execute) = self.core.executor.borrow().clone() else {
            return Err(NoExecutor(function));
        };
        let (promise, promised) = promise();
        execute(Box::new(move || {
            // A result that nobody waits for any more has no taker.
            let _ = promise.set(function());
        }));
        Ok(promised)
    }

    /// Says who is told of panics in call-backs, stalls, and failures that nobody awaits; `None`
    /// is the default, which writes to standard error. Returns the handler before.
    #[doc(alias = "set_exception_handler")]
    pub fn set_unhandled_handler(
        &self,
        handler: Option<UnhandledHandler>,
    ) -> Option<UnhandledHandler> {
        self.core.reporter.set(handler)
    }

    /// The handler that was set, or none.
    #[doc(alias = "get_exception_handler")]
    pub fn unhandled_handler(&self) -> Option<UnhandledHandler> {
        self.core.reporter.get()
    }

    /// Reports a failure to the handler.
    #[doc(alias = "call_exception_handler")]
    pub fn report(&self, report: &Unhandled) -> Verdict {
        self.core.reporter.report(report)
    }

    /// Switches debug mode: every call-back is timed by itself.
    pub fn set_debug(&self, debug: bool) {
        self.core.debug.set(debug);
        self.core.stalls.set_debug(debug);
    }

    /// Whether debug mode is on.
    #[doc(alias = "get_debug")]
    pub fn is_debug(&self) -> bool {
        self.core.debug.get()
    }

    /// Changes the budget of the stall watch; `None` switches it off.
    #[doc(alias = "slow_callback_duration")]
    pub fn set_slow_callback(&self, budget: Option<Duration>) {
        self.core.stalls.set_budget(budget);
    }

    /// The stall watch's budget.
    pub fn slow_callback(&self) -> Option<Duration> {
        self.core.stalls.budget()
    }

    /// What the loop has done.
    pub fn statistics(&self) -> LoopStatistics {
        self.core.statistics()
    }

    /// The name of the driver's mechanism.
    pub fn driver_name(&self) -> &'static str {
        self.core.driver.borrow().name()
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle")
            .field("driver", &self.driver_name())
            .field("phase", &self.core.phase.get())
            .field("statistics", &self.statistics())
            .finish()
    }
}
