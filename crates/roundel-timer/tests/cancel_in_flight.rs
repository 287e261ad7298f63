//! Cancelling and moving timers, at every stage of their lives.

use roundel_timer::{Deadline, TimerQueue};
use std::{
    rc::Rc,
    time::{Duration, Instant},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_due_timer_can_be_cancelled_until_it_is_taken() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    timers.insert(now, "a");
    timers.insert(now, "b");
    let a = timers.next_due(now).unwrap();
    let b = timers.next_due(now).unwrap();

    assert_eq!(timers.get(a), Some(&"a"));
    assert_eq!(timers.deadline(a), Some(Deadline::at(now)));
    assert_eq!((timers.len(), timers.statistics().due), (0, 2));
    assert_eq!(timers.cancel(a), Some("a"));
    assert_eq!(timers.take(a), None);
    assert_eq!(timers.take(b), Some("b"));
    assert_eq!(timers.cancel(b), None);
    assert_eq!(timers.statistics().due, 0);
}

#[test]
fn a_waiting_timer_cannot_be_taken() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    let key = timers.insert(now, ());
    assert_eq!(timers.take(key), None);
    assert_eq!(timers.next_due(now), Some(key));
    assert_eq!(timers.take(key), Some(()));
}

#[test]
fn cancelling_gives_the_value_back_once() {
    let mut timers = TimerQueue::new();
    let value = Rc::new(());
    let key = timers.insert(Instant::now() + SECOND, value.clone());
    assert_eq!(Rc::strong_count(&value), 2);
    drop(timers.cancel(key));
    assert_eq!(Rc::strong_count(&value), 1);
    assert!(timers.cancel(key).is_none());
}

#[test]
fn a_stale_key_reaches_no_other_timer() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    let stale = timers.insert(now, 1);
    timers.cancel(stale);
    let fresh = timers.insert(now, 2);

    assert_ne!(stale, fresh);
    assert_eq!(timers.get(stale), None);
    assert_eq!(timers.deadline(stale), None);
    assert_eq!(timers.cancel(stale), None);
    assert!(!timers.reset(stale, now + SECOND));
    assert_eq!(timers.next_due(now), Some(fresh));
    assert_eq!(timers.take(stale), None);
    assert_eq!(timers.take(fresh), Some(2));
}

#[test]
fn a_reset_timer_lines_up_behind_its_equals() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    let first = timers.insert(now, "first");
    let second = timers.insert(now + SECOND, "second");
    timers.insert(now, "third");

    assert!(timers.reset(first, now));
    assert!(timers.reset(second, now));
    assert_eq!(timers.deadline(second), Some(Deadline::at(now)));
    let order: Vec<_> = std::iter::from_fn(|| timers.pop_due(now)).collect();
    assert_eq!(order, ["third", "first", "second"]);
}

#[test]
fn a_due_timer_cannot_be_reset() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    let key = timers.insert(now, ());
    timers.next_due(now);
    assert!(!timers.reset(key, now + SECOND));
    assert_eq!(timers.deadline(key), Some(Deadline::at(now)));
    assert_eq!(timers.take(key), Some(()));
}

#[test]
fn draining_gives_every_value_back_while_the_queue_can_be_used() {
    let now = Instant::now();
    let mut timers = TimerQueue::new();
    timers.insert(Deadline::NEVER, "never");
    timers.insert(now + SECOND, "later");
    let due = timers.insert(now, "due");
    let waiting = timers.insert(now, "waiting");
    assert_eq!(timers.next_due(now), Some(due));

    let mut drained = timers.drain();
    assert!(timers.is_empty());
    assert_eq!(timers.get(waiting), None);
    let key = timers.insert(now, "new");
    assert_eq!(drained.next(), Some("due"));
    assert_eq!(drained.collect::<Vec<_>>(), ["waiting", "later", "never"]);
    assert_eq!(timers.cancel(key), Some("new"));
}

#[test]
fn clearing_drops_every_value() {
    let now = Instant::now();
    let value = Rc::new(());
    let mut timers = TimerQueue::new();
    for n in 0..10 {
        timers.insert(now + SECOND * n, value.clone());
    }
    timers.next_due(now);
    timers.clear();
    assert_eq!(Rc::strong_count(&value), 1);
    assert_eq!((timers.len(), timers.statistics().due), (0, 0));
    assert_eq!(timers.next_deadline(), None);
}
