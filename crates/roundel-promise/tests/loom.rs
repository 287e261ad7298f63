//! Every pair of concurrent operations, under the model checker.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p roundel-promise --release --test loom`
//!
//! Each model ends by joining its threads, so a lost wake-up shows as a deadlock, which loom
//! reports. Wakers are counted rather than run by an executor where the number of wakes matters.
#![cfg(loom)]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use loom::thread;
use roundel_promise::{Broken, Promise, Promised, ReturnWhen, as_completed, promise, wait};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: StdArc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn poll<T>(promised: &mut Promised<T>, waker: &Waker) -> Poll<Result<T, Broken>> {
    pin!(promised).poll(&mut Context::from_waker(waker))
}

/// Counts a call-back's runs and remembers what it saw.
fn count(promised: &Promised<u32>, runs: &Arc<AtomicUsize>) {
    let runs = Arc::clone(runs);
    promised.on_done(move |_| {
        runs.fetch_add(1, Relaxed);
    });
}

#[test]
fn set_and_poll() {
    loom::model(|| {
        let (promise, promised) = promise();
        let writer = thread::spawn(move || promise.set(7).unwrap());
        assert_eq!(block_on(promised), Ok(7));
        writer.join().unwrap();
    });
}

#[test]
fn set_and_poll_wakes_exactly_a_reader_that_was_told_to_wait() {
    loom::model(|| {
        let (promise, mut promised) = promise();
        let writer = thread::spawn(move || promise.set(7).unwrap());
        let wakes = StdArc::new(Wakes::default());
        let first = poll(&mut promised, &Waker::from(wakes.clone()));
        writer.join().unwrap();
        let woken = wakes.0.load(Relaxed);
        match first {
            Poll::Ready(value) => assert_eq!((value, woken), (Ok(7), 0)),
            Poll::Pending => {
                assert_eq!(woken, 1);
                assert_eq!(poll(&mut promised, Waker::noop()), Poll::Ready(Ok(7)));
            }
        }
    });
}

#[test]
fn who_sees_done_sees_what_the_writer_did() {
    loom::model(|| {
        let (promise, promised) = promise();
        let written = Arc::new(AtomicBool::new(false));
        let writer = {
            let written = Arc::clone(&written);
            thread::spawn(move || {
                written.store(true, Relaxed);
                promise.set(()).unwrap();
            })
        };
        if promised.is_done() {
            assert!(written.load(Relaxed));
        }
        writer.join().unwrap();
    });
}

#[test]
fn set_and_block() {
    loom::model(|| {
        let (promise, promised) = promise();
        let writer = thread::spawn(move || promise.set(7).unwrap());
        assert_eq!(promised.result(), Ok(7));
        writer.join().unwrap();
    });
}

#[test]
fn drop_and_block() {
    loom::model(|| {
        let (promise, promised) = promise::<u32>();
        let writer = thread::spawn(move || drop(promise));
        assert_eq!(promised.result(), Err(Broken::Abandoned));
        writer.join().unwrap();
    });
}

#[test]
fn set_and_cancel() {
    loom::model(|| {
        let (promise, promised) = promise();
        let canceller = promised.clone();
        let canceller = thread::spawn(move || canceller.cancel());
        let set = promise.set(7);
        let cancelled = canceller.join().unwrap();
        match set {
            Ok(()) => assert_eq!((cancelled, promised.result()), (false, Ok(7))),
            Err(refused) => {
                assert_eq!((cancelled, refused.into_value()), (true, 7));
                assert_eq!(promised.result(), Err(Broken::Cancelled));
            }
        }
    });
}

#[test]
fn set_and_on_done() {
    loom::model(|| {
        let (promise, promised) = promise();
        let runs = Arc::new(AtomicUsize::new(0));
        count(&promised, &runs);
        let writer = thread::spawn(move || promise.set(7).unwrap());
        count(&promised, &runs);
        // The call-backs borrow the value; this claim waits for them and gets it.
        assert_eq!(promised.result(), Ok(7));
        writer.join().unwrap();
        assert_eq!(runs.load(Relaxed), 2);
    });
}

