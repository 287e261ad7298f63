//! `wait`: until the first, the first error, or all of many promises.
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use roundel_promise::ReturnWhen::{AllCompleted, FirstCompleted, FirstError};
use roundel_promise::{Promise, Promised, Waited, promise, wait};

type Job = Result<u32, &'static str>;

fn jobs<const N: usize>() -> ([Promise<Job>; N], [Promised<Job>; N]) {
    let mut promises = Vec::new();
    let promised = std::array::from_fn(|_| {
        let (promise, promised) = promise();
        promises.push(promise);
        promised
    });
    (promises.try_into().expect("there are as many"), promised)
}

fn set(promise: Promise<Job>, job: Job) {
    promise.set(job).expect("nobody cancelled");
}

/// How many are done, how many pending.
fn counts<T>(waited: &Waited<T>) -> (usize, usize) {
    (waited.done.len(), waited.pending.len())
}

/// Runs `wait` in a thread, and returns once it waits for `watched`.
fn waiting(
    watched: &Promised<Job>,
    wait: impl FnOnce() -> Waited<Job> + Send + 'static,
) -> thread::JoinHandle<Waited<Job>> {
    let waiter = thread::spawn(wait);
    while watched.inspect().waiters == 0 {
        thread::yield_now();
    }
    waiter
}

// spec: CFW-01
#[test]
fn any_iterable_without_duplicates_in_the_order_given() {
    let ([first, second, _third], [a, b, c]) = jobs();
    set(second, Ok(2));
    let writer = thread::spawn(move || set(first, Ok(1)));
    writer.join().expect("it does not panic");
    let claims = vec![a.clone(), c, b.clone(), a, b];
    let waited = wait(claims, FirstCompleted, None);
    assert_eq!(counts(&waited), (2, 1));
    let values: Vec<_> = waited.done.into_iter().map(Promised::result).collect();
    assert_eq!(values, [Ok(Ok(1)), Ok(Ok(2))]);
}

#[test]
fn nothing_to_wait_for_is_over_at_once() {
    assert_eq!(counts(&wait::<u32>([], AllCompleted, None)), (0, 0));
    assert_eq!(counts(&wait::<u32>([], FirstCompleted, None)), (0, 0));
}

// spec: CFW-02
#[test]
fn all_completed_waits_for_the_last() {
    let ([first, mut second, third], promised) = jobs();
    let last = promised[2].clone();
    assert!(promised[1].cancel());
    let waiter = waiting(&last, move || wait(promised, AllCompleted, None));
    set(first, Ok(1));
    assert!(second.start().is_err());
    assert!(!waiter.is_finished());
    drop(third);
    assert_eq!(counts(&waiter.join().expect("it does not panic")), (3, 0));
    assert!(last.is_done());
}

// spec: CFW-03
#[test]
fn first_completed_returns_at_the_first_or_at_once() {
    let ([first, _second], promised) = jobs();
    let waiter = waiting(&promised[1].clone(), {
        let promised = promised.clone();
        move || wait(promised, FirstCompleted, None)
    });
    set(first, Ok(1));
    assert_eq!(counts(&waiter.join().expect("it does not panic")), (1, 1));
    assert_eq!(counts(&wait(promised, FirstCompleted, None)), (1, 1));
}

// spec: CFW-04
#[test]
fn first_error_returns_at_the_first_error_or_at_once() {
    let ([good, bad, _pending], promised) = jobs();
    let waiter = waiting(&promised[2].clone(), {
        let promised = promised.clone();
        move || wait(promised, FirstError(Result::is_err), None)
    });
    set(good, Ok(1));
    set(bad, Err("bad"));
    assert_eq!(counts(&waiter.join().expect("it does not panic")), (2, 1));
    assert_eq!(counts(&wait(promised, FirstError(Result::is_err), None)), (2, 1));
}

// spec: CFW-04
#[test]
fn values_and_cancellations_are_no_errors() {
    let limit = Duration::from_millis(5);
    let ([good, mut cancelled, _pending], promised) = jobs();
    promised[1].cancel();
    assert!(cancelled.start().is_err());
    set(good, Ok(1));
    let start = Instant::now();
    assert_eq!(counts(&wait(promised, FirstError(Result::is_err), Some(limit))), (2, 1));
    assert!(start.elapsed() >= limit, "it waits on for an error");
}

