//! Timers on a loop: the timeout that never fires, and a million that do.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use roundel_loop::{EventLoop, LoopHandle, TimerHandle};
use tokio::{runtime::Runtime, task::yield_now};

use super::{
    HEAP,
    queues::{Heap, Queue},
};
use crate::{
    machine::cpu_per_item,
    plan::Plan,
    row::{Figure, ROUNDEL, Row, TOKIO, Target, Unit},
    soon::{Call, Ring, tokio_runtime},
};

const TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn rows(plan: &Plan) -> Vec<Row> {
    let figure = Figure::new("CPU per timer", Unit::Nanoseconds);
    let runtime = Rc::new(tokio_runtime());
    let timers = plan.scaled(100_000);
    let timeouts = [("in one chain", 1), ("in 1000 chains", 1000)].map(|(title, width)| {
        let (turns, runtime) = (timers / width, Rc::clone(&runtime));
        Row::new(
            format!("loop: a 10 s timeout around a turn, {title}"),
            [figure.clone().target(Target::Times(0.25, &[TOKIO]))],
        )
        .only(ROUNDEL, move || timeouts_on_loop(width, turns))
        .only(TOKIO, move || timeouts_on_tokio(&runtime, width, turns))
        .only(HEAP, move || timeouts_on_heap(width, turns))
    });
    let timers = plan.scaled(1_000_000);
    let fired = Row::new(
        "loop: a million set and fired within a second",
        [figure.target(Target::Times(0.6, &[TOKIO]))],
    )
    .only(ROUNDEL, move || firing_on_loop(timers))
    .only(TOKIO, move || firing_on_tokio(&runtime, timers))
    .only(HEAP, move || firing_on_heap(timers));
    timeouts.into_iter().chain([fired]).collect()
}

/// A loop as far as timeouts are concerned.
trait Timed: Clone + 'static {
    type Timer: 'static;

    fn later(&self, call: impl FnOnce() + 'static) -> Self::Timer;
    fn cancel(&self, timer: Self::Timer);
    fn soon(&self, call: impl FnOnce() + 'static);
    /// Nothing more will be queued.
    fn end(&self);
}

impl Timed for LoopHandle {
    type Timer = TimerHandle;

    fn later(&self, call: impl FnOnce() + 'static) -> TimerHandle {
        self.call_later(TIMEOUT, call)
    }

    fn cancel(&self, timer: TimerHandle) {
        timer.cancel();
    }

    fn soon(&self, call: impl FnOnce() + 'static) {
        self.call_soon(call);
    }

    fn end(&self) {
        self.stop();
    }
}

/// A loop by hand: the ring buffer, and a heap for what comes later.
#[derive(Clone, Default)]
struct ByHand {
    ring: Ring,
    timers: Rc<RefCell<Heap<Call>>>,
}

impl Timed for ByHand {
    type Timer = <Heap<Call> as Queue<Call>>::Key;

    fn later(&self, call: impl FnOnce() + 'static) -> Self::Timer {
        self.timers.borrow_mut().insert(Instant::now() + TIMEOUT, Box::new(call))
    }

    fn cancel(&self, timer: Self::Timer) {
        let call = self.timers.borrow_mut().cancel(timer);
        drop(call);
    }

    fn soon(&self, call: impl FnOnce() + 'static) {
        self.ring.push(call);
    }

    fn end(&self) {}
}

/// One turn of a chain: a timeout is set, the next call-back cancels it and goes on.
fn link<T: Timed>(timed: T, chains_left: Rc<Cell<usize>>, turns_left: usize) {
    let timer = timed.later(|| panic!("ten seconds have not passed"));
    let next = timed.clone();
    timed.soon(move || {
        next.cancel(timer);
        if turns_left > 1 {
            return link(next, chains_left, turns_left - 1);
        }
        chains_left.set(chains_left.get() - 1);
        if chains_left.get() == 0 {
            next.end();
        }
    });
}

fn start_chains(timed: &impl Timed, width: usize, turns: usize) {
    let left = Rc::new(Cell::new(width));
    for _ in 0..width {
        link(timed.clone(), Rc::clone(&left), turns);
    }
}

fn timeouts_on_loop(width: usize, turns: usize) -> f64 {
    let mut event_loop = EventLoop::new().expect("the kernel gives us a selector");
    let handle = event_loop.handle();
    cpu_per_item(width * turns, || {
        start_chains(&handle, width, turns);
        event_loop.run_forever().expect("the loop is open");
    })
}

fn timeouts_on_heap(width: usize, turns: usize) -> f64 {
    let by_hand = ByHand::default();
    cpu_per_item(width * turns, || {
        start_chains(&by_hand, width, turns);
        by_hand.ring.run();
    })
}

fn timeouts_on_tokio(runtime: &Runtime, width: usize, turns: usize) -> f64 {
    cpu_per_item(width * turns, || {
        runtime.block_on(async {
            let task = |_| {
                tokio::spawn(async move {
                    for _ in 0..turns {
                        let turn = tokio::time::timeout(TIMEOUT, yield_now());
                        turn.await.expect("ten seconds have not passed");
                    }
                })
            };
            let tasks: Vec<_> = (0..width).map(task).collect();
            for task in tasks {
                task.await.expect("the task ends");
            }
        });
    })
}

/// The same delays for every peer, anywhere within a second.
pub(crate) fn delays(timers: usize) -> impl Iterator<Item = Duration> {
    let mut random = Rng::with_seed(11);
    (0..timers).map(move |_| Duration::from_secs(1).mul_f64(random.f64()))
}

fn firing_on_loop(timers: usize) -> f64 {
    let mut event_loop = EventLoop::new().expect("the kernel gives us a selector");
    let handle = event_loop.handle();
    let left = Rc::new(Cell::new(timers));
    cpu_per_item(timers, || {
        for delay in delays(timers) {
            let (left, stop) = (Rc::clone(&left), handle.clone());
            handle.call_later(delay, move || {
                left.set(left.get() - 1);
                if left.get() == 0 {
                    stop.stop();
                }
            });
        }
        event_loop.run_forever().expect("the loop is open");
    })
}

fn firing_on_tokio(runtime: &Runtime, timers: usize) -> f64 {
    cpu_per_item(timers, || {
        runtime.block_on(async {
            let sleeping = |delay| tokio::spawn(tokio::time::sleep(delay));
            let tasks: Vec<_> = delays(timers).map(sleeping).collect();
            for task in tasks {
                task.await.expect("the task ends");
            }
        });
    })
}

fn firing_on_heap(timers: usize) -> f64 {
    let left = Rc::new(Cell::new(timers));
    cpu_per_item(timers, || {
        let mut queue: Heap<Call> = Heap::default();
        for delay in delays(timers) {
            let left = Rc::clone(&left);
            queue.insert(Instant::now() + delay, Box::new(move || left.set(left.get() - 1)));
        }
        while let Some(deadline) = queue.next_deadline() {
            thread::sleep(deadline.saturating_duration_since(Instant::now()));
            let now = Instant::now();
            while let Some(call) = queue.pop_due(now) {
                call();
            }
        }
        assert_eq!(left.get(), 0);
    })
}
