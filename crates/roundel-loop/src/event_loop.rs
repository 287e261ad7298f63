//! `EventLoop`: the owner of a loop, who runs it, and its turn.

use std::{
    fmt,
    future::Future,
    io,
    os::fd::OwnedFd,
    panic::Location,
    pin::pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use roundel_driver::{DriverStatistics, SelectorError};

use crate::{
    LoopConfig, LoopHandle, RemoteHandle, RunError,
    core::{Core, Phase},
    current::{self, Entered},
    remote_handle::Inbox,
};

/// An event loop: runs call-backs in order, and waits when there are none.
///
/// The owner runs it; everything else is done through its [`handle`](Self::handle). Dropping the
/// loop closes it.
///
/// ```
/// use std::time::Duration;
/// use roundel_loop::EventLoop;
/// use roundel_promise::local;
///
/// let mut event_loop = EventLoop::new()?;
/// let (promise, promised) = local::promise();
/// event_loop.handle().call_later(Duration::from_millis(2), move || {
///     promise.set("Done!").expect("somebody waits");
/// });
/// assert_eq!(event_loop.run_until_complete(promised)?, Ok("Done!"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Driving it from a foreign loop
///
/// A foreign loop (a window system's, another language's) makes a turn of the same three steps
/// that `run_forever` makes. If [`prepare_to_wait`](Self::prepare_to_wait) then says that nothing
/// is left to do, it waits in its own way until the
/// [`descriptor`](Self::descriptor) is readable or the [`next_deadline`](Self::next_deadline)
/// comes:
///
/// ```
/// use std::time::Duration;
/// use roundel_loop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// event_loop.handle().call_soon(|| println!("from a foreign loop"));
/// event_loop.poll_events(Some(Duration::ZERO))?;
/// event_loop.process_events()?;
/// event_loop.run_ready()?;
/// assert!(event_loop.prepare_to_wait()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "SelectorEventLoop")]
#[doc(alias = "new_event_loop")]
pub struct EventLoop {
    handle: LoopHandle,
}

impl EventLoop {
    /// A loop on the platform's best selector and the system's clock.
    ///
    /// # Errors
    /// The kernel refuses every selector.
    pub fn new() -> Result<Self, SelectorError> {
        Ok(Self::with_config(LoopConfig::new()?))
    }

    /// A loop of these parts.
    pub fn with_config(config: LoopConfig) -> Self {
        Self { handle: LoopHandle { core: Core::new(config) } }
    }

    /// The loop as its own thread sees it.
    pub fn handle(&self) -> LoopHandle {
        self.handle.clone()
    }

    /// The loop as other threads see it.
    pub fn remote(&self) -> RemoteHandle {
        self.handle.remote()
    }

    fn core(&self) -> &Rc<Core> {
        &self.handle.core
    }

    /// Makes turns until [`stop`](LoopHandle::stop); the turn in which it is called is completed,
    /// and what it queues waits for the next run. Stopped before, makes one turn without waiting.
    ///
    /// # Errors
    /// The loop is closed, another one runs in this thread, or the driver cannot wait.
    ///
    /// # Panics
    /// With a call-back's panic, if the handler of unhandled failures says so. The loop can be run
    /// again.
    pub fn run_forever(&mut self) -> Result<(), RunError> {
        let _running = Running::begin(&self.handle)?;
        let _stop = StopIsOver(self.core());
        loop {
            self.turn()?;
            if self.core().stopping.get() {
                return Ok(());
            }
        }
    }

    /// Makes turns until `future` is ready.
    ///
    /// The future is polled between turns, when it was woken. This is for promises and for simple
    /// leaf futures; tasks, which run in the queue like any call-back, are a layer above.
    ///
    /// # Errors
    /// As [`run_forever`](Self::run_forever), and [`RunError::Stopped`] if the loop was stopped
    /// before: the future is dropped.
    ///
    /// # Panics
    /// With the future's own panic, or as [`run_forever`](Self::run_forever).
    #[track_caller]
    pub fn run_until_complete<F: Future>(&mut self, future: F) -> Result<F::Output, RunError> {
        let site = Location::caller();
        let _running = Running::begin(&self.handle)?;
        let _stop = StopIsOver(self.core());
        let woken = Arc::new(MainWaker {
            woken: AtomicBool::new(true),
            inbox: Arc::clone(&self.core().inbox),
        });
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        let mut turned = false;
        loop {
            if woken.take() {
                self.core().stalls.begin(site, 0);
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return Ok(output);
                }
            }
            // The turn of the stop is completed, and the future has had the last word.
            if turned && self.core().stopping.get() {
                return Err(RunError::Stopped);
            }
            self.turn()?;
            turned = true;
        }
    }

    /// One pass: wait, collect what happened, run what is ready.
    fn turn(&self) -> Result<(), RunError> {
        let core = self.core();
        core.poll_events(None, false)?;
        core.process_events();
        core.run_ready(&self.handle);
        Ok(())
    }

    /// The first step of a turn: lets the driver look for events, waiting for them until the next
    /// timer is due, at most for `limit` (`None`: no limit), and not at all if something is ready.
    ///
    /// # Errors
    /// The loop is closed, or the driver cannot wait.
    pub fn poll_events(&mut self, limit: Option<Duration>) -> Result<(), RunError> {
        self.demand_open()?;
        Ok(self.core().poll_events(limit, true)?)
    }

    /// The second step: queues the call-backs of other threads, of finished operations and of due
    /// timers.
    ///
    /// # Errors
    /// The loop is closed, or another one runs in this thread.
    pub fn process_events(&mut self) -> Result<(), RunError> {
        // Wakers run here, and may ask for the loop.
        let _running = Running::begin(&self.handle)?;
        self.core().process_events();
        Ok(())
    }

    /// The third step: runs what is ready, and nothing that is added meanwhile.
    ///
    /// # Errors
    /// The loop is closed, or another one runs in this thread.
    ///
    /// # Panics
    /// As [`run_forever`](Self::run_forever).
    pub fn run_ready(&mut self) -> Result<(), RunError> {
        let _running = Running::begin(&self.handle)?;
        self.core().run_ready(&self.handle);
        Ok(())
    }

    /// The three steps in one, without waiting; and then, if nothing is left to do, other threads ring
    /// from here on.
    ///
    /// A driver of a real kernel has to look once more before a wait
    /// ([`prepare_to_wait`](Self::prepare_to_wait)). One that rings whenever it has something to tell,
    /// as a simulated host's does, need not.
    ///
    /// # Errors
    /// As [`process_events`](Self::process_events), and if the driver cannot look.
    ///
    /// # Panics
    /// As [`run_forever`](Self::run_forever).
    pub fn run_once(&mut self) -> Result<Turn, RunError> {
        let core = self.core();
        let before = core.counters.call_backs.get();
        let running = Running::begin(&self.handle)?;
        core.poll_events(Some(Duration::ZERO), true)?;
        core.process_events();
        core.run_ready(&self.handle);
        drop(running);
        let call_backs = core.counters.call_backs.get() - before;
        Ok(Turn { call_backs, is_idle: !core.has_work() && core.inbox.wake.try_sleep() })
    }

    /// Whether a turn has something to run at once.
    pub fn has_ready(&self) -> bool {
        self.core().has_work() || self.core().inbox.wake.has_work()
    }

    /// The step before a foreign loop waits: brings the kernel's list up to date and lets other
    /// threads ring at the descriptor. False if there is something to run or to collect, which
    /// wants another turn first. It has to be the last call before the wait: an operation submitted
    /// after it is not armed.
    ///
    /// # Errors
    /// The loop is closed, or the driver cannot look.
    pub fn prepare_to_wait(&mut self) -> Result<bool, RunError> {
        self.demand_open()?;
        Ok(self.core().prepare_to_wait()?)
    }

    /// When the next timer is due, if there is one.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.core().next_deadline()
    }

    /// A descriptor that is readable when [`poll_events`](Self::poll_events) would find something,
    /// for a foreign loop to watch; a duplicate of the driver's own. None on select and poll, which
    /// have no descriptor of their own.
    ///
    /// # Errors
    /// The process has no descriptors left.
    pub fn descriptor(&self) -> io::Result<Option<OwnedFd>> {
        let driver = self.core().driver.borrow();
        driver.descriptor().map(|descriptor| descriptor.try_clone_to_owned()).transpose()
    }

    /// What the loop's driver holds and has done.
    pub fn driver_statistics(&self) -> DriverStatistics {
        self.core().driver.borrow().statistics()
    }

    /// Ends the loop for good: everything queued, scheduled or waited for is dropped without
    /// running. Closing again has no effect.
    pub fn close(&mut self) {
        self.core().close();
    }

    fn demand_open(&self) -> Result<(), RunError> {
        match self.core().phase.get() {
            Phase::Closed => Err(RunError::Closed),
            _ => Ok(()),
        }
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventLoop").field(&self.handle).finish()
    }
}