#[test]
fn on_done_and_on_done_when_the_value_is_there() {
    loom::model(|| {
        let (promise, promised) = promise();
        promise.set(7).unwrap();
        let runs = Arc::new(AtomicUsize::new(0));
        let other = {
            let (promised, runs) = (promised.clone(), Arc::clone(&runs));
            thread::spawn(move || count(&promised, &runs))
        };
        count(&promised, &runs);
        other.join().unwrap();
        assert_eq!(runs.load(Relaxed), 2);
        assert_eq!(promised.result(), Ok(7));
    });
}

#[test]
fn cancel_and_start() {
    loom::model(|| {
        let (mut promise, promised) = promise::<u32>();
        let worker = thread::spawn(move || promise.start().is_ok());
        let cancelled = promised.cancel();
        let started = worker.join().unwrap();
        assert_ne!(cancelled, started, "exactly one of them wins");
        let broken = if cancelled { Broken::Cancelled } else { Broken::Abandoned };
        assert_eq!(promised.result(), Err(broken));
    });
}

#[test]
fn cancel_and_poll() {
    loom::model(|| {
        let (promise, promised) = promise::<u32>();
        let canceller = promised.clone();
        let canceller = thread::spawn(move || assert!(canceller.cancel()));
        assert_eq!(block_on(promised), Err(Broken::Cancelled));
        canceller.join().unwrap();
        assert!(promise.is_cancelled());
    });
}

#[test]
fn drop_and_poll() {
    loom::model(|| {
        let (promise, promised) = promise::<u32>();
        let writer = thread::spawn(move || drop(promise));
        assert_eq!(block_on(promised), Err(Broken::Abandoned));
        writer.join().unwrap();
    });
}

#[test]
fn two_sets_and_a_wait() {
    loom::model(|| {
        let (promise_a, promised_a) = promise();
        let (promise_b, promised_b) = promise();
        let a = thread::spawn(move || promise_a.set('a').unwrap());
        let b = thread::spawn(move || promise_b.set('b').unwrap());
        let waited = wait([promised_a, promised_b], ReturnWhen::AllCompleted, None);
        assert_eq!((waited.done.len(), waited.pending.len()), (2, 0));
        a.join().unwrap();
        b.join().unwrap();
    });
}

#[test]
fn two_sets_and_as_completed() {
    loom::model(|| {
        let (promise_a, promised_a) = promise();
        let (promise_b, promised_b) = promise();
        let a = thread::spawn(move || promise_a.set(1).unwrap());
        let b = thread::spawn(move || promise_b.set(2).unwrap());
        let settled = as_completed([promised_a, promised_b], None);
        let sum: u32 = settled.map(|promised| promised.unwrap().result().unwrap()).sum();
        assert_eq!(sum, 3);
        a.join().unwrap();
        b.join().unwrap();
    });
}

#[test]
fn two_waits_in_opposite_orders() {
    // Unbounded, the model was not through after three minutes; bounded, it takes seconds.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let (promise_a, promised_a) = promise();
        let (promise_b, promised_b) = promise();
        let other = [promised_b.clone(), promised_a.clone()];
        let other = thread::spawn(move || wait(other, ReturnWhen::AllCompleted, None).done.len());
        let writer = thread::spawn(move || {
            promise_a.set('a').unwrap();
            promise_b.set('b').unwrap();
        });
        let waited = wait([promised_a, promised_b], ReturnWhen::AllCompleted, None);
        assert_eq!(waited.done.len(), 2);
        assert_eq!(other.join().unwrap(), 2);
        writer.join().unwrap();
    });
}

#[test]
fn set_with_a_call_back_and_wait_for_the_first_error() {
    loom::model(|| {
        let (promise, promised) = promise::<Result<u32, u32>>();
        promised.on_done(|_| ());
        let writer = thread::spawn(move || promise.set(Err(7)).unwrap());
        let first_error = ReturnWhen::FirstError(Result::is_err);
        let waited = wait([promised], first_error, None);
        assert_eq!(waited.done.len(), 1);
        writer.join().unwrap();
    });
}

#[test]
fn start_tells_who_waits_for_a_cancelled_promise() {
    loom::model(|| {
        let (mut promise, promised) = promise::<u32>();
        assert!(promised.cancel());
        let writer = thread::spawn(move || assert!(promise.start().is_err()));
        let waited = wait([promised], ReturnWhen::AllCompleted, None);
        assert_eq!(waited.done.len(), 1);
        writer.join().unwrap();
    });
}

