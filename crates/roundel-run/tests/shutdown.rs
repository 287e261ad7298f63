//! The shutdown: what is left is cancelled, cleans up, and is reported if it cannot end.

mod support;

use std::{
    cell::Cell,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    time::Duration,
};

use roundel_executor::{set_grace, sleep, spawn, with};
use roundel_loop::{EventLoop, LoopHandle, Verdict};
use support::{HOUR, Log, MS, Slow, assert_nothing_left, builder, quiet, reports, runner};

/// Leaves a task that waits for ever and takes `time` to clean up.
async fn leave(log: Log, time: Duration) {
    spawn(with(Slow(log, time), async |_| pending::<()>().await)).detach();
    sleep(MS).await;
}

// spec: RUN-03
#[test]
fn what_is_left_is_cancelled_and_its_clean_up_awaited_before_the_loop_closes() {
    let log = Log::default();
    let mut runner = runner();
    let handle = runner.handle();
    let executor = CountsDrop(log.clone());
    handle.set_default_executor(move |_| executor.0.add("never used"));
    runner.run(leave(log.clone(), 5 * MS)).unwrap();
    log.add("close");
    assert!(runner.close().is_empty());
    assert_eq!(log.take(), ["close", "exit begins", "exit ends", "executor is shut down"]);
    assert!(handle.is_closed());
    assert_nothing_left(&handle);
    assert_eq!(runner.virtual_clock().unwrap().elapsed(), 6 * MS, "it waits no longer than that");
}

/// Stands for the pool that a default executor owns.
struct CountsDrop(Log);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.add("executor is shut down");
    }
}

#[test]
fn dropping_the_runner_shuts_it_down() {
    let log = Log::default();
    let mut runner = runner();
    runner.run(leave(log.clone(), MS)).unwrap();
    drop(runner);
    assert_eq!(log.take(), ["exit begins", "exit ends"]);
}

// spec: RUN-04
#[test]
fn a_task_that_fails_meanwhile_is_reported_and_the_others_still_end() {
    struct Broken;
    impl Drop for Broken {
        fn drop(&mut self) {
            panic!("a broken destructor");
        }
    }
    let log = Log::default();
    let mut runner = runner();
    let told = reports(&runner.handle());
    let left = leave(log.clone(), MS);
    runner
        .run(async {
            spawn(async {
                let _broken = Broken;
                pending::<()>().await;
            })
            .detach();
            left.await;
        })
        .unwrap();
    assert!(runner.close().is_empty());
    assert_eq!(told.take(), ["a task panicked: a broken destructor"]);
    assert_eq!(log.take(), ["exit begins", "exit ends"]);
}

// spec: RUN-04
#[test]
fn the_shutdown_goes_on_although_the_handler_unwinds() {
    let log = Log::default();
    let mut runner = runner();
    let handle = runner.handle();
    handle.set_unhandled_handler(Some(Rc::new(|_| Verdict::Unwind)));
    runner.run(leave(log.clone(), 5 * MS)).unwrap();
    handle.call_soon(|| panic!("a broken call-back"));
    let closed = catch_unwind(AssertUnwindSafe(|| runner.close()));
    assert!(closed.is_ok_and(|survivors| survivors.is_empty()));
    assert_eq!(log.take(), ["exit begins", "exit ends"]);
}

#[test]
fn a_call_back_cannot_stop_the_shutdown() {
    let log = Log::default();
    let mut runner = runner();
    runner.run(leave(log.clone(), 5 * MS)).unwrap();
    let handle = runner.handle();
    let stop = handle.clone();
    handle.call_later(2 * MS, move || stop.stop());
    assert!(runner.close().is_empty());
    assert_eq!(log.take(), ["exit begins", "exit ends"]);
}

#[test]
fn a_clean_up_that_does_not_end_is_given_up_after_the_grace() {
    let log = Log::default();
    let mut runner = quiet(builder().grace(10 * MS));
    let told = reports(&runner.handle());
    runner.run(leave(log.clone(), HOUR)).unwrap();
    assert!(runner.close().is_empty(), "the task has ended without it");
    assert_eq!(log.take(), ["exit begins"]);
    assert_eq!(told.take(), ["a clean-up outlasted its grace and was dropped"]);
    assert_eq!(runner.virtual_clock().unwrap().elapsed(), 11 * MS);
}

#[test]
fn survivors_are_reported_with_their_spawn_sites() {
    let log = Log::default();
    let mut runner = quiet(builder().grace(10 * MS));
    let told = reports(&runner.handle());
    let line = Cell::new(0);
    let site = Rc::new(line);
    let here = site.clone();
    let slow = Slow(log.clone(), HOUR);
    runner
        .run(async move {
            // A task may have more time for its clean-up than the runner has.
            set_grace(&LoopHandle::current(), HOUR);
            here.set(line!() + 1);
            let task = spawn(with(slow, async |_| pending::<()>().await));
            task.set_name("stubborn");
            task.detach();
            sleep(MS).await;
        })
        .unwrap();
    let survivors = runner.close();
    let sites: Vec<_> = survivors
        .iter()
        .map(|task| (task.name.as_str(), task.site.file(), task.site.line()))
        .collect();
    assert_eq!(sites, [("stubborn", file!(), site.get())]);
    assert_eq!(told.take(), ["a task outlived the grace of the shutdown and is dropped"]);
    assert_eq!(log.take(), ["exit begins"]);
    assert_eq!(runner.virtual_clock().unwrap().elapsed(), 11 * MS);
    assert_nothing_left(&runner.handle());
}

#[test]
fn a_runner_that_is_dropped_inside_another_loop_still_drops_what_it_has() {
    let mut runner = runner();
    let told = reports(&runner.handle());
    let handle = runner.handle();
    runner.run(leave(Log::default(), MS)).unwrap();
    let mut event_loop = EventLoop::new().unwrap();
    event_loop.run_until_complete(async move { drop(runner) }).unwrap();
    assert_nothing_left(&handle);
    assert_eq!(told.take(), ["a task outlived the grace of the shutdown and is dropped"]);
}
