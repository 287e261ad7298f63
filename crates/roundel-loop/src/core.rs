//! `Core`: what a loop's handles share, and the two things done with it: collecting what has
//! happened, and running what is ready.
//!
//! Every user value (call-backs, outcomes) is moved out of its table before it runs or is dropped,
//! so user code finds no borrow held and may use the loop at will.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::HashMap,
    mem,
    os::fd::RawFd,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
    sync::Arc,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;
use roundel_driver::{Driver, DriverError, Key};
use roundel_timer::TimerQueue;

use crate::{
    LoopConfig, LoopHandle, Schedule,
    config::SharedClock,
    layer::Layer,
    loop_handle::ExecutorHook,
    ready::{ReadyQueue, Site, Work},
    remote_handle::{Arrival, Inbox, RemoteJob},
    stall::StallWatch,
    statistics::{Counters, LoopStatistics},
    submission::{Waiters, Wake},
    unhandled::{Reporter, Unhandled, Verdict},
    watch::Watches,
};

/// No wait is longer; asyncio's limit, which keeps every system's timeout in range.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// What a timer does.
pub(crate) enum TimerCall {
    Call(Box<dyn FnOnce()>, Site),
    /// Wakes a future that sleeps; nothing is allocated for it.
    Wake(Waker),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle,
    Running,
    Closed,
}

pub(crate) struct Core {
    pub(crate) ready: RefCell<ReadyQueue>,
    pub(crate) timers: RefCell<TimerQueue<TimerCall>>,
    pub(crate) driver: RefCell<Box<dyn Driver>>,
    pub(crate) waiters: RefCell<Waiters>,
    pub(crate) watches: RefCell<HashMap<RawFd, Watches>>,
    pub(crate) inbox: Arc<Inbox>,
    arrivals: RefCell<Option<Receiver<Arrival>>>,
    /// Keys of finished operations, on their way from the driver to the ready queue.
    completed: RefCell<Vec<Key>>,
    /// How many of them have arrived there.
    delivered: Cell<usize>,
    pub(crate) executor: RefCell<Option<ExecutorHook>>,
    pub(crate) layer: OnceCell<Rc<dyn Layer>>,
    clock: SharedClock,
    recent: Cell<Instant>,
    pub(crate) phase: Cell<Phase>,
    pub(crate) stopping: Cell<bool>,
    pub(crate) debug: Cell<bool>,
    timers_per_turn: usize,
    schedule: Cell<Schedule>,
    pub(crate) stalls: StallWatch,
    pub(crate) reporter: Reporter,
    pub(crate) counters: Counters,
    fallback: Option<&'static str>,
}

impl Core {
    pub(crate) fn new(config: LoopConfig) -> Rc<Self> {
        let (inbox, arrivals) = Inbox::new(config.driver.notifier());
        Rc::new(Self {
            ready: RefCell::default(),
            timers: RefCell::new(TimerQueue::new()),
            driver: RefCell::new(config.driver),
            waiters: RefCell::default(),
            watches: RefCell::default(),
            inbox,
            arrivals: RefCell::new(Some(arrivals)),
            completed: RefCell::default(),
            delivered: Cell::new(0),
            executor: RefCell::default(),
            layer: OnceCell::new(),
            recent: Cell::new(config.clock.0.now()),
            clock: config.clock,
            phase: Cell::new(Phase::Idle),
            stopping: Cell::new(false),
            debug: Cell::new(config.debug),
            schedule: Cell::new(config.schedule),
            timers_per_turn: config.timers_per_turn.max(1),
            stalls: StallWatch::new(config.slow_callback, config.debug),
            reporter: Reporter::default(),
            counters: Counters::default(),
            fallback: config.fallback,
        })
    }

    pub(crate) fn now(&self) -> Instant {
        let now = self.clock.0.now();
        self.recent.set(now);
        now
    }

    pub(crate) fn recent(&self) -> Instant {
        self.recent.get()
    }

    /// What a closed loop took in, it would keep for ever.
    #[track_caller]
    pub(crate) fn demand_open(&self, action: &str) {
        assert!(self.phase.get() != Phase::Closed, "{action}: the event loop is closed");
    }

