//! Signals as streams: who hears them, and which are refused. Each test has a signal of its own, as
//! signals are the whole process's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use futures::{FutureExt, StreamExt, executor::block_on};
use nix::{
    sys::signal::{Signal, kill, raise},
    unistd::getpid,
};
use roundel_loop::EventLoop;
use roundel_signal::{SignalError, SignalKind, signal};

// spec: SIG-02
#[test]
fn what_cannot_be_handled_is_refused() {
    for forbidden in [Signal::SIGKILL, Signal::SIGSTOP, Signal::SIGSEGV] {
        let refused = signal(SignalKind::from_raw(forbidden as i32));
        assert!(matches!(refused, Err(SignalError::Forbidden(_))), "{refused:?}");
    }
    for unknown in [-1, 0, 100, 128, i32::MAX] {
        let refused = signal(SignalKind::from_raw(unknown));
        assert!(matches!(refused, Err(SignalError::Unknown(_))), "{refused:?}");
    }
    let message = signal(SignalKind::from_raw(9)).unwrap_err().to_string();
    assert_eq!(message, "listening to SIGKILL: it cannot be handled");
}

// spec: SIG-03
#[test]
fn a_signal_wakes_a_loop_and_finds_it_free_to_use() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let mut stream = signal(SignalKind::USER1).unwrap();
    handle.call_soon(|| {
        thread::spawn(|| kill(getpid(), Signal::SIGUSR1).unwrap());
    });
    // No timer and no other thread that would end the wait.
    let later = event_loop.run_until_complete(async move {
        assert_eq!(stream.next().await, Some(SignalKind::USER1));
        let (promise, promised) = roundel_promise::local::promise();
        handle.call_soon(|| promise.set("ran").unwrap());
        promised.await
    });
    assert_eq!(later.unwrap(), Ok("ran"));
}

#[test]
fn everybody_who_listens_hears() {
    let mut one = signal(SignalKind::USER2).unwrap();
    let mut other = signal(SignalKind::USER2).unwrap();
    raise(Signal::SIGUSR2).unwrap();
    assert_eq!(block_on(one.next()), Some(SignalKind::USER2));
    assert_eq!(block_on(other.next()), Some(SignalKind::USER2));
    drop(one);
    raise(Signal::SIGUSR2).unwrap();
    assert_eq!(block_on(other.next()), Some(SignalKind::USER2));
    assert_eq!(other.next().now_or_never(), None, "each signal is told once");
}

#[test]
fn a_signal_waits_for_a_stream_that_is_not_polled() {
    let mut stream = signal(SignalKind::WINDOW_CHANGE).unwrap();
    let mut witness = signal(SignalKind::WINDOW_CHANGE).unwrap();
    raise(Signal::SIGWINCH).unwrap();
    raise(Signal::SIGWINCH).unwrap();
    block_on(witness.next());
    // Who listened first was told first.
    assert_eq!(stream.next().now_or_never(), Some(Some(SignalKind::WINDOW_CHANGE)));
}

#[test]
fn a_handler_that_was_there_before_stays() {
    let handled = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SignalKind::HANGUP.as_raw(), Arc::clone(&handled)).unwrap();
    let mut stream = signal(SignalKind::HANGUP).unwrap();
    raise(Signal::SIGHUP).unwrap();
    block_on(stream.next());
    assert!(handled.swap(false, Ordering::SeqCst), "both are told");
    drop(stream);
    raise(Signal::SIGHUP).unwrap();
    assert!(handled.load(Ordering::SeqCst), "it is told alone, and we are alive");
}

#[test]
fn a_real_time_signal_can_be_listened_to() {
    let kind = SignalKind::from_raw(40);
    let mut stream = signal(kind).unwrap();
    assert_eq!(kind.to_string(), "signal 40");
    signal_hook::low_level::raise(40).unwrap();
    assert_eq!(block_on(stream.next()), Some(kind));
}
