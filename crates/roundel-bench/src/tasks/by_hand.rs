//! The least that can be called an executor: boxed futures in a slab, and a queue of their numbers.
//!
//! There is no waker: whoever is pending wants another turn. No task is cancelled, panics with
//! company, or is seen; nobody awaits one but all.

use std::{
    collections::VecDeque,
    future::Future,
    hint::black_box,
    pin::Pin,
    task::{Context, Waker},
};

use smol::future::yield_now;

use crate::machine::process_cpu_per_item;

#[derive(Default)]
struct Slab {
    tasks: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    free: Vec<usize>,
    ready: VecDeque<usize>,
}

impl Slab {
    fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.tasks.push(None);
            self.tasks.len() - 1
        });
        self.tasks[place] = Some(Box::pin(future));
        self.ready.push_back(place);
    }

    fn run(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        while let Some(place) = self.ready.pop_front() {
            let task = self.tasks[place].as_mut().expect("a task that is ready lives");
            if task.as_mut().poll(&mut context).is_pending() {
                self.ready.push_back(place);
            } else {
                self.tasks[place] = None;
                self.free.push(place);
            }
        }
    }
}

pub(super) fn spawned(at_once: usize, rounds: usize) -> f64 {
    let mut slab = Slab::default();
    process_cpu_per_item(at_once * rounds, || {
        for _ in 0..rounds {
            for nth in 0..at_once {
                slab.spawn(async move {
                    black_box(nth);
                });
            }
            slab.run();
        }
    })
}

pub(super) fn yields(width: usize, turns: usize) -> f64 {
    let mut slab = Slab::default();
    process_cpu_per_item(width * turns, || {
        for _ in 0..width {
            slab.spawn(async move {
                for _ in 0..turns {
                    yield_now().await;
                }
            });
        }
        slab.run();
    })
}
