//! What hyper asks of an executor: sleeps by the loop's clock that may be dropped anywhere, and
//! tasks that need not be `Send`.
#![cfg(feature = "hyper")]

mod support;

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    thread,
};

use hyper::rt::{Executor, Sleep, Timer};
use roundel_executor::{HyperExecutor, HyperTimer, spawn_on, yield_now};
use roundel_loop::LoopHandle;

use support::{Log, MS, run, run_leaving_nothing, virtual_loop};

fn pending_timers() -> usize {
    LoopHandle::current().statistics().pending_timers
}

/// Polls it once, so that its timer is set.
async fn begin(sleep: &mut Pin<Box<dyn Sleep>>) {
    poll_fn(|context| {
        assert!(sleep.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

#[test]
fn time_is_the_loops() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let task = spawn_on(&handle, async {
        let began = HyperTimer.now();
        HyperTimer.sleep(30 * MS).await;
        HyperTimer.sleep_until(began + 50 * MS).await;
        // Past already.
        HyperTimer.sleep_until(began).await;
        HyperTimer.now() - began
    });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), 50 * MS);
    assert_eq!(clock.elapsed(), 50 * MS);
}

#[test]
fn a_sleep_that_is_reset_moves_its_one_timer() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let task = spawn_on(&handle, async {
        let mut sleep = HyperTimer.sleep(10 * MS);
        begin(&mut sleep).await;
        HyperTimer.reset(&mut sleep, HyperTimer.now() + 40 * MS);
        assert_eq!(pending_timers(), 1);
        sleep.await;
        assert_eq!(pending_timers(), 0);
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(clock.elapsed(), 40 * MS);
}

#[test]
fn a_sleep_of_another_timer_is_replaced() {
    struct Never;
    impl Sleep for Never {}
    impl Future for Never {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }
    }
    run(async {
        let mut sleep: Pin<Box<dyn Sleep>> = Box::pin(Never);
        HyperTimer.reset(&mut sleep, HyperTimer.now() + MS);
        sleep.await;
    });
}

#[test]
fn a_dropped_sleep_leaves_no_timer_wherever_it_is_dropped() {
    run_leaving_nothing(async {
        let [mut here, mut there] = [HyperTimer.sleep(MS), HyperTimer.sleep(MS)];
        begin(&mut here).await;
        begin(&mut there).await;
        assert_eq!(pending_timers(), 2);
        drop(here);
        assert_eq!(pending_timers(), 1);
        thread::spawn(move || drop(there)).join().unwrap();
        // What the thread left for the loop stands behind this task in the next turn.
        yield_now().await;
        yield_now().await;
        assert_eq!(pending_timers(), 0);
    });
}

#[test]
fn a_sleep_outlives_its_loop_in_peace() {
    let sleep = run(async {
        let mut sleep = HyperTimer.sleep(MS);
        begin(&mut sleep).await;
        Some(sleep)
    });
    drop(sleep);
}

#[test]
fn a_sleep_that_is_polled_without_its_loop_says_so() {
    let mut sleep = run(async { Some(HyperTimer.sleep(MS)) }).unwrap();
    let polled = catch_unwind(AssertUnwindSafe(|| {
        sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }));
    let payload = polled.expect_err("it panics");
    assert!(payload.downcast_ref::<&str>().unwrap().contains("where its loop does not run"));
}

#[test]
fn what_hyper_spawns_is_a_task_of_the_loop_and_need_not_be_send() {
    let log = Rc::new(Log::default());
    run({
        let log = Rc::clone(&log);
        async move {
            let child = Rc::clone(&log);
            HyperExecutor.execute(async move { child.add("child") });
            log.add("parent");
            yield_now().await;
        }
    });
    assert_eq!(log.take(), ["parent", "child"]);
}
