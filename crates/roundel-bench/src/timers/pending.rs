//! The queue alone, while a thousand, a hundred thousand, a million other timers wait in it.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use fastrand::Rng;
use roundel_timer::TimerQueue;

use super::{
    HEAP,
    queues::{Heap, Queue, Tree},
};
use crate::{
    machine::cpu_per_item,
    plan::Plan,
    row::{Figure, ROUNDEL, Row, Unit},
};

const TREE: &str = "b-tree";
const PENDING: [(usize, &str); 3] = [(1000, "10³"), (100_000, "10⁵"), (1_000_000, "10⁶")];

/// As many timeouts are under way at a time as a server has requests.
const UNDER_WAY: usize = 1000;

pub(super) fn rows(plan: &Plan) -> Vec<Row> {
    let figure = Figure::new("CPU per timer", Unit::Nanoseconds);
    let mut rows = Vec::new();
    for (pending, power) in PENDING {
        let (pending, timers) = (plan.scaled(pending), plan.scaled(200_000));
        let title = format!("queue: set and cancelled, {power} others waiting");
        let row = Row::new(title, [figure.clone()])
            .only(ROUNDEL, timeouts::<TimerQueue<usize>>(pending, timers))
            .only(HEAP, timeouts::<Heap<usize>>(pending, timers))
            .only(TREE, timeouts::<Tree<usize>>(pending, timers));
        rows.push(row);
    }
    for (pending, power) in PENDING {
        let pending = plan.scaled(pending);
        // At least once through all that wait, so that no queue leaves its work to the next round.
        let timers = pending.max(plan.scaled(200_000));
        let title = format!("queue: set and fired, {power} waiting");
        let row = Row::new(title, [figure.clone()])
            .only(ROUNDEL, firing::<TimerQueue<usize>>(pending, timers))
            .only(HEAP, firing::<Heap<usize>>(pending, timers))
            .only(TREE, firing::<Tree<usize>>(pending, timers));
        rows.push(row);
    }
    rows
}

/// A queue in which timers wait, and the time as the queue is told it.
struct Crowd<Q> {
    queue: Q,
    now: Instant,
    random: Rng,
}

impl<Q: Queue<usize>> Crowd<Q> {
    /// `pending` timers, due within `horizon` from `first`.
    fn new(pending: usize, first: Duration, horizon: Duration) -> Self {
        let mut crowd =
            Self { queue: Q::default(), now: Instant::now(), random: Rng::with_seed(7) };
        for nth in 0..pending {
            let deadline = crowd.now + first + crowd.delay(horizon);
            crowd.queue.insert(deadline, nth);
        }
        crowd
    }

    fn delay(&mut self, horizon: Duration) -> Duration {
        horizon.mul_f64(self.random.f64())
    }
}

/// Timeouts that never fire: set, and cancelled a thousand timeouts later.
fn timeouts<Q: Queue<usize>>(pending: usize, timers: usize) -> impl FnMut() -> f64 {
    let timeout = Duration::from_secs(10);
    let mut crowd = None;
    move || {
        let crowd = crowd.get_or_insert_with(|| Crowd::<Q>::new(pending, timeout / 2, timeout));
        cpu_per_item(timers, || {
            let mut keys = Vec::with_capacity(UNDER_WAY);
            for _ in 0..timers.div_ceil(UNDER_WAY) {
                for nth in 0..UNDER_WAY.min(timers) {
                    crowd.now += Duration::from_nanos(100);
                    keys.push(crowd.queue.insert(crowd.now + timeout, nth));
                }
                // As a loop does once a turn.
                assert!(crowd.queue.pop_due(crowd.now).is_none());
                for key in keys.drain(..) {
                    black_box(crowd.queue.cancel(key));
                }
            }
        })
    }
}

/// Timers within a second, each of which sets another when it fires; the queue is asked every
/// millisecond of the time it is told.
fn firing<Q: Queue<usize>>(pending: usize, timers: usize) -> impl FnMut() -> f64 {
    let second = Duration::from_secs(1);
    let mut crowd = None;
    move || {
        let crowd = crowd.get_or_insert_with(|| Crowd::<Q>::new(pending, Duration::ZERO, second));
        cpu_per_item(timers, || {
            let mut fired = 0;
            while fired < timers {
                crowd.now += Duration::from_millis(1);
                while let Some(value) = crowd.queue.pop_due(crowd.now) {
                    let deadline = crowd.now + crowd.delay(second);
                    crowd.queue.insert(deadline, value);
                    fired += 1;
                }
            }
        })
    }
}
