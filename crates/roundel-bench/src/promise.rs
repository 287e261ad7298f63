//! Promises: a pair is made, its reader waits, the value is set, the reader has it.
//!
//! No executor takes part: the reader is polled by hand, with a waker that counts, as every
//! executor's does at least.

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use crate::{
    machine::cpu_per_item,
    plan::Plan,
    row::{Figure, ROUNDEL, Row, TOKIO, Unit},
};

const FUTURES: &str = "futures";

/// The rows of this group.
pub fn rows(plan: &Plan) -> Vec<Row> {
    let pairs = plan.scaled(200_000);
    type Ours = fn(usize, When) -> f64;
    let kinds: [(&str, Ours); 2] = [("one thread's pair", on_local), ("shared pair", on_shared)];
    let whens =
        [(When::Awaited, "made, awaited, set, woken, read"), (When::Ready, "made, set, read")];
    let mut rows = Vec::new();
    for (kind, ours) in kinds {
        for (when, what) in whens {
            let figure = Figure::new("CPU per pair", Unit::Nanoseconds);
            let row = Row::new(format!("{kind}: {what}"), [figure])
                .only(ROUNDEL, move || ours(pairs, when))
                .only(TOKIO, move || on_tokio(pairs, when))
                .only(FUTURES, move || on_futures(pairs, when));
            rows.push(row);
        }
    }
    rows
}

/// Which comes first.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// The reader, who is then woken.
    Awaited,
    /// The value.
    Ready,
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Lets `pairs` pairs live; `make` gives the setting end and the reading one.
fn live<S, F>(pairs: usize, when: When, make: impl Fn() -> (S, F)) -> f64
where
    S: FnOnce(usize),
    F: Future,
{
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    let cost = cpu_per_item(pairs, || {
        for nth in 0..pairs {
            let (set, reader) = make();
            let mut reader = pin!(reader);
            if when == When::Awaited {
                assert!(reader.as_mut().poll(&mut context).is_pending());
            }
            set(nth);
            match reader.as_mut().poll(&mut context) {
                Poll::Ready(value) => drop(black_box(value)),
                Poll::Pending => panic!("a value that was set is there"),
            }
        }
    });
    let expected = if when == When::Awaited { pairs } else { 0 };
    assert_eq!(count.0.load(Ordering::Relaxed), expected, "one wake for one waiting reader");
    cost
}

fn on_local(pairs: usize, when: When) -> f64 {
    live(pairs, when, || {
        let (promise, promised) = roundel_promise::local::promise();
        (|value| promise.set(value).expect("nobody cancels"), promised)
    })
}

fn on_shared(pairs: usize, when: When) -> f64 {
    live(pairs, when, || {
        let (promise, promised) = roundel_promise::promise();
        (|value| promise.set(value).expect("nobody cancels"), promised)
    })
}

fn on_tokio(pairs: usize, when: When) -> f64 {
    live(pairs, when, || {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        (|value| sender.send(value).expect("the reader is there"), receiver)
    })
}

fn on_futures(pairs: usize, when: When) -> f64 {
    live(pairs, when, || {
        let (sender, receiver) = futures_channel::oneshot::channel();
        (|value| sender.send(value).expect("the reader is there"), receiver)
    })
}
