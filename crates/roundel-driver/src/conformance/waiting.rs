//! Waiting, and being woken by other threads.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Check,
    subject::{Subject, recv},
};

pub(super) const CHECKS: &[Check] = &[
    ("a notifier ends a wait", a_notifier_ends_a_wait),
    ("a notification before the wait counts", a_notification_before_the_wait_counts),
    ("a zero timeout does not block", a_zero_timeout_does_not_block),
];

pub(super) const BY_THE_REAL_CLOCK: &[Check] =
    &[("a timeout is not early", a_timeout_is_not_early)];

fn a_notifier_ends_a_wait(on: &mut Subject<'_>) {
    let _pair = on.pair();
    for _ in 0..100 {
        let notifier = on.notifier();
        let ringer = std::thread::spawn(move || notifier.notify());
        on.wait(None, &mut Vec::new()).unwrap();
        ringer.join().unwrap();
    }
}

fn a_notification_before_the_wait_counts(on: &mut Subject<'_>) {
    let notifier = Arc::new(on.notifier());
    for _ in 0..1000 {
        notifier.notify();
    }
    on.wait(None, &mut Vec::new()).unwrap();
}

fn a_zero_timeout_does_not_block(on: &mut Subject<'_>) {
    let (ours, _) = on.pair();
    let _key = on.pending(recv(ours, 1));
    // Would hang here for ever.
    assert!(on.look().is_empty());
}

fn a_timeout_is_not_early(on: &mut Subject<'_>) {
    let (ours, _) = on.pair();
    let _key = on.pending(recv(ours, 1));
    on.look();
    for timeout in [300, 1_500, 2_500].map(Duration::from_micros) {
        let begun = Instant::now();
        on.wait(Some(timeout), &mut Vec::new()).unwrap();
        assert!(begun.elapsed() >= timeout, "{:?} of {timeout:?}", begun.elapsed());
    }
}
