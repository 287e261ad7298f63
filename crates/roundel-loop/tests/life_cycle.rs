//! Running, stopping, running again, and the end.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    task::Poll,
};

use roundel_loop::{EventLoop, LoopClosed, LoopHandle, RunError, Source, Verdict};
use roundel_promise::{Broken, local};
use support::{Log, MS, event_loop, stopper, turn, virtual_loop};

// spec: LPL-01
#[test]
fn a_loop_runs_until_stopped_and_can_run_again() {
    let (mut event_loop, handle, _clock) = virtual_loop();
    let log = Log::default();
    for n in 0..3 {
        handle.call_later(MS, log.line(n));
        handle.call_later(2 * MS, stopper(&handle));
        event_loop.run_forever().unwrap();
        assert_eq!(log.take(), [n.to_string()]);
    }
}

// spec: LPL-02, LPL-04
#[test]
fn the_stopping_turn_is_completed_and_what_it_adds_waits_for_the_next_run() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    handle.call_soon({
        let (handle, log) = (handle.clone(), log.clone());
        move || {
            handle.stop();
            handle.call_soon(log.line("added while stopping"));
        }
    });
    handle.call_soon(log.line("same turn"));
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["same turn"]);
    handle.stop();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["added while stopping"]);
}

// spec: LPL-03
#[test]
fn stopped_before_it_makes_one_turn_without_waiting() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let log = Log::default();
    handle.call_soon(log.line("once"));
    handle.call_later(MS, log.line("too far"));
    handle.stop();
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["once"]);
    assert!(clock.elapsed().is_zero(), "it did not wait");
    assert_eq!(handle.statistics().turns, 1);
}

// spec: LPL-05
#[test]
fn run_until_complete_returns_what_the_future_brings() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let (promise, promised) = local::promise();
    handle.call_later(2000 * MS, move || promise.set("Done!").unwrap());
    assert_eq!(event_loop.run_until_complete(promised).unwrap(), Ok("Done!"));
    assert_eq!(clock.elapsed(), 2000 * MS);

    // Done already, from another thread, broken, and any future at all.
    assert_eq!(event_loop.run_until_complete(async { 7 }).unwrap(), 7);
    let (promise, promised) = roundel_promise::promise();
    let worker = std::thread::spawn(move || promise.set(42).unwrap());
    assert_eq!(event_loop.run_until_complete(promised).unwrap(), Ok(42));
    worker.join().unwrap();
    let (promise, promised) = local::promise::<()>();
    handle.call_soon(move || drop(promise));
    assert_eq!(event_loop.run_until_complete(promised).unwrap(), Err(Broken::Abandoned));
}

#[test]
fn the_main_future_is_polled_only_when_woken() {
    let (mut event_loop, handle, _clock) = virtual_loop();
    let polls = Cell::new(0);
    for n in 0..10 {
        handle.call_later(n * MS, || {});
    }
    let waker = Rc::new(RefCell::new(None::<std::task::Waker>));
    handle.call_later(20 * MS, {
        let waker = Rc::clone(&waker);
        move || waker.borrow().as_ref().unwrap().wake_by_ref()
    });
    let future = poll_fn(|context| {
        polls.set(polls.get() + 1);
        waker.replace(Some(context.waker().clone()));
        if polls.get() == 2 { Poll::Ready(()) } else { Poll::Pending }
    });
    event_loop.run_until_complete(future).unwrap();
    assert_eq!(polls.get(), 2);
}

// spec: LPL-06
#[test]
fn stopped_before_the_future_is_done_is_an_error_and_leaves_nothing_behind() {
    let (mut event_loop, handle) = event_loop();
    let (promise, mut promised) = local::promise();
    handle.call_soon(stopper(&handle));
    let stopped = event_loop.run_until_complete(&mut promised);
    assert!(matches!(stopped, Err(RunError::Stopped)), "{stopped:?}");
    assert!(!promised.is_done(), "the future itself is untouched");
    promise.set(5).unwrap();
    assert_eq!(event_loop.run_until_complete(promised).unwrap(), Ok(5));
    // An owned future is dropped with the error.
    let token = Rc::new(());
    let held = Rc::clone(&token);
    handle.call_soon(stopper(&handle));
    let future =
        poll_fn(move |_| if Rc::strong_count(&held) > 9 { Poll::Ready(()) } else { Poll::Pending });
    assert!(matches!(event_loop.run_until_complete(future), Err(RunError::Stopped)));
    assert_eq!(Rc::strong_count(&token), 1);
}