    pub(crate) fn queue_remote(&self, job: Arc<dyn RemoteJob>) {
        self.ready.borrow_mut().push(|| Work::Remote(job));
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.timers.borrow_mut().next_deadline()
    }

    /// Waits for the kernel, for other threads and for the next timer, at most for `limit`; not at
    /// all if something is ready. Without `look`, a wait from which nothing can be heard is not
    /// made.
    pub(crate) fn poll_events(
        &self,
        limit: Option<Duration>,
        look: bool,
    ) -> Result<(), DriverError> {
        let timeout = match self.allowed_wait(limit) {
            Some(Duration::ZERO) => Duration::ZERO,
            timeout if self.inbox.wake.try_sleep() => timeout.unwrap_or(Duration::MAX),
            _ => Duration::ZERO,
        };
        let mut driver = self.driver.borrow_mut();
        if timeout.is_zero() && driver.in_flight() == 0 && !look {
            return Ok(());
        }
        self.counters.waits.add(1);
        let timeout = (timeout != Duration::MAX).then_some(timeout);
        driver.wait(timeout, &mut self.completed.borrow_mut())?;
        drop(driver);
        if timeout != Some(Duration::ZERO) {
            self.begin_timing();
        }
        Ok(())
    }

    /// Whether nothing is left to do but wait; from then on, other threads ring.
    pub(crate) fn prepare_to_wait(&self) -> Result<bool, DriverError> {
        self.poll_events(Some(Duration::ZERO), true)?;
        Ok(!self.has_work() && self.inbox.wake.try_sleep())
    }

    /// How long nothing needs to be done; `None`: for ever. Looks at the clock only if the answer
    /// depends on it, and then tells the stall watch too: here a batch has ended.
    fn allowed_wait(&self, limit: Option<Duration>) -> Option<Duration> {
        if limit == Some(Duration::ZERO) || self.has_work() {
            return Some(Duration::ZERO);
        }
        let limit = limit.map(|limit| limit.min(LONGEST_WAIT));
        if self.stalls.is_on() {
            // Whoever is told of a stall may find the loop something to do.
            self.check_for_stall(self.now());
            if self.has_work() {
                return Some(Duration::ZERO);
            }
        }
        let Some(deadline) = self.next_deadline() else { return limit };
        let now = if self.stalls.is_on() { self.recent() } else { self.now() };
        let timeout = deadline.saturating_duration_since(now).min(LONGEST_WAIT);
        Some(limit.map_or(timeout, |limit| limit.min(timeout)))
    }

    /// Whether a turn has something to do at once.
    pub(crate) fn has_work(&self) -> bool {
        self.stopping.get()
            || !self.ready.borrow().is_empty()
            || !self.completed.borrow().is_empty()
    }

    /// Queues what has happened: call-backs of other threads, then outcomes, then due timers.
    pub(crate) fn process_events(self: &Rc<Self>) {
        self.counters.turns.add(1);
        self.drain_inbox();
        self.deliver_completions();
        self.queue_due_timers();
    }

    /// Queues what had arrived from other threads by now.
    #[inline]
    pub(crate) fn drain_inbox(self: &Rc<Self>) {
        if self.inbox.wake.take_work() {
            self.queue_arrivals();
        }
    }

    #[cold]
    fn queue_arrivals(self: &Rc<Self>) {
        let arrivals = self.arrivals.borrow();
        let Some(arrivals) = &*arrivals else { return };
        let mut taken = 0;
        // A thread that never stops sending must not keep the loop here.
        let one = self.buggify("loop: one remote call a turn");
        let most = if one { 1 } else { arrivals.len().max(1) };
        for arrival in arrivals.try_iter().take(most) {
            taken += 1;
            match (arrival, self.layer.get()) {
                (Arrival::Call(job), _) => self.queue_remote(job),
                (Arrival::Post(parcel), _) => {
                    self.ready.borrow_mut().push(|| Work::Posted(parcel));
                }
                (Arrival::Wake(ticket), Some(layer)) => {
                    let _ = layer.wake(&LoopHandle { core: Rc::clone(self) }, ticket);
                }
                (Arrival::Wake(_), None) => {}
            }
        }
        if !arrivals.is_empty() {
            // What came meanwhile is for the next turn; the bell is ours, we are awake.
            let _ = self.inbox.wake.post();
        }
        self.counters.remote_calls.add(taken);
    }

