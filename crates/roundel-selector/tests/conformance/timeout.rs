//! How long `select` waits: never too short, and not at all if told so.
use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use roundel_selector::{Events, Interest, Readiness};

use crate::bench::{every, pair, ready_now, wait_for, watch};

// spec: SEL-15
#[test]
fn zero_does_not_wait() {
    // Nothing ever becomes ready: a call that waited would not return.
    every(|selector| {
        let (near, _far) = pair();
        assert_eq!(ready_now(selector), []);
        watch(selector, &near, 1, Interest::READ);
        assert_eq!(ready_now(selector), []);
    });
}

// spec: SEL-15, SEL-19, SEL-20
#[test]
fn a_timeout_is_never_cut_short_by_rounding() {
    every(|selector| {
        for nanoseconds in [1, 999, 1_000, 999_999, 1_000_001, 1_500_000, 10_000_000] {
            let timeout = Duration::from_nanos(nanoseconds);
            let mut events = Events::with_capacity(1);
            let start = Instant::now();
            selector.select(&mut events, Some(timeout)).unwrap();
            assert!(start.elapsed() >= timeout, "{:?} < {timeout:?}", start.elapsed());
            assert!(events.is_empty());
        }
    });
}

// spec: SEL-15
#[test]
fn without_a_timeout_it_waits_for_an_event() {
    every(|selector| {
        let (near, mut far) = pair();
        watch(selector, &near, 1, Interest::READ);
        thread::scope(|scope| {
            scope.spawn(move || far.write_all(b"!").unwrap());
            let mut events = Events::with_capacity(1);
            selector.select(&mut events, None).unwrap();
            assert_eq!(events.len(), 1);
        });
    });
}

#[test]
fn an_endless_timeout_still_ends_with_an_event() {
    every(|selector| {
        let (near, mut far) = pair();
        watch(selector, &near, 1, Interest::READ);
        far.write_all(b"!").unwrap();
        for timeout in
            [Duration::MAX, Duration::from_secs(u64::MAX / 2), Duration::from_secs(1 << 33)]
        {
            let mut events = Events::with_capacity(1);
            selector.select(&mut events, Some(timeout)).unwrap();
            assert_eq!(events.len(), 1);
        }
    });
}

#[test]
fn events_of_the_call_before_are_gone() {
    every(|selector| {
        let (near, _far) = pair();
        let source = watch(selector, &near, 1, Interest::WRITE);
        let mut events = Events::with_capacity(4);
        wait_for(selector, 1, Readiness::WRITABLE);
        selector.select(&mut events, None).unwrap();
        assert_eq!(events.len(), 1);
        selector.unregister(&source).unwrap();
        selector.select(&mut events, Some(Duration::ZERO)).unwrap();
        assert!(events.is_empty());
    });
}