// spec: LPL-07, LPX-02
#[test]
fn a_panic_that_unwinds_leaves_at_once_and_the_loop_can_be_used_again() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    handle.set_unhandled_handler(Some(Rc::new(|_| Verdict::Unwind)));
    handle.call_soon(stopper(&handle));
    handle.call_soon(|| panic!("interrupt"));
    handle.call_soon(log.line("behind it"));
    let payload = catch_unwind(AssertUnwindSafe(|| event_loop.run_forever())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"interrupt"));
    assert!(log.take().is_empty(), "the call-backs behind it have not run");
    assert!(!handle.is_running());
    assert!(LoopHandle::try_current().is_none());

    // No stop is left over: without the second stop this would return before the timer.
    handle.call_later(MS, log.line("timer"));
    handle.call_later(2 * MS, stopper(&handle));
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["behind it", "timer"], "they stayed queued");
}

// spec: LPL-07
#[test]
fn a_panic_of_the_main_future_leaves_the_loop_usable() {
    let (mut event_loop, handle) = event_loop();
    let thrown =
        catch_unwind(AssertUnwindSafe(|| event_loop.run_until_complete(async { panic!("main") })));
    assert!(thrown.is_err());
    assert!(!handle.is_running());
    assert_eq!(event_loop.run_until_complete(async { 1 }).unwrap(), 1);
}

// spec: LPL-08
#[test]
fn a_second_loop_in_a_running_thread_is_refused_and_disturbs_nothing() {
    let (mut outer, handle) = event_loop();
    let log = Log::default();
    handle.call_soon({
        let (outer, log) = (handle.clone(), log.clone());
        move || {
            let mut inner = EventLoop::new().unwrap();
            assert!(matches!(inner.run_forever(), Err(RunError::Nested)));
            assert!(matches!(inner.run_until_complete(async {}), Err(RunError::Nested)));
            assert!(matches!(inner.run_ready(), Err(RunError::Nested)));
            drop(inner);
            let current = LoopHandle::current();
            current.call_soon(log.line("still the current loop"));
            assert!(outer.is_running());
            current.call_soon(move || outer.stop());
        }
    });
    outer.run_forever().unwrap();
    assert_eq!(log.take(), ["still the current loop"]);
    assert_eq!(handle.statistics().panics, 0);
}