// spec: CFW-04
#[test]
fn first_error_without_an_error_waits_for_all() {
    let ([first, second], promised) = jobs();
    let waiter = waiting(&promised[1].clone(), {
        let promised = promised.clone();
        move || wait(promised, FirstError(Result::is_err), None)
    });
    set(first, Ok(1));
    set(second, Ok(2));
    assert_eq!(counts(&waiter.join().expect("it does not panic")), (2, 0));
}

#[test]
fn an_abandoned_promise_is_an_error() {
    let ([dropped, _pending], promised) = jobs();
    drop(dropped);
    assert_eq!(counts(&wait(promised, FirstError(Result::is_err), None)), (1, 1));
}

#[test]
fn first_error_looks_again_when_a_call_back_has_the_value() {
    let ([bad, _pending], promised) = jobs();
    let (entered, is_in) = mpsc::channel();
    let (leave, may_leave) = mpsc::channel::<()>();
    promised[0].on_done(move |_| {
        entered.send(()).expect("somebody listens");
        may_leave.recv().expect("somebody lets go");
    });
    let writer = thread::spawn(move || set(bad, Err("bad")));
    is_in.recv().expect("the call-back runs");
    let waiter =
        waiting(&promised[0].clone(), move || wait(promised, FirstError(Result::is_err), None));
    leave.send(()).expect("the call-back listens");
    assert_eq!(counts(&waiter.join().expect("it does not panic")), (1, 1));
    writer.join().expect("it does not panic");
}

// spec: CFW-05
#[test]
fn running_out_of_time_is_no_error_and_leaves_no_trace() {
    let ([first, _second], promised) = jobs();
    set(first, Ok(1));
    let limit = Duration::from_millis(5);
    let start = Instant::now();
    let waited = wait(promised, AllCompleted, Some(limit));
    assert!(start.elapsed() >= limit, "not early");
    assert_eq!(counts(&waited), (1, 1));
    assert_eq!(waited.pending[0].inspect().waiters, 0);
}

// spec: CFF-06
#[test]
fn a_cancelled_promise_counts_only_when_its_writer_knows() {
    let ([mut unwanted], promised) = jobs();
    promised[0].cancel();
    let waited = wait(promised, AllCompleted, Some(Duration::ZERO));
    assert_eq!(counts(&waited), (0, 1));
    assert!(waited.pending[0].is_done());
    assert!(unwanted.start().is_err());
    assert_eq!(counts(&wait(waited.pending, AllCompleted, Some(Duration::ZERO))), (1, 0));
}

// spec: CFF-05
#[test]
fn waits_are_told_of_a_cancellation_by_start() {
    let ([mut unwanted], [promised]) = jobs();
    let waiter = waiting(&promised, {
        let promised = promised.clone();
        move || wait([promised], AllCompleted, None)
    });
    promised.cancel();
    assert_eq!(promised.inspect().waiters, 1);
    assert!(!waiter.is_finished());
    assert!(unwanted.start().is_err());
    assert_eq!(counts(&waiter.join().expect("it does not panic")), (1, 0));
}

// The model in loom.rs proves it for two; this tries it with many.
// spec: CFW-07
#[test]
fn many_threads_at_once_lose_no_wake_up() {
    const JOBS: usize = 16;
    for _ in 0..50 {
        let (promises, promised) = jobs::<JOBS>();
        let barrier = Arc::new(Barrier::new(JOBS));
        let writers = promises.map(|promise| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                set(promise, Ok(1));
            })
        });
        assert_eq!(counts(&wait(promised, AllCompleted, None)), (JOBS, 0));
        for writer in writers {
            writer.join().expect("it does not panic");
        }
    }
}

// No lock is ever held while another is taken, so no order is needed; two waits that meet the
// promises in opposite orders show it, here and in loom.rs.
// spec: CFW-08
#[test]
fn waits_in_opposite_orders_do_not_deadlock() {
    for _ in 0..50 {
        let (promises, promised) = jobs::<8>();
        let forwards = promised.to_vec();
        let backwards: Vec<_> = promised.into_iter().rev().collect();
        let waiters = [forwards, backwards]
            .map(|promised| thread::spawn(move || wait(promised, AllCompleted, None)));
        for promise in promises {
            set(promise, Ok(1));
        }
        for waiter in waiters {
            assert_eq!(counts(&waiter.join().expect("it does not panic")), (8, 0));
        }
    }
}
