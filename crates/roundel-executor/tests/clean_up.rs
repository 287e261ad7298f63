//! Clean-up: each runs exactly once, inner ones first, however the task ends, and the task has not
//! ended before.

mod support;

use std::future::pending;

use roundel_executor::{
    AsyncExit, Task, TaskState, sleep, spawn, spawn_on, timeout, with, yield_now,
};
use roundel_loop::LoopHandle;
use support::{
    Log, MS, assert_nothing_left, reports, run, run_leaving_nothing, turn, virtual_loop,
};

/// A resource whose exit takes a millisecond.
struct Resource(Log, &'static str);

impl AsyncExit for Resource {
    async fn exit(self) {
        self.0.add(format!("{} exits", self.1));
        sleep(MS).await;
        self.0.add(format!("{} has exited", self.1));
    }
}

/// Enters two resources, one in the other, and goes on with `body`.
async fn nested<T>(log: Log, body: impl Future<Output = T>) -> T {
    with(Resource(log.clone(), "outer"), async |_| {
        with(Resource(log, "inner"), async |_| body.await).await
    })
    .await
}

const INNER_THEN_OUTER: [&str; 4] =
    ["inner exits", "inner has exited", "outer exits", "outer has exited"];

/// Spawns the two resources around `body`, lets `end` end the task, and tells how it ended.
fn check<T: 'static>(
    body: impl Future<Output = T> + 'static,
    end: impl AsyncFnOnce(&Task<T>) + 'static,
) -> Result<T, roundel_executor::JoinError> {
    run_leaving_nothing(async {
        let log = Log::default();
        let mut task = spawn(nested(log.clone(), body));
        end(&task).await;
        let outcome = (&mut task).await;
        assert_eq!(log.take(), INNER_THEN_OUTER, "before the task is done");
        outcome
    })
}

#[test]
fn a_task_that_returns_has_cleaned_up() {
    assert_eq!(check(async { "value" }, async |_| ()).unwrap(), "value");
    let failed = check(async { Err::<(), _>("failed") }, async |_| ());
    assert_eq!(failed.unwrap(), Err("failed"));
}

#[test]
fn a_task_that_panics_has_cleaned_up() {
    let body = async {
        yield_now().await;
        panic!("in the body");
    };
    let outcome: Result<(), _> = check(body, async |_| ());
    assert_eq!(outcome.unwrap_err().panic_message(), Some("in the body"));
}

#[test]
fn a_task_that_is_cancelled_has_cleaned_up() {
    let cancel = async |task: &Task<()>| {
        yield_now().await;
        assert!(task.cancel());
        yield_now().await;
        assert_eq!(task.state(), TaskState::CleaningUp);
        assert!(!task.is_done() && !task.is_cancelled());
    };
    assert!(check(pending::<()>(), cancel).unwrap_err().is_cancelled());
}

#[test]
fn a_second_cancel_does_not_cut_the_clean_up_short() {
    let cancel_often = async |task: &Task<()>| {
        yield_now().await;
        for _ in 0..10 {
            assert!(task.cancel());
            yield_now().await;
        }
    };
    assert!(check(pending::<()>(), cancel_often).unwrap_err().is_cancelled());
}

#[test]
fn a_cancel_during_an_ordinary_exit_lets_it_end() {
    let cancel_late = async |task: &Task<()>| {
        yield_now().await;
        yield_now().await;
        assert_eq!(task.state(), TaskState::Waiting, "in the inner exit");
        task.cancel();
    };
    let outcome = check(async {}, cancel_late);
    assert!(outcome.unwrap_err().is_cancelled(), "it had not ended");
}

#[test]
fn a_timeout_is_over_when_what_it_ended_has_cleaned_up() {
    run_leaving_nothing(async {
        let log = Log::default();
        let start = LoopHandle::current().now();
        timeout(5 * MS, nested(log.clone(), pending::<()>())).await.unwrap_err();
        assert_eq!(log.take(), INNER_THEN_OUTER);
        assert_eq!(LoopHandle::current().now() - start, 7 * MS);
    });
}

#[test]
fn what_was_never_entered_is_not_left() {
    run_leaving_nothing(async {
        let log = Log::default();
        let task = spawn(nested(log.clone(), pending::<()>()));
        task.cancel();
        task.await.unwrap_err();
        assert!(log.take().is_empty(), "the task's first step never came");
    });
}

#[test]
fn a_clean_up_may_spawn_await_and_time_out_like_any_code() {
    struct Busy(Log);
    impl AsyncExit for Busy {
        async fn exit(self) {
            let log = self.0.clone();
            let child = spawn(nested(log.clone(), pending::<()>()));
            let outcome = timeout(MS, child).await;
            log.add(if outcome.is_err() { "given up" } else { "joined" });
        }
    }
    let (mut event_loop, handle, _) = virtual_loop();
    let log = Log::default();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move {
            let waits = spawn(with(Busy(log), async |_| pending::<()>().await));
            yield_now().await;
            waits.cancel();
            assert!(waits.await.unwrap_err().is_cancelled());
        }
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(log.take(), ["given up"]);
    // The child's handle was dropped by the timeout, so the child went on; it dies with the loop,
    // where nobody is left to run its exits.
    drop(event_loop);
    assert_nothing_left(&handle);
    assert!(log.take().is_empty());
}

#[test]
fn a_clean_up_that_panics_is_reported_and_keeps_no_other_from_running() {
    struct Broken;
    impl AsyncExit for Broken {
        async fn exit(self) {
            yield_now().await;
            panic!("in the exit");
        }
    }
    run_leaving_nothing(async {
        let told = reports(&LoopHandle::current());
        let log = Log::default();
        let task = spawn(nested(log.clone(), with(Broken, async |_| pending::<()>().await)));
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(told.take(), ["a clean-up panicked: in the exit"]);
        assert_eq!(log.take(), INNER_THEN_OUTER);
    });
}

#[test]
fn dropped_outside_a_task_an_exit_becomes_a_task_of_its_own() {
    let (mut event_loop, handle, _) = virtual_loop();
    let log = Log::default();
    let abandoned = with(Resource(log.clone(), "resource"), async |_| ());
    handle.call_soon(move || drop(abandoned));
    handle.call_later(2 * MS, || LoopHandle::current().stop());
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["resource exits", "resource has exited"]);
    assert_nothing_left(&handle);
}

#[test]
fn closing_the_loop_drops_what_is_left_to_clean_up_once() {
    struct Token(Log);
    impl Drop for Token {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    struct Slow(Token);
    impl AsyncExit for Slow {
        async fn exit(self) {
            pending::<()>().await;
            drop(self.0);
        }
    }
    for turns in 1..4 {
        let (mut event_loop, handle, _) = virtual_loop();
        let log = Log::default();
        let token = Token(log.clone());
        let task = spawn_on(&handle, with(Slow(token), async |_| pending::<()>().await));
        for nth in 0..turns {
            if nth == 1 {
                task.cancel();
            }
            turn(&mut event_loop);
        }
        assert!(log.take().is_empty());
        event_loop.close();
        assert_eq!(log.take(), ["dropped"], "after {turns} turns");
        assert!(task.is_done() && task.is_cancelled());
        assert_nothing_left(&handle);
    }
}

#[test]
fn a_value_ready_before_the_cancel_is_taken_is_dropped_and_not_leaked() {
    run(async {
        let value = std::rc::Rc::new(());
        let held = std::rc::Rc::clone(&value);
        let task = spawn(async move {
            yield_now().await;
            held
        });
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(std::rc::Rc::strong_count(&value), 1);
    });
}
