//! A thread that blocks on a promise, and threads that decide it.
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use roundel_promise::{Broken, Promised, ResultTimeoutError, promise};

/// Returns once `count` waiters wait for the promise.
fn until_waiting(promised: &Promised<u32>, count: usize) {
    while promised.inspect().waiters < count {
        thread::yield_now();
    }
}

// spec: CFF-03
#[test]
fn cancel_wakes_blocked_threads_and_calls_back_in_its_own() {
    let (_promise, promised) = promise::<u32>();
    let (sender, told) = mpsc::channel();
    promised.on_done(move |outcome| {
        sender.send((thread::current().id(), outcome.copied())).expect("somebody listens");
    });
    let readers =
        [promised.clone(), promised.clone()].map(|claim| thread::spawn(|| claim.result()));
    until_waiting(&promised, 2);
    assert!(promised.cancel());
    assert_eq!(told.try_recv(), Ok((thread::current().id(), Err(Broken::Cancelled))));
    for reader in readers {
        assert_eq!(reader.join().expect("it does not panic"), Err(Broken::Cancelled));
    }
}

// spec: CFF-09
#[test]
fn result_blocks_until_the_value_is_set() {
    let (promise, promised) = promise();
    let reader = thread::spawn({
        let promised = promised.clone();
        move || promised.result()
    });
    until_waiting(&promised, 1);
    promise.set(7).expect("nobody cancelled");
    assert_eq!(reader.join().expect("it does not panic"), Ok(7));
    assert_eq!(promised.result(), Ok(7));
}

// spec: CFF-09, CFF-10
#[test]
fn running_out_of_time_is_an_error_that_changes_nothing() {
    let limit = Duration::from_millis(5);
    let (promise, mut promised) = promise::<Result<u32, &str>>();
    let start = Instant::now();
    assert_eq!(promised.result_timeout(limit), Err(ResultTimeoutError::TimedOut));
    assert!(start.elapsed() >= limit, "not early");
    assert_eq!(promised.result_timeout(Duration::ZERO), Err(ResultTimeoutError::TimedOut));
    assert_eq!(promised.inspect().waiters, 0);
    promise.set(Err("a stored error")).expect("nobody cancelled");
    assert_eq!(promised.result_timeout(Duration::ZERO), Ok(Err("a stored error")));
}

// spec: CFF-10
#[test]
fn the_error_can_be_looked_at_alone() {
    let error = |promised: &Promised<Result<u32, &'static str>>| {
        promised.peek(|outcome| outcome.map(|value| value.err()))
    };
    let (good, promised) = promise();
    assert_eq!(error(&promised), None);
    good.set(Ok(1)).expect("nobody cancelled");
    assert_eq!(error(&promised), Some(Ok(None)));
    let (bad, promised) = promise();
    bad.set(Err("bad")).expect("nobody cancelled");
    assert_eq!(error(&promised), Some(Ok(Some("bad"))));
    let (_cancelled, promised) = promise();
    promised.cancel();
    assert_eq!(error(&promised), Some(Err(Broken::Cancelled)));
}

#[test]
fn a_limit_beyond_the_end_of_time_is_none() {
    let (promise, mut promised) = promise();
    let writer = thread::spawn(move || promise.set(1));
    assert_eq!(promised.result_timeout(Duration::MAX), Ok(1));
    writer.join().expect("it does not panic").expect("nobody cancelled");
}

#[test]
fn the_endings_without_a_value_are_told_apart() {
    let (dropped, mut promised) = promise::<u32>();
    drop(dropped);
    assert_eq!(promised.result_timeout(Duration::ZERO), Err(ResultTimeoutError::Abandoned));
    let (_promise, mut promised) = promise::<u32>();
    promised.cancel();
    assert_eq!(promised.result_timeout(Duration::ZERO), Err(ResultTimeoutError::Cancelled));
}

#[test]
fn a_writer_that_panics_leaves_nobody_waiting() {
    let (promise, promised) = promise::<u32>();
    promised.on_done(|_| panic!("this panic is part of the test"));
    let writer = thread::spawn(move || {
        let _owed = promise;
        panic!("this panic is part of the test too");
    });
    assert_eq!(promised.result(), Err(Broken::Abandoned));
    assert!(writer.join().is_err());
}

// spec: CFF-12
#[test]
fn call_backs_run_in_the_deciding_thread_with_the_state_visible_and_no_lock_held() {
    let (promise, promised) = promise();
    let (sender, told) = mpsc::channel();
    let seen = promised.clone();
    promised.on_done(move |outcome| {
        // Each of these would hang if the lock were held.
        let state = (seen.is_done(), seen.cancel(), seen.inspect().callbacks.len());
        drop(seen);
        sender.send((thread::current().id(), outcome.copied(), state)).expect("somebody listens");
    });
    let writer = thread::spawn(move || promise.set(7).expect("nobody cancelled"));
    let writer_id = writer.thread().id();
    assert_eq!(told.recv(), Ok((writer_id, Ok(7), (true, false, 1))));
    writer.join().expect("it does not panic");
    assert_eq!(promised.result(), Ok(7));
}

#[test]
fn readers_get_the_value_when_the_call_backs_have_looked() {
    let (promise, promised) = promise();
    let (entered, is_in) = mpsc::channel();
    let (leave, may_leave) = mpsc::channel::<()>();
    promised.on_done(move |_| {
        entered.send(()).expect("somebody listens");
        may_leave.recv().expect("somebody lets go");
    });
    let writer = thread::spawn(move || promise.set(7));
    is_in.recv().expect("the call-back runs");
    assert!(promised.is_done());
    let mut claim = promised.clone();
    assert_eq!(claim.result_timeout(Duration::ZERO), Err(ResultTimeoutError::TimedOut));
    assert_eq!(promised.inspect().result.as_deref(), Some("<on loan>"));
    leave.send(()).expect("the call-back listens");
    assert_eq!(block_on(claim), Ok(7));
    writer.join().expect("it does not panic").expect("nobody cancelled");
}

#[test]
fn waiting_for_oneself_is_reported_instead_of_hanging() {
    let (promise, promised) = promise();
    let (sender, told) = mpsc::channel();
    let claim = promised.clone();
    promised.on_done(move |_| {
        // Dropped by the panic of `result` below, which is what the receiver sees.
        let _sender = sender;
        let _ = claim.result();
    });
    promise.set(7).expect("nobody cancelled");
    assert_eq!(told.recv(), Err::<(), _>(mpsc::RecvError));
    assert_eq!(promised.result(), Ok(7));
}

#[test]
#[should_panic(expected = "handed over before")]
fn asking_twice_with_one_claim_is_a_bug() {
    let (promise, mut promised) = promise();
    promise.set(7).expect("nobody cancelled");
    assert_eq!(promised.result_timeout(Duration::ZERO), Ok(7));
    let _ = promised.result_timeout(Duration::ZERO);
}
