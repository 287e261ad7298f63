//! What stays stored when timers are cancelled, and after a burst.

use roundel_timer::{Deadline, TimerKey, TimerQueue};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);
const BURST: u32 = 100_000;
const AFTER_BURST_BYTES_MAX: usize = 128 * 1024;

/// `count` timers, a second apart, that nobody has looked at: a cancelled one leaves its place.
fn unsorted_timers(count: u32) -> (TimerQueue<u32>, Vec<TimerKey>, Instant) {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    let keys = (1..=count).map(|n| timers.insert(start + SECOND * n, n)).collect();
    (timers, keys, start)
}

// spec: LPS-12
#[test]
fn cancelled_timers_are_removed_in_bulk_when_more_than_half_are_cancelled() {
    let (mut timers, keys, _) = unsorted_timers(200);
    for key in &keys[..100] {
        timers.cancel(*key);
    }
    assert_eq!((timers.len(), timers.statistics().cancelled), (100, 100));
    timers.cancel(keys[100]);
    assert_eq!((timers.len(), timers.statistics().cancelled), (99, 0));
}

// spec: LPS-12
#[test]
fn a_few_cancelled_timers_are_left_until_they_reach_the_head() {
    let (mut timers, keys, start) = unsorted_timers(100);
    for key in &keys[..64] {
        timers.cancel(*key);
    }
    assert_eq!((timers.len(), timers.statistics().cancelled), (36, 64));
    assert_eq!(timers.next_deadline(), Some(start + SECOND * 65));
    assert_eq!((timers.len(), timers.statistics().cancelled), (36, 0));
}

// spec: LPS-13
#[test]
fn a_cancelled_timer_is_counted_once_and_only_while_it_waits() {
    let (mut timers, keys, start) = unsorted_timers(4);
    let due = timers.next_due(start + SECOND).unwrap();
    for n in 5..=8 {
        timers.insert(start + SECOND * n, n);
    }
    let waits = timers.insert(start + SECOND * 9, 9);
    timers.insert(start + SECOND * 10, 10);
    assert_eq!(due, keys[0]);
    timers.cancel(due);
    assert_eq!(timers.statistics().cancelled, 0);
    timers.cancel(waits);
    timers.cancel(waits);
    assert_eq!(timers.statistics().cancelled, 1);
    assert_eq!((timers.statistics().waiting, timers.statistics().due), (8, 0));
}

#[test]
fn a_cancelled_timer_that_was_sorted_leaves_nothing() {
    let (mut timers, keys, start) = unsorted_timers(100);
    assert_eq!(timers.next_deadline(), Some(start + SECOND));
    for key in &keys {
        timers.cancel(*key);
        assert_eq!(timers.statistics().cancelled, 0);
    }
    assert!(timers.is_empty());
}

#[test]
fn timeouts_that_never_fire_leave_nothing_behind() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    timers.insert(start, 0);
    timers.next_deadline();
    for n in 1..=BURST {
        let key = timers.insert(start + SECOND * 10 + SECOND * n, n);
        timers.cancel(key);
    }
    let statistics = timers.statistics();
    assert_eq!((statistics.waiting, statistics.cancelled), (1, 0));
    assert!(statistics.heap_bytes < 4096, "{statistics:?}");
}

#[test]
fn the_cancelled_never_outnumber_the_waiting() {
    let (mut timers, keys, _) = unsorted_timers(10_000);
    // A stride prime to the count, so they go from everywhere.
    for n in 0..9990 {
        timers.cancel(keys[n * 7919 % 10_000]);
        let statistics = timers.statistics();
        assert!(statistics.cancelled <= statistics.waiting.max(64), "{statistics:?}");
        if n % 100 == 0 {
            timers.next_deadline();
        }
    }
    assert_eq!(timers.len(), 10);
}

