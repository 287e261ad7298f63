//! How late a timer is: ten thousand of them anywhere within two seconds, on an idle loop.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use fastrand::Rng;
use roundel_loop::EventLoop;
use tokio::runtime::Runtime;

use crate::{
    plan::Plan,
    row::{Figure, ROUNDEL, Row, TOKIO, Target, Unit},
    soon::tokio_runtime,
    spread::quantile,
};

const WITHIN: Duration = Duration::from_secs(2);

pub(super) fn rows(plan: &Plan) -> Vec<Row> {
    let timers = plan.scaled(10_000);
    let figures = [
        Figure::new("median lateness", Unit::Microseconds).target(Target::Limit(100.0)),
        Figure::new("99th percentile", Unit::Microseconds),
        Figure::new("least (negative: early)", Unit::Microseconds),
    ];
    let runtime = tokio_runtime();
    vec![
        Row::new("loop: lateness of 10 000 timers within 2 s", figures)
            .peer(ROUNDEL, move || on_loop(timers))
            .peer(TOKIO, move || on_tokio(&runtime, timers)),
    ]
}

/// The same deadlines for every peer.
fn deadlines(timers: usize) -> impl Iterator<Item = Instant> {
    let (start, mut random) = (Instant::now(), Rng::with_seed(13));
    (0..timers).map(move |_| start + WITHIN.mul_f64(random.f64()))
}

/// In microseconds; less than nothing if it is early.
fn lateness(deadline: Instant) -> f64 {
    let now = Instant::now();
    let late = now.saturating_duration_since(deadline).as_secs_f64();
    let early = deadline.saturating_duration_since(now).as_secs_f64();
    (late - early) * 1e6
}

fn figures(mut lateness: Vec<f64>) -> Vec<f64> {
    lateness.sort_unstable_by(f64::total_cmp);
    vec![quantile(&lateness, 0.5), quantile(&lateness, 0.99), lateness[0]]
}

fn on_loop(timers: usize) -> Vec<f64> {
    let mut event_loop = EventLoop::new().expect("the kernel gives us a selector");
    let handle = event_loop.handle();
    let late = Rc::new(RefCell::new(Vec::with_capacity(timers)));
    for deadline in deadlines(timers) {
        let (late, stop) = (Rc::clone(&late), handle.clone());
        handle.call_at(deadline, move || {
            late.borrow_mut().push(lateness(deadline));
            if late.borrow().len() == timers {
                stop.stop();
            }
        });
    }
    event_loop.run_forever().expect("the loop is open");
    figures(late.take())
}

fn on_tokio(runtime: &Runtime, timers: usize) -> Vec<f64> {
    let sleeping = |deadline: Instant| async move {
        tokio::time::sleep_until(deadline.into()).await;
        lateness(deadline)
    };
    let late = runtime.block_on(async {
        let tasks: Vec<_> =
            deadlines(timers).map(|deadline| tokio::spawn(sleeping(deadline))).collect();
        let mut late = Vec::with_capacity(timers);
        for task in tasks {
            late.push(task.await.expect("the task ends"));
        }
        late
    });
    figures(late)
}