    /// See [`buggify`](crate::buggify).
    #[inline]
    pub(crate) fn buggify(&self, site: &'static str) -> bool {
        cfg!(feature = "buggify") && self.driver.borrow_mut().buggify(site)
    }

    /// The ticket of whoever polls, if it is a task of the layer's.
    #[inline]
    pub(crate) fn ticket(&self, context: &Context<'_>) -> Option<usize> {
        self.layer.get()?.ticket(context.waker())
    }

    fn deliver_completions(self: &Rc<Self>) {
        if self.completed.borrow().is_empty() {
            return;
        }
        let handle = LoopHandle { core: Rc::clone(self) };
        // One at a time: a waker of somebody else's making may panic, and the rest must not be lost.
        loop {
            let nth = self.delivered.get();
            let Some(&key) = self.completed.borrow().get(nth) else { break };
            if self.buggify("loop: outcomes a turn later") {
                break;
            }
            self.delivered.set(nth + 1);
            self.counters.completions.add(1);
            let wake = self.waiters.borrow_mut().completed(key, &mut self.ready.borrow_mut());
            match (wake, self.layer.get()) {
                (Some(Wake::Ticket(ticket)), Some(layer)) => drop(layer.wake(&handle, ticket)),
                (Some(Wake::Waker(waker)), _) => waker.wake(),
                _ => {}
            }
        }
        self.completed.borrow_mut().drain(..self.delivered.take());
    }

    fn queue_due_timers(&self) {
        if self.timers.borrow().is_empty() {
            return;
        }
        let now = self.now();
        self.check_for_stall(now);
        let one = self.buggify("loop: one timer a turn");
        let most = if one { 1 } else { self.timers_per_turn };
        let mut due = 0;
        while due < most {
            let mut timers = self.timers.borrow_mut();
            let Some(key) = timers.next_due(now) else { break };
            due += 1;
            // A sleeper is woken here, at its place in the order, and not by a turn of its own.
            if let Some(TimerCall::Wake(_)) = timers.get(key)
                && let Some(TimerCall::Wake(waker)) = timers.take(key)
            {
                drop(timers);
                waker.wake();
            } else {
                self.ready.borrow_mut().push(|| Work::Timer(key));
            }
        }
        self.counters.timers.add(due);
    }