#[test]
fn the_bound_on_the_cancelled_holds_after_a_drain() {
    let (mut timers, keys, start) = unsorted_timers(1000);
    timers.cancel(keys[0]);
    timers.clear();
    let keys: Vec<_> = (0..100).map(|n| timers.insert(start + SECOND * n, n)).collect();
    for key in keys {
        timers.cancel(key);
        let statistics = timers.statistics();
        assert!(statistics.cancelled <= statistics.waiting.max(64), "{statistics:?}");
    }
}

/// Runs the burst in an empty queue, and in one with a timer that outlives it.
fn check_memory_after_burst(what: &str, burst: impl Fn(&mut TimerQueue<u32>, Instant)) {
    let start = Instant::now();
    let end = start + SECOND * 1_000_000;
    for outlived in [None, Some(end)] {
        let mut timers = TimerQueue::new();
        if let Some(end) = outlived {
            timers.insert(end, 0);
        }
        burst(&mut timers, start);
        assert_eq!(timers.next_deadline(), outlived, "{what}");
        let bytes = timers.statistics().heap_bytes;
        assert!(bytes < AFTER_BURST_BYTES_MAX, "{what}, {outlived:?}: {bytes} bytes");
    }
}

#[test]
fn memory_is_given_back_after_a_burst() {
    check_memory_after_burst("fired", |timers, start| {
        for n in 0..BURST {
            timers.insert(start + Duration::from_micros(u64::from(n) * 7919 % u64::from(BURST)), n);
        }
        while timers.pop_due(start + SECOND).is_some() {}
    });
    check_memory_after_burst("fired, of equal deadlines", |timers, start| {
        for n in 0..BURST {
            timers.insert(start, n);
        }
        while timers.pop_due(start).is_some() {}
    });
    check_memory_after_burst("fired, each set before the others", |timers, start| {
        for n in (0..BURST).rev() {
            timers.insert(start + Duration::from_micros(u64::from(n)), n);
        }
        while timers.pop_due(start + SECOND).is_some() {}
    });
    check_memory_after_burst("cancelled, the last first", |timers, start| {
        let keys: Vec<_> = (0..BURST).map(|n| timers.insert(start, n)).collect();
        for key in keys.into_iter().rev() {
            timers.cancel(key);
        }
    });
    check_memory_after_burst("without a deadline, cancelled", |timers, _| {
        let keys: Vec<_> = (0..BURST).map(|n| timers.insert(Deadline::NEVER, n)).collect();
        for key in keys {
            timers.cancel(key);
        }
    });
    check_memory_after_burst("cancelled", |timers, start| {
        let keys: Vec<_> = (0..BURST).map(|n| timers.insert(start, n)).collect();
        for key in keys {
            timers.cancel(key);
        }
    });
    check_memory_after_burst("cancelled when sorted", |timers, start| {
        let keys: Vec<_> = (0..BURST).map(|n| timers.insert(start + SECOND * n, n)).collect();
        timers.next_deadline();
        for key in keys {
            timers.cancel(key);
        }
    });
    check_memory_after_burst("cancelled behind the one that stays", |timers, start| {
        let keys: Vec<_> =
            (0..BURST).map(|n| timers.insert(start + SECOND * (2_000_000 + n), n)).collect();
        for key in keys {
            timers.cancel(key);
        }
    });
}

#[test]
fn memory_is_given_back_when_the_queue_is_drained() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    for n in 0..BURST {
        timers.insert(start + SECOND * n, n);
    }
    assert_eq!(timers.drain().len(), BURST as usize);
    let bytes = timers.statistics().heap_bytes;
    assert!(bytes < AFTER_BURST_BYTES_MAX, "{bytes} bytes");
}

#[test]
fn a_timer_costs_twenty_eight_bytes_beside_its_value() {
    let start = Instant::now();
    let mut timers = TimerQueue::new();
    // A power of two, so the doubling of the vectors leaves no room unused.
    let count = 1 << 16;
    for n in 0..count {
        timers.insert(start + SECOND * n, u64::from(n));
    }
    let beside = timers.statistics().heap_bytes / count as usize - size_of::<u64>();
    assert_eq!(beside, 28);
}
