//! Call-backs from another thread: how fast a loop can be filled from outside.
//!
//! The loop's thread and the sender's each have a core, and both begin at once. Tokio's nearest
//! relative is `Handle::spawn`; the least possible is a channel of boxed closures, whose receiver
//! does nothing else.

use std::{
    hint::black_box,
    rc::Rc,
    sync::{Arc, Barrier},
    thread,
    time::Instant,
};

use roundel_loop::EventLoop;
use tokio::{runtime::Runtime, sync::oneshot};

use crate::{
    machine::{CLIENT_CORE, cpu_of, pin},
    plan::Plan,
    row::{Figure, ROUNDEL, Row, TOKIO, Target, Unit},
    soon::tokio_runtime,
};

const TARGET: Target = Target::Times(0.3, &[TOKIO]);

/// The rows of this group.
pub fn rows(plan: &Plan) -> Vec<Row> {
    let calls = plan.scaled(200_000);
    let figures = [
        Figure::new("wall time per call-back", Unit::Nanoseconds).target(TARGET),
        Figure::new("CPU per call-back, both threads", Unit::Nanoseconds).target(TARGET),
    ];
    let runtime = Rc::new(tokio_runtime());
    vec![
        Row::new("one thread fills a running loop", figures)
            .peer(ROUNDEL, move || on_loop(calls))
            .peer(TOKIO, move || on_tokio(&runtime, calls))
            .peer("crossbeam", move || on_channel(calls)),
    ]
}

/// Lets `send` fill what `run` empties, each in its own thread; wall and CPU time per call.
pub(crate) fn duel(
    calls: usize,
    send: impl FnOnce() + Send + 'static,
    run: impl FnOnce(),
) -> Vec<f64> {
    let start = Arc::new(Barrier::new(2));
    let sender = thread::spawn({
        let start = Arc::clone(&start);
        move || {
            pin(CLIENT_CORE).expect("there are two cores");
            start.wait();
            cpu_of(send)
        }
    });
    start.wait();
    let began = Instant::now();
    let running = cpu_of(run);
    let wall = began.elapsed();
    let sending = sender.join().expect("the sender sends");
    [wall, running + sending].map(|time| time.as_nanos() as f64 / calls as f64).to_vec()
}

fn on_loop(calls: usize) -> Vec<f64> {
    let mut event_loop = EventLoop::new().expect("the kernel gives us a selector");
    let remote = event_loop.remote();
    let send = move || {
        for nth in 0..calls {
            let call = move || {
                black_box(nth);
            };
            remote.call_soon(call).expect("the loop is open");
        }
        remote.stop();
    };
    duel(calls, send, || event_loop.run_forever().expect("the loop is open"))
}

fn on_tokio(runtime: &Runtime, calls: usize) -> Vec<f64> {
    let handle = runtime.handle().clone();
    let (end, ended) = oneshot::channel();
    let send = move || {
        for nth in 0..calls {
            handle.spawn(async move {
                black_box(nth);
            });
        }
        handle.spawn(async { end.send(()) });
    };
    duel(calls, send, || runtime.block_on(ended).expect("the last task ends"))
}

/// The least possible: a channel of boxed closures, whose receiver does nothing else.
pub(crate) fn on_channel(calls: usize) -> Vec<f64> {
    let (sender, receiver) = crossbeam_channel::unbounded::<Box<dyn FnOnce() + Send>>();
    let send = move || {
        for nth in 0..calls {
            let call = Box::new(move || {
                black_box(nth);
            });
            sender.send(call).expect("the receiver receives");
        }
    };
    duel(calls, send, || receiver.iter().for_each(|call| call()))
}
