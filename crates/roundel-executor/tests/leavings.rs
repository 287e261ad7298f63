//! What a body that timed out leaves: cleaned up once, within the grace, panics or not.

mod support;

use std::time::Duration;

use futures::FutureExt;
use roundel_executor::{
    AsyncExit, Elapsed, set_grace, sleep, spawn, spawn_on, timeout, with, yield_now,
};

use support::{Log, MS, assert_nothing_left, reports, run_leaving_nothing, virtual_loop};

const AGES: Duration = Duration::from_secs(3600);

/// A resource whose exit takes a while, and says so.
struct Slow(Log, &'static str, Duration);

impl AsyncExit for Slow {
    async fn exit(self) {
        self.0.add(format!("{} exits", self.1));
        sleep(self.2).await;
        self.0.add(format!("{} has left", self.1));
    }
}

async fn hold(log: Log, name: &'static str, exit: Duration) {
    with(Slow(log, name, exit), async |_| sleep(AGES).await).await;
}

#[test]
fn a_clean_up_that_outlasts_its_grace_is_dropped_and_reported() {
    let (mut event_loop, handle, clock) = virtual_loop();
    set_grace(&handle, 100 * MS);
    let told = reports(&handle);
    let log = Log::default();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move {
            let body = with(Slow(log.clone(), "outer", MS), {
                let log = log.clone();
                async |_| hold(log, "inner", AGES).await
            });
            timeout(10 * MS, body).await
        }
    });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), Err(Elapsed));
    assert_eq!(clock.elapsed(), 110 * MS);
    assert_eq!(log.take(), ["inner exits"]);
    assert_eq!(told.take(), ["a clean-up outlasted its grace and was dropped"]);
    assert_nothing_left(&handle);
}

#[test]
fn what_a_dropped_clean_up_leaves_gets_no_second_grace() {
    struct Nested(Log);
    impl AsyncExit for Nested {
        async fn exit(self) {
            hold(self.0, "within the exit", AGES).await;
        }
    }
    let (mut event_loop, handle, clock) = virtual_loop();
    set_grace(&handle, 100 * MS);
    let told = reports(&handle);
    let log = Log::default();
    let task = spawn_on(&handle, with(Nested(log.clone()), async |_| sleep(AGES).await));
    task.cancel();
    assert!(event_loop.run_until_complete(task).unwrap().unwrap_err().is_cancelled());
    assert_eq!(clock.elapsed(), 100 * MS);
    assert_eq!(told.take().len(), 1);
    assert!(log.take().is_empty());
    assert_nothing_left(&handle);
}

#[test]
fn without_grace_a_clean_up_may_do_what_needs_no_wait() {
    let (mut event_loop, handle, clock) = virtual_loop();
    set_grace(&handle, Duration::ZERO);
    let told = reports(&handle);
    let log = Log::default();
    let held = hold(log.clone(), "body", AGES);
    let task = spawn_on(&handle, async { timeout(MS, held).await });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), Err(Elapsed));
    assert_eq!(clock.elapsed(), MS);
    assert_eq!(log.take(), ["body exits"]);
    assert_eq!(told.take().len(), 1);
    assert_nothing_left(&handle);
}

struct PanicsInExit(Log);

impl AsyncExit for PanicsInExit {
    async fn exit(self) {
        self.0.add("panicking exit");
        yield_now().await;
        panic!("in the exit");
    }
}

#[test]
fn a_clean_up_that_panics_is_reported_and_the_next_one_runs() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let log = Log::default();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move {
            let body = with(Slow(log.clone(), "outer", MS), {
                let log = log.clone();
                async |_| with(PanicsInExit(log), async |_| sleep(AGES).await).await
            });
            timeout(MS, body).await
        }
    });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), Err(Elapsed));
    assert_eq!(log.take(), ["panicking exit", "outer exits", "outer has left"]);
    assert_eq!(told.take(), ["a clean-up panicked: in the exit"]);
    assert_nothing_left(&handle);
}

/// Its exit panics while it uses a resource of its own.
struct PanicsHolding(Log);

impl AsyncExit for PanicsHolding {
    async fn exit(self) {
        let mut held = Box::pin(hold(self.0, "held", MS));
        assert!(futures::poll!(&mut held).is_pending());
        panic!("in the exit");
    }
}

#[test]
fn what_a_panicking_clean_up_leaves_goes_before_the_outer_ones() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let log = Log::default();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move {
            let body = with(Slow(log.clone(), "outer", MS), {
                let log = log.clone();
                async |_| with(PanicsHolding(log), async |_| sleep(AGES).await).await
            });
            timeout(MS, body).await
        }
    });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), Err(Elapsed));
    let story = ["held exits", "held has left", "outer exits", "outer has left"];
    assert_eq!(log.take(), story);
    assert_eq!(told.take(), ["a clean-up panicked: in the exit"]);
    assert_nothing_left(&handle);
}

#[test]
fn an_exit_that_panics_is_not_run_again() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let log = Log::default();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move {
            let both = with(PanicsInExit(log.clone()), async |_| panic!("in the body"));
            let payload = std::panic::AssertUnwindSafe(both).catch_unwind().await.unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&"in the body"));
            with(PanicsInExit(log), async |_| "value that is lost").await
        }
    });
    let error = event_loop.run_until_complete(task).unwrap().unwrap_err();
    assert_eq!(error.panic_message(), Some("in the exit"));
    assert_eq!(told.take(), ["a clean-up panicked: in the exit"], "of the two, the exit's");
    assert_eq!(log.take(), ["panicking exit", "panicking exit"]);
    assert_nothing_left(&handle);
}

#[test]
fn a_resource_exits_even_if_its_user_never_began() {
    let log = Log::default();
    run_leaving_nothing({
        let log = log.clone();
        async move {
            let task = spawn(hold_from_now(log.clone()));
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
            log.add("cancelled");
        }
    });
    assert_eq!(log.take(), ["early exits", "early has left", "cancelled"]);
}

fn hold_from_now(log: Log) -> impl Future<Output = ()> {
    with(Slow(log, "early", MS), async |_| sleep(AGES).await)
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("while it was dropped");
    }
}

#[test]
fn what_was_left_before_a_destructor_panicked_is_still_cleaned_up() {
    let log = Log::default();
    run_leaving_nothing({
        let log = log.clone();
        async move {
            let task = spawn({
                let log = log.clone();
                timeout(MS, async move {
                    let _guard = PanicsInDrop;
                    hold(log, "inner", MS).await;
                })
            });
            assert!(task.await.unwrap_err().is_panic());
            log.add("over");
        }
    });
    assert_eq!(log.take(), ["inner exits", "inner has left", "over"]);
}