    /// Runs exactly the call-backs that are ready now; what they add waits for the next turn.
    ///
    /// # Panics
    /// With a call-back's own panic, if the handler of unhandled failures says so; the call-backs
    /// behind it stay queued.
    pub(crate) fn run_ready(&self, handle: &LoopHandle) {
        let mut left = self.ready.borrow().len();
        if left > 1 && self.schedule.get() != Schedule::Fifo {
            let mut schedule = self.schedule.get();
            self.ready.borrow_mut().shuffle_tickets(&mut schedule);
            self.schedule.set(schedule);
        }
        while left > 0 {
            // One guard around the whole batch: a panic ends the guard, not the batch.
            let guarded = catch_unwind(AssertUnwindSafe(|| {
                while left > 0 {
                    left -= 1;
                    self.run_next(handle);
                    if self.stalls.is_slice_full() {
                        self.check_for_stall(self.now());
                    }
                }
            }));
            if let Err(payload) = guarded {
                self.counters.panics.add(1);
                let mut report = Unhandled::panicked(payload, self.stalls.current());
                if self.reporter.report(&report) == Verdict::Unwind {
                    let payload = report.panic.take();
                    resume_unwind(payload.unwrap_or_else(|| Box::new("a call-back panicked")));
                }
                // A payload may panic when it is dropped; what that brings is not dropped again.
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(report))) {
                    mem::forget(payload);
                }
            }
        }
        self.ready.borrow_mut().shrink();
    }

    #[inline]
    fn run_next(&self, handle: &LoopHandle) {
        let mut ready = self.ready.borrow_mut();
        if let Some(ticket) = ready.pop_ticket() {
            drop(ready);
            if let Some(layer) = self.layer.get() {
                layer.run(handle, ticket);
            }
        } else if let Some(work) = ready.pop() {
            drop(ready);
            self.run(work, handle);
        }
    }

    /// Takes the work from where it is kept and runs it, unless it was cancelled there.
    fn run(&self, work: Work, handle: &LoopHandle) {
        match work {
            Work::Call(call, site) => {
                self.begin(site, 0);
                call();
            }
            Work::Job(job, site) => {
                self.begin(site, 0);
                job.run(handle);
            }
            Work::Timer(key) => {
                let timer = self.timers.borrow_mut().take(key);
                if let Some(TimerCall::Call(call, site)) = timer {
                    self.begin(site, 0);
                    call();
                }
            }
            Work::Completion(key) => {
                // Without an outcome, the call stays for the next time that the driver names it.
                let completion = self.driver.borrow_mut().take(key);
                let Some(completion) = completion else { return };
                let call = self.waiters.borrow_mut().take_call(key);
                if let Some((call, site)) = call {
                    self.begin(site, 0);
                    call(completion);
                }
            }
            Work::Remote(job) => {
                self.begin(job.site(), 0);
                job.run();
            }
            Work::Posted(parcel) => {
                self.begin(parcel.site(), 0);
                parcel.run();
            }
            // A ticket is its layer's to run.
            Work::Ticket(_) | Work::Cancelled => {}
        }
    }

    #[inline]
    pub(crate) fn begin(&self, site: Site, number: u64) {
        self.counters.call_backs.add(1);
        self.stalls.begin(site, number);
    }

    /// What comes from now on is timed; what lies before was waiting, or not ours.
    pub(crate) fn begin_timing(&self) {
        if self.stalls.is_on() {
            self.stalls.restart(self.now());
        }
    }

    pub(crate) fn end_timing(&self) {
        if self.stalls.is_on() {
            self.check_for_stall(self.now());
        }
    }

    fn check_for_stall(&self, now: Instant) {
        if let Some(mut stall) = self.stalls.check(now) {
            if let Some(layer) = self.layer.get() {
                layer.stalled(&mut stall);
            }
            let longest = &self.counters.longest_stall;
            longest.set(longest.get().max(stall.duration));
            self.counters.stalls.add(1);
            self.reporter.report(&Unhandled::stalled(stall));
        }
    }

    pub(crate) fn statistics(&self) -> LoopStatistics {
        let counters = &self.counters;
        LoopStatistics {
            turns: counters.turns.get(),
            waits: counters.waits.get(),
            call_backs: counters.call_backs.get(),
            timers: counters.timers.get(),
            completions: counters.completions.get(),
            remote_calls: counters.remote_calls.get(),
            panics: counters.panics.get(),
            stalls: counters.stalls.get(),
            longest_turn: self.stalls.longest(),
            longest_stall: counters.longest_stall.get(),
            ready: self.ready.borrow().len(),
            pending_timers: self.timers.borrow().len(),
            fallback: self.fallback,
        }
    }

    /// Drops everything that is queued, scheduled or waited for, without running it.
    pub(crate) fn close(&self) {
        if self.phase.replace(Phase::Closed) == Phase::Closed {
            return;
        }
        // Moved out first: what is dropped may call back into the loop, and finds it closed.
        let arrivals = self.arrivals.take();
        let ready = self.ready.borrow_mut().take_all();
        let timers = mem::replace(&mut *self.timers.borrow_mut(), TimerQueue::new());
        let waiters = self.waiters.take();
        for key in waiters.keys() {
            self.driver.borrow_mut().cancel(key);
        }
        let watches = self.watches.take();
        watches.values().for_each(Watches::end);
        let executor = self.executor.take();
        let queued = (arrivals, ready, timers, waiters, watches, executor);
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(queued)));
        // Nobody else would close it: closing again has no effect.
        if let Some(layer) = self.layer.get() {
            layer.close();
        }
        if let Err(payload) = dropped {
            resume_unwind(payload);
        }
    }
}
