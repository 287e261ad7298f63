//! The notifier: ends a wait, coalesces, loses nothing, never blocks.
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use roundel_selector::{Events, Interest, Readiness, SelectorError, Source, Token, Trigger};

use crate::bench::{every, pair, wait_for, watch};

#[test]
fn a_notification_before_the_wait_ends_it() {
    every(|selector| {
        selector.notifier().notify();
        let mut events = Events::with_capacity(1);
        selector.select(&mut events, None).unwrap();
        assert!(events.is_empty());
    });
}

#[test]
fn a_notification_from_another_thread_ends_the_wait() {
    every(|selector| {
        let notifier = selector.notifier();
        thread::scope(|scope| {
            scope.spawn(move || notifier.notify());
            let mut events = Events::with_capacity(1);
            selector.select(&mut events, None).unwrap();
            assert!(events.is_empty());
        });
    });
}

#[test]
fn a_million_notifications_end_one_wait() {
    every(|selector| {
        thread::scope(|scope| {
            for _ in 0..4 {
                let notifier = selector.notifier();
                scope.spawn(move || (0..250_000).for_each(|_| notifier.notify()));
            }
        });
        let mut events = Events::with_capacity(1);
        selector.select(&mut events, None).unwrap();

        // All were one: the next wait lasts its full time.
        let timeout = Duration::from_millis(5);
        let start = Instant::now();
        selector.select(&mut events, Some(timeout)).unwrap();
        assert!(start.elapsed() >= timeout);
    });
}

#[test]
fn no_notification_is_lost_however_the_threads_interleave() {
    const ROUNDS: usize = 5_000;
    every(|selector| {
        let (asked, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let notifier = selector.notifier();
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    asked.store(round, Ordering::Relaxed);
                    notifier.notify();
                    while answered.load(Ordering::Acquire) < round {
                        thread::yield_now();
                    }
                }
            });
            // A lost notification would leave this wait asleep and the other thread spinning.
            let mut events = Events::with_capacity(1);
            while answered.load(Ordering::Relaxed) < ROUNDS {
                selector.select(&mut events, None).unwrap();
                // Relaxed: what was written before `notify` is visible after the wait it ended.
                answered.store(asked.load(Ordering::Relaxed), Ordering::Release);
            }
        });
    });
}

#[test]
fn no_notification_is_swallowed_while_another_is_taken() {
    const WAITS: usize = 20_000;
    every(|selector| {
        let done = AtomicBool::new(false);
        let notifier = selector.notifier();
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    notifier.notify();
                }
            });
            // Once a notification is swallowed the notifier is deaf, and the next wait never ends.
            let mut events = Events::with_capacity(1);
            for _ in 0..WAITS {
                selector.select(&mut events, None).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn events_and_notifications_do_not_hide_each_other() {
    every(|selector| {
        let (near, _far) = pair();
        watch(selector, &near, 1, Interest::WRITE);
        let notifier = selector.notifier();
        // With room for one event only, both come through in turn.
        let mut seen = 0;
        let mut events = Events::with_capacity(1);
        for _ in 0..10 {
            notifier.notify();
            selector.select(&mut events, None).unwrap();
            seen += events.len();
        }
        assert!(seen > 0);
        wait_for(selector, 1, Readiness::WRITABLE);
    });
}

#[test]
fn the_notifiers_token_is_refused() {
    every(|selector| {
        let (near, _far) = pair();
        let source = Source::shared(near);
        let error = selector
            .register(&source, Token::NOTIFIER, Interest::READ, Trigger::Level)
            .expect_err("reserved");
        assert!(matches!(error, SelectorError::ReservedToken { .. }));

        selector.register(&source, Token(1), Interest::READ, Trigger::Level).unwrap();
        let error = selector
            .modify(&source, Token::NOTIFIER, Interest::READ, Trigger::Level)
            .expect_err("reserved");
        assert!(matches!(error, SelectorError::ReservedToken { .. }));
    });
}

#[test]
fn a_notifier_may_outlive_its_selector() {
    for name in roundel_selector::names() {
        let mut selector = roundel_selector::by_name(name).unwrap();
        let (near, _far) = pair();
        watch(&mut selector, &near, 1, Interest::READ);
        let notifier = selector.notifier();
        drop(selector);
        notifier.notify();
    }
}
