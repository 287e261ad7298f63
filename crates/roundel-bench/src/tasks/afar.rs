//! Tasks from another thread: how fast a loop can be filled with them from outside.
//!
//! The same duel as with call-backs. Each task counts itself, so that no runtime has to keep an
//! order; nobody awaits the values. The least possible is again a channel of boxed closures.

use std::{
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_channel::oneshot;
use roundel_executor::RemoteSpawn;
use roundel_loop::EventLoop;
use tokio::runtime::Runtime;

use crate::{
    plan::Plan,
    remote::{duel, on_channel},
    row::{Figure, ROUNDEL, Row, TOKIO, Target, Unit},
    soon::tokio_runtime,
};

pub(super) fn rows(plan: &Plan) -> Vec<Row> {
    let tasks = plan.scaled(200_000);
    let target = Target::Times(0.5, &[TOKIO]);
    let figures = ["wall time per task", "CPU per task, both threads"]
        .map(|name| Figure::new(name, Unit::Nanoseconds).target(target.clone()));
    let runtime = Rc::new(tokio_runtime());
    vec![
        Row::new("one thread fills a running loop with tasks", figures)
            .peer(ROUNDEL, move || on_loop(tasks))
            .peer(TOKIO, move || on_tokio(&runtime, tasks))
            .peer("smol", move || on_smol(tasks))
            .peer("crossbeam", move || on_channel(tasks)),
    ]
}

/// Tasks that have not run; the last one says so.
struct Left {
    tasks: AtomicUsize,
    /// Gone when nothing is left.
    end: Mutex<Option<oneshot::Sender<()>>>,
}

impl Left {
    fn new(tasks: usize) -> (Arc<Self>, oneshot::Receiver<()>) {
        let (end, ended) = oneshot::channel();
        let end = Mutex::new(Some(end));
        (Arc::new(Self { tasks: AtomicUsize::new(tasks), end }), ended)
    }

    fn count(&self) {
        if self.tasks.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.end.lock().expect("nobody panics").take();
        }
    }
}

fn on_loop(tasks: usize) -> Vec<f64> {
    let mut event_loop = EventLoop::new().expect("the kernel gives us a selector");
    let remote = event_loop.remote();
    let (left, ended) = Left::new(tasks);
    let send = move || {
        for _ in 0..tasks {
            let left = Arc::clone(&left);
            let spawned = remote.spawn(move || async move { left.count() });
            drop(spawned.expect("the loop is open"));
        }
    };
    duel(tasks, send, || {
        _ = event_loop.run_until_complete(ended).expect("the loop is open");
    })
}

fn on_tokio(runtime: &Runtime, tasks: usize) -> Vec<f64> {
    let handle = runtime.handle().clone();
    let (left, ended) = Left::new(tasks);
    let send = move || {
        for _ in 0..tasks {
            let left = Arc::clone(&left);
            handle.spawn(async move { left.count() });
        }
    };
    duel(tasks, send, || _ = runtime.block_on(ended))
}

fn on_smol(tasks: usize) -> Vec<f64> {
    let executor = Arc::new(smol::Executor::new());
    let (left, ended) = Left::new(tasks);
    let remote = Arc::clone(&executor);
    let send = move || {
        for _ in 0..tasks {
            let left = Arc::clone(&left);
            remote.spawn(async move { left.count() }).detach();
        }
    };
    duel(tasks, send, || _ = smol::block_on(executor.run(ended)))
}
