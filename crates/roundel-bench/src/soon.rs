//! Call-backs: what it costs from `call_soon` to being run.
//!
//! The ring buffer is the least that can be called a loop: a queue of boxed closures, without
//! cancelling, timers, sockets, panics or sight. Tokio is asked for its nearest relative,
//! `yield_now`, which brings a task back after all that are ready, and for `spawn` where one
//! call-back queues many.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    hint::black_box,
    os::unix::net::UnixStream,
    rc::Rc,
};

use roundel_loop::{EventLoop, Job, LoopHandle, Source};
use tokio::{runtime::Runtime, task::yield_now};

use crate::{
    machine::cpu_per_item,
    plan::Plan,
    row::{Figure, ROUNDEL, Row, TOKIO, Target, Unit},
};

const RING: &str = "ring buffer";
const TARGET: Target = Target::Times(0.35, &[TOKIO]);

/// The rows of this group.
pub fn rows(plan: &Plan) -> Vec<Row> {
    let calls = plan.scaled(200_000);
    let runtime = Rc::new(tokio_runtime());
    let chains = |title: &str, width: usize, new_loop: fn() -> EventLoop| {
        let (turns, runtime) = (calls / width, Rc::clone(&runtime));
        Row::new(title, [Figure::new("CPU per call-back", Unit::Nanoseconds).target(TARGET)])
            .only(ROUNDEL, move || on_loop(new_loop(), calls, |soon| chain(soon, width, turns)))
            .only(TOKIO, move || yields(&runtime, width, turns))
            .only(RING, move || on_ring(calls, |soon| chain(soon, width, turns)))
    };
    let (turns, yielding, runtime) = (calls / 1000, Rc::clone(&runtime), Rc::clone(&runtime));
    let fan = Row::new(
        "1000 queued by one call-back, again and again (tokio: spawned)",
        [Figure::new("CPU per call-back", Unit::Nanoseconds)],
    )
    .only(ROUNDEL, move || on_loop(new_loop(), calls, |soon| fan_out(soon, 1000, turns)))
    .only(TOKIO, move || spawns(&runtime, 1000, turns))
    .only(RING, move || on_ring(calls, |soon| fan_out(soon, 1000, turns)));
    let jobs = Row::new(
        "1000 jobs side by side, each queues itself again (tokio: tasks)",
        [Figure::new("CPU per call-back", Unit::Nanoseconds).target(TARGET)],
    )
    .only(ROUNDEL, move || on_loop(new_loop(), calls, |soon| jobs_on_loop(soon, 1000, turns)))
    .only(TOKIO, move || yields(&yielding, 1000, turns))
    .only(RING, move || jobs_on_ring(1000, turns));
    vec![
        chains("one chain: each call-back queues the next", 1, new_loop),
        chains("one chain, while a receive waits", 1, loop_with_a_receive),
        chains("1000 chains side by side", 1000, new_loop),
        jobs,
        fan,
    ]
}

/// What can run a call-back soon, so that ours and the least possible run the same program.
trait Soon: Clone + 'static {
    fn soon(&self, call: impl FnOnce() + 'static);
    /// Nothing more will be queued.
    fn end(&self);
}

impl Soon for LoopHandle {
    fn soon(&self, call: impl FnOnce() + 'static) {
        self.call_soon(call);
    }

    fn end(&self) {
        self.stop();
    }
}

/// What a loop by hand queues.
pub(crate) type Call = Box<dyn FnOnce()>;

/// The least that can be called a loop.
#[derive(Clone, Default)]
pub(crate) struct Ring(Rc<RefCell<VecDeque<Call>>>);

impl Ring {
    /// Adds a call-back at the end.
    pub(crate) fn push(&self, call: impl FnOnce() + 'static) {
        self.0.borrow_mut().push_back(Box::new(call));
    }

    /// Runs call-backs until there are none.
    pub(crate) fn run(&self) {
        loop {
            let call = self.0.borrow_mut().pop_front();
            match call {
                Some(call) => call(),
                None => return,
            }
        }
    }
}

impl Soon for Ring {
    fn soon(&self, call: impl FnOnce() + 'static) {
        self.push(call);
    }

    fn end(&self) {}
}

/// Starts `width` chains of `turns` call-backs, each of which queues the next one of its chain.
fn chain(soon: &impl Soon, width: usize, turns: usize) {
    let left = Rc::new(Cell::new(width));
    for _ in 0..width {
        link(soon.clone(), Rc::clone(&left), turns);
    }
}

fn link<S: Soon>(soon: S, chains_left: Rc<Cell<usize>>, turns_left: usize) {
    let next = soon.clone();
    soon.soon(move || {
        if turns_left > 1 {
            return link(next, chains_left, turns_left - 1);
        }
        chains_left.set(chains_left.get() - 1);
        if chains_left.get() == 0 {
            next.end();
        }
    });
}

