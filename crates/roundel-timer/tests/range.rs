//! Deadlines at the edges: before the queue was made, beyond its range, and never.

use roundel_timer::{Deadline, TimerQueue};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[test]
fn deadlines_before_the_queue_was_made_keep_their_order() {
    let now = Instant::now();
    let past = |ms| now - Duration::from_millis(ms);
    let mut timers = TimerQueue::new();
    timers.insert(now, 3);
    timers.insert(past(1), 2);
    timers.insert(past(2), 1);
    assert_eq!(timers.next_deadline(), Some(past(2)));
    assert_eq!(timers.pop_due(past(2)), Some(1));
    assert_eq!(timers.pop_due(past(2)), None);
    assert_eq!(timers.pop_due(now), Some(2));
    assert_eq!(timers.pop_due(now), Some(3));
}

#[test]
fn a_deadline_of_never_is_held_and_not_due() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    let never = timers.insert(Deadline::NEVER, "never");
    assert_eq!((timers.len(), timers.next_deadline()), (1, None));
    assert_eq!(timers.next_due(now + YEAR * 1000), None);
    assert_eq!(timers.get(never), Some(&"never"));
    assert_eq!(timers.deadline(never), Some(Deadline::NEVER));
    assert_eq!(timers.cancel(never), Some("never"));
    assert!(timers.is_empty());
}

#[test]
fn a_timer_moves_between_never_and_an_instant() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    let key = timers.insert(Deadline::NEVER, ());
    assert!(timers.reset(key, now));
    assert_eq!(timers.next_deadline(), Some(now));
    assert!(timers.reset(key, Deadline::NEVER));
    assert_eq!(timers.next_deadline(), None);
    assert_eq!(timers.pop_due(now), None);
    assert!(timers.reset(key, now));
    assert_eq!(timers.pop_due(now), Some(()));
}

#[test]
fn a_delay_that_overflows_is_never_due() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    timers.insert(Deadline::after(now, Duration::MAX), "overflow");
    timers.insert(Deadline::after(now, YEAR * 291), "near");
    // Not every platform has instants that far away.
    if let Some(far) = now.checked_add(YEAR * 300) {
        timers.insert(far + SECOND, "far and a second");
        timers.insert(far, "far");
        assert_eq!(timers.next_deadline(), Some(now + YEAR * 291));
        assert_eq!(timers.pop_due(far), Some("near"));
        assert_eq!(timers.pop_due(far), Some("far"));
        assert_eq!(timers.pop_due(far), None);
        assert_eq!(timers.len(), 2);
    }
}

#[test]
fn thousands_of_years_are_told_apart_to_the_nanosecond() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    let later = |n: u32| now.checked_add(YEAR * (n % 2 * 5000) + Duration::from_nanos(n.into()));
    // Not every platform has instants that far away.
    if later(1).is_none() {
        return;
    }
    for n in (0..1000).rev() {
        timers.insert(later(n).unwrap(), n);
    }
    let end = now + YEAR * 6000;
    let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(end)).collect();
    let in_order: Vec<_> = (0..1000).step_by(2).chain((1..1000).step_by(2)).collect();
    assert_eq!(due, in_order);
}

#[test]
fn a_clock_that_jumps_far_forward_makes_everything_due_in_order() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    for years in [200, 1, 100] {
        timers.insert(now + YEAR * years, years);
    }
    timers.insert(now + SECOND, 0);
    let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(now + YEAR * 250)).collect();
    assert_eq!(due, [0, 1, 100, 200]);
}