/// How a [turn](EventLoop::run_once) went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// How many call-backs began to run.
    pub call_backs: u64,
    /// Nothing is left to do but wait.
    pub is_idle: bool,
}

/// While it lives, the loop runs: it is this thread's current one.
struct Running<'a> {
    core: &'a Rc<Core>,
    _entered: Entered,
}

impl<'a> Running<'a> {
    fn begin(handle: &'a LoopHandle) -> Result<Self, RunError> {
        let core = &handle.core;
        if core.phase.get() == Phase::Closed {
            return Err(RunError::Closed);
        }
        let entered = current::enter(handle)?;
        // What this thread left through a remote handle before keeps its place in the order.
        core.drain_inbox();
        core.phase.set(Phase::Running);
        core.begin_timing();
        Ok(Self { core, _entered: entered })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.core.end_timing();
        }
        self.core.phase.set(Phase::Idle);
        self.core.stalls.pause();
    }
}

/// When a run ends, no stop is left over for the next one. A foreign loop, which makes the turns
/// itself, sees it in [`LoopHandle::is_stopping`].
struct StopIsOver<'a>(&'a Core);

impl Drop for StopIsOver<'_> {
    fn drop(&mut self) {
        self.0.stopping.set(false);
    }
}

/// Wakes the future of `run_until_complete`, from any thread.
struct MainWaker {
    woken: AtomicBool,
    inbox: Arc<Inbox>,
}

impl MainWaker {
    /// Whether the future was woken; a plain load while it was not.
    fn take(&self) -> bool {
        self.woken.load(Ordering::Relaxed) && self.woken.swap(false, Ordering::AcqRel)
    }
}

impl Wake for MainWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.inbox.ring();
        }
    }
}
