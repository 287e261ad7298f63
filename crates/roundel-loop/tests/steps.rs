//! Driving the loop from a foreign loop: three calls and one descriptor.

mod support;

use std::{
    future::Future,
    io::{Read, Write},
    os::unix::net::UnixStream,
    rc::Rc,
    time::Duration,
};

use roundel_loop::{EventLoop, LoopConfig, LoopHandle, Outcome, SelectorDriver, Source};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use support::{Log, MS, event_loop, turn, virtual_loop};

// spec: LPL-20
#[test]
fn the_steps_make_a_turn() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let log = Log::default();
    handle.call_later(MS, log.line("timer"));
    assert_eq!(event_loop.next_deadline(), Some(handle.now() + MS));
    assert!(!event_loop.has_ready());

    handle.call_soon({
        let log = log.clone();
        move || log.add(LoopHandle::current().is_running())
    });
    assert!(event_loop.has_ready());
    turn(&mut event_loop);
    assert_eq!(log.take(), ["true"], "a call-back finds its loop running");
    assert!(LoopHandle::try_current().is_none(), "between steps the thread is the foreign loop's");

    clock.advance(MS);
    event_loop.poll_events(Some(Duration::ZERO)).unwrap();
    assert!(log.take().is_empty());
    event_loop.process_events().unwrap();
    assert!(event_loop.has_ready());
    event_loop.run_ready().unwrap();
    assert_eq!(log.take(), ["timer"]);
}

#[test]
fn a_call_back_whose_read_was_named_in_vain_waits_on() {
    // A driver of completion has received by the time it names anybody.
    let driver = SelectorDriver::by_name("default").unwrap();
    let mut event_loop = EventLoop::with_config(LoopConfig::with_driver(Box::new(driver)));
    let handle = event_loop.handle();
    let log = Log::default();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut again = ours.try_clone().unwrap();
    let ours = handle.attach(Source::new(ours));
    let _waiting = ours.recv(10).then({
        let log = log.clone();
        move |completion| match completion.unwrap() {
            Outcome::Received(data) => log.add(String::from_utf8_lossy(&data)),
            other => panic!("no data: {other:?}"),
        }
    });
    theirs.write_all(b"first").unwrap();
    event_loop.poll_events(Some(Duration::from_secs(20))).unwrap();
    event_loop.process_events().unwrap();
    assert!(event_loop.has_ready());
    // Somebody with the same socket is faster.
    again.read_exact(&mut [0; 5]).unwrap();
    event_loop.run_ready().unwrap();
    assert!(log.take().is_empty());
    theirs.write_all(b"second").unwrap();
    turn(&mut event_loop);
    assert_eq!(log.take(), ["second"]);
}

/// What a window system's loop would do: watch a descriptor among its own, with its own timeout.
fn is_readable(event_loop: &EventLoop, timeout: Duration) -> bool {
    let descriptor = event_loop.descriptor().unwrap().expect("epoll has a descriptor");
    let mut watched = [PollFd::new(&descriptor, PollFlags::IN)];
    poll(&mut watched, Some(&Timespec::try_from(timeout).unwrap())).unwrap() == 1
}

// spec: LPL-20
#[test]
fn the_descriptor_tells_a_foreign_loop_of_events_and_of_other_threads() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let ours = Rc::new(handle.attach(Source::new(ours)));
    let _waiting = ours.recv(10).then({
        let log = log.clone();
        move |completion| log.add(completion.is_ok())
    });
    turn(&mut event_loop);
    assert!(!is_readable(&event_loop, Duration::ZERO));
    theirs.write_all(b"x").unwrap();
    assert!(is_readable(&event_loop, Duration::from_secs(20)));
    turn(&mut event_loop);
    assert_eq!(log.take(), ["true"]);
    assert!(!is_readable(&event_loop, Duration::ZERO), "nothing is left to tell");

    // The foreign loop is about to sleep: it says so, and other threads ring.
    assert!(event_loop.prepare_to_wait().unwrap());
    let remote = event_loop.remote();
    std::thread::spawn(move || remote.call_soon(|| LoopHandle::current().stop()).unwrap());
    assert!(is_readable(&event_loop, Duration::from_secs(20)));
    turn(&mut event_loop);
    assert_eq!(handle.statistics().remote_calls, 1);
}

#[test]
fn work_that_came_before_the_sleep_forbids_it() {
    let (mut event_loop, handle) = event_loop();
    handle.call_soon(|| {});
    assert!(!event_loop.prepare_to_wait().unwrap());
    turn(&mut event_loop);
    let remote = event_loop.remote();
    std::thread::spawn(move || remote.call_soon(|| {}).unwrap()).join().unwrap();
    assert!(!event_loop.prepare_to_wait().unwrap());
    turn(&mut event_loop);
    assert!(event_loop.prepare_to_wait().unwrap());
}

#[test]
fn a_limited_poll_waits_no_longer() {
    let (mut event_loop, handle, clock) = virtual_loop();
    handle.call_later(1000 * MS, || {});
    event_loop.poll_events(Some(3 * MS)).unwrap();
    assert_eq!(clock.elapsed(), 3 * MS);
}

// spec: LPL-20
#[test]
fn a_foreign_loop_sees_the_stop_and_is_the_loop_for_its_wakers() {
    let (mut event_loop, handle) = event_loop();
    let own = handle.clone();
    handle.call_soon(move || own.stop());
    turn(&mut event_loop);
    assert!(handle.is_stopping());

    struct Asks;
    impl std::task::Wake for Asks {
        fn wake(self: std::sync::Arc<Self>) {
            LoopHandle::current().call_soon(|| {});
        }
    }
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let ours = handle.attach(Source::new(ours));
    let mut receive = std::pin::pin!(ours.recv(1));
    let waker = std::task::Waker::from(std::sync::Arc::new(Asks));
    let mut context = std::task::Context::from_waker(&waker);
    assert!(receive.as_mut().poll(&mut context).is_pending());
    theirs.write_all(b"x").unwrap();
    turn(&mut event_loop);
    assert_eq!(handle.statistics().call_backs, 2, "the waker found its loop");
}