#[test]
fn clone_and_drop() {
    loom::model(|| {
        let value = Arc::new(());
        let (promise, promised) = promise();
        promise.set(Arc::clone(&value)).unwrap();
        let other = promised.clone();
        let other = thread::spawn(move || drop(other.clone()));
        drop(promised);
        other.join().unwrap();
        // Given to nobody, and gone with the last claim.
        assert_eq!(Arc::strong_count(&value), 1);
    });
}

#[test]
fn two_readers_get_a_value_each() {
    loom::model(|| {
        let (promise, promised) = promise();
        let other = promised.clone();
        promise.set(7).unwrap();
        let other = thread::spawn(move || other.result());
        assert_eq!(promised.result(), Ok(7));
        assert_eq!(other.join().unwrap(), Ok(7));
    });
}

#[test]
fn set_and_a_reader_that_leaves() {
    loom::model(|| {
        let (promise, mut promised) = promise();
        let wakes = StdArc::new(Wakes::default());
        assert!(poll(&mut promised, &Waker::from(wakes.clone())).is_pending());
        let writer = thread::spawn(move || promise.set(7).unwrap());
        drop(promised);
        writer.join().unwrap();
        assert!(wakes.0.load(Relaxed) <= 1);
    });
}

#[test]
fn a_reader_alone_sees_the_value() {
    loom::model(|| {
        let (promise, promised) = promise();
        let writer = thread::spawn(move || {
            let value = loom::cell::Cell::new(0);
            value.set(7);
            assert!(promise.set(value).is_ok());
        });
        // The cell tells if reading it is not ordered after writing it.
        assert_eq!(block_on(promised).unwrap().get(), 7);
        writer.join().unwrap();
    });
}

#[test]
fn two_readers_of_whom_one_leaves() {
    loom::model(|| {
        let (promise, promised) = promise();
        let other = promised.clone();
        promise.set(7).unwrap();
        let other = thread::spawn(move || drop(other));
        assert_eq!(promised.result(), Ok(7));
        other.join().unwrap();
    });
}

#[test]
fn cancel_and_hear() {
    loom::model(|| {
        let (mut promise, promised) = promise::<u32>();
        let canceller = thread::spawn(move || assert!(promised.cancel()));
        block_on(promise.cancelled());
        canceller.join().unwrap();
    });
}

#[test]
fn cancel_wakes_exactly_a_writer_that_was_told_to_wait() {
    loom::model(|| {
        let (mut promise, promised) = promise::<u32>();
        let canceller = thread::spawn(move || assert!(promised.cancel()));
        let wakes = StdArc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let first = promise.poll_cancelled(&mut Context::from_waker(&waker));
        canceller.join().unwrap();
        assert_eq!(wakes.0.load(Relaxed), usize::from(first.is_pending()));
        assert!(promise.poll_cancelled(&mut Context::from_waker(&waker)).is_ready());
    });
}

/// The writer waits, and then goes by `leave` while a reader cancels.
fn cancel_and_leave(leave: fn(Promise<u32>)) {
    loom::model(move || {
        let (mut promise, promised) = promise();
        let wakes = StdArc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        assert!(promise.poll_cancelled(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        let writer = thread::spawn(move || leave(promise));
        let cancelled = promised.cancel();
        writer.join().unwrap();
        assert_eq!(wakes.0.load(Relaxed), usize::from(cancelled));
        assert_eq!(StdArc::strong_count(&wakes), 1, "the writer's waker went with it");
        assert!(promised.state().is_settled());
    });
}

#[test]
fn cancel_and_set_when_the_writer_waits() {
    cancel_and_leave(|promise| {
        let _ = promise.set(7);
    });
}

#[test]
fn cancel_and_drop_when_the_writer_waits() {
    cancel_and_leave(drop);
}

#[test]
fn cancel_and_start_when_the_writer_waits() {
    cancel_and_leave(|mut promise| {
        let _ = promise.start();
    });
}

#[test]
fn drop_and_drop() {
    loom::model(|| {
        let (promise, mut promised) = promise::<u32>();
        let wakes = StdArc::new(Wakes::default());
        assert!(poll(&mut promised, &Waker::from(wakes.clone())).is_pending());
        let writer = thread::spawn(move || drop(promise));
        drop(promised);
        writer.join().unwrap();
        assert_eq!(StdArc::strong_count(&wakes), 1);
    });
}