// spec: LPL-09
#[test]
fn closing_drops_everything_without_running_it_and_is_final() {
    let (mut event_loop, handle) = event_loop();
    let token = Rc::new(());
    let shared = std::sync::Arc::new(());
    let hold = || {
        let token = Rc::clone(&token);
        move || panic!("a closed loop runs nothing: {token:?}")
    };
    handle.call_soon(hold());
    handle.call_later(MS, hold());
    let (ours, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let ours = handle.attach(Source::new(ours));
    let held = Rc::clone(&token);
    let operation = ours.recv(1).then(move |_| drop(held));
    let (watched, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let held = Rc::clone(&token);
    handle.add_reader(&Source::new(watched), move |_| drop(Rc::clone(&held)));
    let held = Rc::clone(&token);
    handle.set_default_executor(move |_| drop(Rc::clone(&held)));
    let held = std::sync::Arc::clone(&shared);
    handle.remote().call_soon(move || drop(held)).unwrap();

    event_loop.close();
    assert_eq!(Rc::strong_count(&token), 1, "all dropped");
    assert_eq!(std::sync::Arc::strong_count(&shared), 1);
    assert!(handle.is_closed());
    assert!(!operation.cancel());
    event_loop.close();
    assert!(matches!(event_loop.run_forever(), Err(RunError::Closed)));
}

#[track_caller]
fn refused(call: impl FnOnce()) {
    let payload = catch_unwind(AssertUnwindSafe(call)).expect_err("a closed loop refuses");
    let message = payload.downcast_ref::<String>().expect("a message");
    assert!(message.ends_with("the event loop is closed"), "{message}");
}

// spec: LPL-10
#[test]
fn a_closed_loop_refuses_and_says_so() {
    let (mut event_loop, handle) = event_loop();
    let remote = event_loop.remote();
    let (ours, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let source = Source::new(ours);
    handle.add_reader(&source, |_| {});
    event_loop.close();

    refused(|| drop(handle.call_soon(|| {})));
    refused(|| drop(handle.call_later(MS, || {})));
    refused(|| drop(handle.call_at(handle.now(), || {})));
    refused(|| drop(handle.add_reader(&source, |_| {})));
    refused(|| drop(handle.add_writer(&source, |_| {})));
    refused(|| drop(handle.attach(source.clone())));
    refused(|| drop(handle.run_in_executor(|| {})));
    assert!(!handle.remove_reader(&source));
    assert!(!handle.remove_writer(&source));

    // Where a caller can do something about it, the call-back comes back.
    let log = Log::default();
    let LoopClosed(call) = handle.try_call_soon(log.line("mine again")).unwrap_err();
    call();
    assert_eq!(log.take(), ["mine again"]);
    let (sender, receiver) = std::sync::mpsc::channel();
    let LoopClosed(call) = remote.call_soon(move || sender.send(8).unwrap()).unwrap_err();
    call();
    assert_eq!(receiver.recv(), Ok(8));
    remote.stop();

    assert!(matches!(event_loop.run_until_complete(async {}), Err(RunError::Closed)));
    assert!(matches!(event_loop.poll_events(None), Err(RunError::Closed)));
    assert!(matches!(event_loop.process_events(), Err(RunError::Closed)));
    assert!(matches!(event_loop.run_ready(), Err(RunError::Closed)));
}

// spec: LPL-12
#[test]
fn dropping_a_loop_closes_it() {
    let (event_loop, handle) = event_loop();
    let token = Rc::new(());
    let held = Rc::clone(&token);
    // The call-back holds the loop that holds the call-back.
    handle.call_soon({
        let handle = handle.clone();
        move || drop((handle, held))
    });
    drop(event_loop);
    assert!(handle.is_closed());
    assert_eq!(Rc::strong_count(&token), 1);
}

// spec: LPL-13, LPL-15
#[test]
fn the_running_loop_is_known_to_its_thread_while_it_runs() {
    assert!(LoopHandle::try_current().is_none());
    assert!(catch_unwind(LoopHandle::current).is_err());
    let (mut event_loop, handle) = event_loop();
    let (mut other, _) = support::event_loop();
    handle.call_soon({
        let handle = handle.clone();
        move || {
            LoopHandle::current().stop();
            assert!(handle.is_running());
            let elsewhere = std::thread::spawn(|| LoopHandle::try_current().is_none());
            assert!(elsewhere.join().unwrap(), "another thread has its own");
        }
    });
    event_loop.run_forever().unwrap();
    assert_eq!(handle.statistics().panics, 0);
    assert!(LoopHandle::try_current().is_none());
    assert!(other.run_until_complete(async { LoopHandle::current().is_running() }).unwrap());
}

#[test]
fn closing_while_call_backs_drop_loop_users_is_quiet() {
    struct User(LoopHandle);
    impl Drop for User {
        fn drop(&mut self) {
            assert!(self.0.try_call_soon(|| {}).is_err());
            assert!(self.0.statistics().ready == 0);
        }
    }
    let (mut event_loop, handle) = event_loop();
    let user = User(handle.clone());
    handle.call_soon(move || drop(user));
    let user = User(handle.clone());
    handle.call_later(MS, move || drop(user));
    event_loop.close();
    turn_is_refused(&mut event_loop);
}

fn turn_is_refused(event_loop: &mut EventLoop) {
    assert!(matches!(event_loop.poll_events(None), Err(RunError::Closed)));
}

#[test]
fn a_job_is_queued_again_without_allocation() {
    struct Countdown(Cell<u32>);
    impl roundel_loop::Job for Countdown {
        fn run(self: Rc<Self>, handle: &LoopHandle) {
            self.0.set(self.0.get() - 1);
            if self.0.get() > 0 {
                handle.schedule(self);
            }
        }
    }
    let (mut event_loop, handle) = event_loop();
    let countdown = Rc::new(Countdown(Cell::new(5)));
    handle.schedule(countdown.clone());
    for left in (0..5).rev() {
        turn(&mut event_loop);
        assert_eq!(countdown.0.get(), left);
    }
    assert_eq!(handle.statistics().ready, 0);
}
