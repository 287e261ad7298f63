//! In which order timers become due, and when.

use roundel_timer::TimerQueue;
use std::time::{Duration, Instant};

const NANOSECOND: Duration = Duration::from_nanos(1);
const SECOND: Duration = Duration::from_secs(1);

fn due<T>(timers: &mut TimerQueue<T>, now: Instant) -> Vec<T> {
    std::iter::from_fn(|| timers.pop_due(now)).collect()
}

// spec: LPS-07
#[test]
fn timers_are_due_in_the_order_of_their_deadlines() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    // 7919 is prime to 1000: every delay once, in a scattered order.
    for n in 0..1000 {
        let delay = n * 7919 % 1000;
        timers.insert(start + NANOSECOND * delay, delay);
    }
    assert_eq!(due(&mut timers, start + SECOND), (0..1000).collect::<Vec<_>>());
}

// spec: LPS-08
#[test]
fn equal_deadlines_are_first_come_first_served() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    for value in 0..500 {
        timers.insert(start, value);
        timers.insert(start + SECOND, 1000 + value);
    }
    // Looking sorts what is there; later ones still line up behind.
    assert_eq!(timers.next_deadline(), Some(start));
    for value in 500..1000 {
        timers.insert(start, value);
        timers.insert(start + SECOND, 1000 + value);
    }
    assert_eq!(due(&mut timers, start + SECOND), (0..2000).collect::<Vec<_>>());
}

// spec: LPS-09
#[test]
fn a_late_timer_does_not_catch_up() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    for n in [3, 1, 2] {
        timers.insert(start + SECOND * n, n);
    }
    let much_later = start + SECOND * 3600;
    assert_eq!(due(&mut timers, much_later), [1, 2, 3]);
    assert_eq!(due(&mut timers, much_later), []);
}

#[test]
fn a_timer_is_due_at_its_deadline_and_not_a_nanosecond_before() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    timers.insert(start + SECOND, ());
    assert_eq!(timers.pop_due(start + SECOND - NANOSECOND), None);
    assert_eq!(timers.pop_due(start + SECOND), Some(()));
}

#[test]
fn the_caller_decides_how_many_become_due() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    for value in 0..10 {
        timers.insert(start, value);
    }
    let batch: Vec<_> = (0..3).filter_map(|_| timers.pop_due(start)).collect();
    assert_eq!(batch, [0, 1, 2]);
    assert_eq!(timers.len(), 7);
    assert_eq!(timers.next_deadline(), Some(start));
}

#[test]
fn the_next_deadline_is_that_of_a_timer_that_still_waits() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    let keys: Vec<_> = (0..10).map(|n| timers.insert(start + SECOND * n, n)).collect();
    for (n, key) in (0..).zip(keys) {
        assert_eq!(timers.next_deadline(), Some(start + SECOND * n));
        timers.cancel(key);
    }
    assert_eq!(timers.next_deadline(), None);
}

#[test]
fn a_clock_that_runs_backwards_finds_fewer_timers() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    for n in 0..5 {
        timers.insert(start + SECOND * n, n);
    }
    assert_eq!(due(&mut timers, start + SECOND * 2), [0, 1, 2]);
    assert_eq!(due(&mut timers, start), []);
    // What is inserted behind the time already reached comes before what waits.
    timers.insert(start + SECOND, 10);
    assert_eq!(timers.next_deadline(), Some(start + SECOND));
    assert_eq!(due(&mut timers, start + SECOND * 9), [10, 3, 4]);
}
