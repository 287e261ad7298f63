//! A signal does not end a wait.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::sys::{
    pthread::{pthread_kill, pthread_self},
    signal::Signal,
};
use roundel_selector::Events;

use crate::bench::every;

// spec: SEL-21
#[test]
fn a_signal_leaves_the_rest_of_the_timeout() {
    every(|selector| {
        let timeout = Duration::from_millis(50);
        let mut events = Events::with_capacity(1);
        let sent = AtomicUsize::new(0);
        let start = Instant::now();
        let result = under_signals(&sent, || selector.select(&mut events, Some(timeout)));

        assert!(start.elapsed() >= timeout);
        assert!(sent.into_inner() > 0);
        result.unwrap();
        assert!(events.is_empty());
    });
}

// spec: SEL-21
#[test]
fn a_signal_leaves_a_wait_without_limit() {
    every(|selector| {
        let notifier = selector.notifier();
        let mut events = Events::with_capacity(1);
        let (sent, notified) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (result, by_notifier) = thread::scope(|scope| {
            scope.spawn(|| {
                while sent.load(Ordering::SeqCst) < 10 {
                    thread::yield_now();
                }
                notified.store(true, Ordering::SeqCst);
                notifier.notify();
            });
            under_signals(&sent, || {
                let result = selector.select(&mut events, None);
                let by_notifier = notified.load(Ordering::SeqCst);
                // If a signal ended the wait, the other threads still want their ten.
                while !notified.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                (result, by_notifier)
            })
        });
        result.unwrap();
        assert!(by_notifier, "a signal ended the wait");
    });
}

/// Runs `body` while another thread interrupts it with one caught signal after the other.
fn under_signals<T>(sent: &AtomicUsize, body: impl FnOnce() -> T) -> T {
    let caught = Arc::new(AtomicBool::new(false));
    let handler = signal_hook::flag::register(Signal::SIGUSR1 as i32, caught.clone()).unwrap();
    let target = pthread_self();
    let done = AtomicBool::new(false);
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                pthread_kill(target, Signal::SIGUSR1).unwrap();
                while !caught.swap(false, Ordering::SeqCst) && !done.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                sent.fetch_add(1, Ordering::SeqCst);
            }
        });
        let result = body();
        done.store(true, Ordering::SeqCst);
        result
    });
    signal_hook::low_level::unregister(handler);
    result
}
