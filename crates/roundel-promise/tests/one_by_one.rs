//! `as_completed`: promises in the order in which they settle.
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use roundel_promise::{AsCompleted, Broken, TimedOut, as_completed, promise};

/// The next outcome.
fn next<T>(settled: &mut AsCompleted<T>) -> Result<T, Broken> {
    settled.next().expect("one is left").expect("it is in time").result()
}

// spec: CFW-09
#[test]
fn first_the_settled_then_in_order_of_completion_each_once() {
    let (a, promised_a) = promise();
    let (b, promised_b) = promise();
    let (c, promised_c) = promise();
    b.set('b').expect("nobody cancelled");
    let claims = [promised_c.clone(), promised_a, promised_b, promised_c];
    let mut settled = as_completed(claims, None);
    assert_eq!(settled.size_hint(), (1, Some(3)));
    assert_eq!(next(&mut settled), Ok('b'));
    c.set('c').expect("nobody cancelled");
    a.set('a').expect("nobody cancelled");
    assert_eq!(next(&mut settled), Ok('c'));
    assert_eq!(next(&mut settled), Ok('a'));
    assert!(settled.next().is_none());
}

#[test]
fn it_blocks_until_the_next_one_settles() {
    let (promise, promised) = promise();
    let watched = promised.clone();
    let reader = thread::spawn(move || next(&mut as_completed([promised], None)));
    while watched.inspect().waiters == 0 {
        thread::yield_now();
    }
    promise.set(1).expect("nobody cancelled");
    assert_eq!(reader.join().expect("it does not panic"), Ok(1));
}

// spec: CFF-06
#[test]
fn a_cancelled_promise_comes_when_its_writer_knows() {
    let (mut cancelled, promised_cancelled) = promise::<u32>();
    let (quick, promised_quick) = promise();
    promised_cancelled.cancel();
    let mut settled = as_completed([promised_cancelled, promised_quick], None);
    quick.set(1).expect("nobody cancelled");
    assert_eq!(next(&mut settled), Ok(1));
    assert!(cancelled.start().is_err());
    assert_eq!(next(&mut settled), Err(Broken::Cancelled));
}

// spec: CFW-10
#[test]
fn running_out_of_time_counts_the_unfinished_and_ends() {
    let (quick, promised_quick) = promise();
    let (_slow, promised_slow) = promise();
    quick.set(1).expect("nobody cancelled");
    let claims = [promised_quick, promised_slow.clone()];
    let mut settled = as_completed(claims, Some(Duration::from_millis(5)));
    assert_eq!(next(&mut settled), Ok(1));
    let late @ TimedOut { unfinished, total, .. } =
        settled.next().expect("one is left").expect_err("it is late");
    assert_eq!((unfinished, total), (1, 2));
    assert_eq!(late.to_string(), "awaiting promises: the time is up with 1 of 2 unfinished");
    assert!(settled.next().is_none());
    assert_eq!(promised_slow.inspect().waiters, 0);
}

// spec: CFW-11
#[test]
fn the_clock_starts_at_the_first_next() {
    let limit = Duration::from_millis(20);
    let (_promise, promised) = promise::<u32>();
    let mut settled = as_completed([promised], Some(limit));
    // why: time must pass that is not to count; nothing waits for it
    thread::sleep(limit);
    let first = Instant::now();
    assert!(settled.next().expect("one is left").is_err());
    assert!(first.elapsed() >= limit, "the time before the first next does not count");
}

// spec: CFW-12
#[test]
fn what_is_yielded_is_let_go_and_the_rest_is_let_go_on_drop() {
    let value = Arc::new(());
    let (kept, promised_kept) = promise();
    let (_open, promised_open) = promise();
    kept.set(Arc::clone(&value)).expect("nobody cancelled");
    let mut settled = as_completed([promised_kept, promised_open.clone()], None);
    drop(next(&mut settled));
    assert_eq!(Arc::strong_count(&value), 1, "the iterator keeps nothing of it");
    assert_eq!(promised_open.inspect().waiters, 1);
    drop(settled);
    assert_eq!(promised_open.inspect().waiters, 0);
}