/// Queues `width` call-backs, and behind them the call-back that does so again.
fn fan_out<S: Soon>(soon: &S, width: usize, turns_left: usize) {
    for nth in 0..width {
        soon.soon(move || {
            black_box(nth);
        });
    }
    let again = soon.clone();
    soon.soon(move || match turns_left > 1 {
        true => fan_out(&again, width, turns_left - 1),
        false => again.end(),
    });
}

/// A call-back that is allocated once and queued again and again, as a task is at each wake.
struct Again {
    turns_left: Cell<usize>,
    /// Jobs that still have turns.
    jobs_left: Rc<Cell<usize>>,
}

impl Again {
    fn some(width: usize, turns: usize) -> impl Iterator<Item = Rc<Self>> {
        let jobs_left = Rc::new(Cell::new(width));
        let job = move |_| Self { turns_left: Cell::new(turns), jobs_left: Rc::clone(&jobs_left) };
        (0..width).map(job).map(Rc::new)
    }

    /// True if there is a next turn.
    fn take_turn(&self) -> bool {
        self.turns_left.set(self.turns_left.get() - 1);
        if self.turns_left.get() > 0 {
            return true;
        }
        self.jobs_left.set(self.jobs_left.get() - 1);
        false
    }
}

impl Job for Again {
    fn run(self: Rc<Self>, handle: &LoopHandle) {
        if self.take_turn() {
            handle.schedule(self);
        } else if self.jobs_left.get() == 0 {
            handle.stop();
        }
    }
}

fn jobs_on_loop(handle: &LoopHandle, width: usize, turns: usize) {
    for job in Again::some(width, turns) {
        handle.schedule(job);
    }
}

type JobRing = RefCell<VecDeque<Rc<dyn RingJob>>>;

/// What [`Job`] is on the loop.
trait RingJob {
    fn run(self: Rc<Self>, ring: &JobRing);
}

impl RingJob for Again {
    fn run(self: Rc<Self>, ring: &JobRing) {
        if self.take_turn() {
            ring.borrow_mut().push_back(self);
        }
    }
}

fn jobs_on_ring(width: usize, turns: usize) -> f64 {
    let ring = JobRing::default();
    cpu_per_item(width * turns, || {
        for job in Again::some(width, turns) {
            ring.borrow_mut().push_back(job);
        }
        loop {
            let job = ring.borrow_mut().pop_front();
            match job {
                Some(job) => job.run(&ring),
                None => return,
            }
        }
    })
}

fn new_loop() -> EventLoop {
    EventLoop::new().expect("the kernel gives us a selector")
}

/// As a server's: its every turn has to look whether the kernel has something to say.
fn loop_with_a_receive() -> EventLoop {
    let event_loop = new_loop();
    let (ours, theirs) = UnixStream::pair().expect("the kernel gives us sockets");
    let ours = event_loop.handle().attach(Source::new(ours));
    let receive = ours.recv(1);
    // Both ends live as long as the call-back, which is as long as the loop.
    receive.then(move |_| drop((ours, theirs)));
    event_loop
}

fn on_loop(mut event_loop: EventLoop, calls: usize, start: impl FnOnce(&LoopHandle)) -> f64 {
    let handle = event_loop.handle();
    cpu_per_item(calls, || {
        start(&handle);
        event_loop.run_forever().expect("the loop is open");
    })
}

fn on_ring(calls: usize, start: impl FnOnce(&Ring)) -> f64 {
    let ring = Ring::default();
    cpu_per_item(calls, || {
        start(&ring);
        ring.run();
    })
}

/// Tokio's current-thread runtime as a server has it: with its timers and its sockets.
pub(crate) fn tokio_runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().expect("the kernel gives tokio what it needs")
}

fn yields(runtime: &Runtime, tasks: usize, turns: usize) -> f64 {
    cpu_per_item(tasks * turns, || {
        runtime.block_on(async {
            let yielding = |_| {
                tokio::spawn(async move {
                    for _ in 0..turns {
                        yield_now().await;
                    }
                })
            };
            let tasks: Vec<_> = (0..tasks).map(yielding).collect();
            for task in tasks {
                task.await.expect("the task only yields");
            }
        });
    })
}

fn spawns(runtime: &Runtime, width: usize, turns: usize) -> f64 {
    cpu_per_item(width * turns, || {
        runtime.block_on(async {
            for _ in 0..turns {
                for nth in 0..width {
                    tokio::spawn(async move {
                        black_box(nth);
                    });
                }
                yield_now().await;
            }
        });
    })
}
