//! Timeouts: what wins, what is cleaned up before `Elapsed`, and what a cancel does to it.

mod support;

use std::{cell::Cell, convert::Infallible, rc::Rc, time::Duration};

use roundel_executor::{
    AsyncExit, Elapsed, TaskGroup, current_task, shield, sleep, spawn, timeout, timeout_at,
    timeout_scope, with, yield_now,
};
use roundel_loop::{Deadline, LoopHandle};

use support::{Log, MS, run, run_leaving_nothing};

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

fn now_in_ms(start: std::time::Instant) -> u128 {
    (LoopHandle::current().now() - start).as_millis()
}

// spec: TMO-01, WFR-01
#[test]
fn a_value_before_the_deadline_is_the_answer() {
    run_leaving_nothing(async {
        let value = async {
            sleep(MS).await;
            "value"
        };
        assert_eq!(timeout(10 * MS, value).await, Ok("value"));
        let failed: Result<Result<(), &str>, Elapsed> = timeout(MS, async { Err("own") }).await;
        assert_eq!(failed, Ok(Err("own")));
        assert_eq!(LoopHandle::current().statistics().pending_timers, 0);
    });
}

// spec: TMO-01
#[test]
fn the_delay_counts_from_the_call_and_a_time_is_a_time() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now();
        let limited = timeout(10 * MS, sleep(AGES));
        sleep(7 * MS).await;
        assert_eq!(limited.await, Err(Elapsed));
        assert_eq!(now_in_ms(start), 10);
        assert_eq!(timeout_at(start + 30 * MS, sleep(AGES)).await, Err(Elapsed));
        assert_eq!(now_in_ms(start), 30);
    });
}

// spec: TMO-01, WFR-03
#[test]
fn without_a_deadline_it_waits_without_limit() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now();
        assert_eq!(timeout_at(Deadline::NEVER, sleep(AGES)).await, Ok(()));
        assert_eq!(now_in_ms(start), AGES.as_millis());
    });
}

// spec: TMO-02, TMO-03
#[test]
fn at_the_deadline_the_body_ends_and_the_task_goes_on() {
    run_leaving_nothing(async {
        let task = spawn(async {
            assert_eq!(timeout(MS, sleep(AGES)).await, Err(Elapsed));
            sleep(MS).await; // not cancelled
            "went on"
        });
        assert_eq!(task.await.unwrap(), "went on");
    });
}

// spec: WFR-02
#[test]
fn what_the_body_leaves_is_cleaned_up_before_the_answer() {
    let log = Log::default();
    run_leaving_nothing({
        let log = log.clone();
        async move {
            let start = LoopHandle::current().now();
            let body = with(Slow(log.clone(), "outer", 5 * MS), {
                let log = log.clone();
                async |_| hold(log, "inner", 5 * MS).await
            });
            assert_eq!(timeout(10 * MS, body).await, Err(Elapsed));
            log.add(format!("elapsed after {}", now_in_ms(start)));
        }
    });
    let story =
        ["inner exits", "inner has left", "outer exits", "outer has left", "elapsed after 20"];
    assert_eq!(log.take(), story);
}

// spec: WFR-04, TMO-08
#[test]
fn with_no_time_at_all_a_value_that_is_there_is_the_answer() {
    run_leaving_nothing(async {
        let done = spawn(async { "done" });
        yield_now().await;
        assert_eq!(timeout(Duration::ZERO, done).await.unwrap().unwrap(), "done");
        assert_eq!(timeout(Duration::ZERO, async { "never waits" }).await, Ok("never waits"));
    });
}

// spec: TMO-08
#[test]
fn a_deadline_in_the_past_fires_at_the_first_wait() {
    run_leaving_nothing(async {
        let past = LoopHandle::current().now();
        sleep(MS).await;
        let turns = || LoopHandle::current().statistics().turns;
        let before = turns();
        for deadline in [past, LoopHandle::current().now()] {
            let got_past = Rc::new(Cell::new(false));
            let seen = got_past.clone();
            let body = async move {
                seen.set(true);
                yield_now().await;
                unreachable!("it had no time to wait");
            };
            assert_eq!(timeout_at(deadline, body).await, Err(Elapsed));
            assert!(got_past.get());
        }
        assert_eq!(turns(), before);
        assert_eq!(LoopHandle::current().statistics().pending_timers, 0);
    });
}

// spec: WFR-06
#[test]
fn cancelling_the_caller_ends_the_body_and_awaits_its_clean_up() {
    let log = Log::default();
    run_leaving_nothing({
        let log = log.clone();
        async move {
            let caller = spawn(timeout(AGES, hold(log.clone(), "body", 5 * MS)));
            sleep(MS).await;
            caller.cancel();
            assert!(caller.await.unwrap_err().is_cancelled());
            log.add("cancelled");
        }
    });
    assert_eq!(log.take(), ["body exits", "body has left", "cancelled"]);
}

// spec: WFR-07
#[test]
fn a_value_of_the_same_turn_wins_over_the_deadline() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now();
        // Whichever timer was set first, and however the value comes.
        assert_eq!(timeout_at(start + 10 * MS, sleep(10 * MS)).await, Ok(()));
        let task = spawn(sleep(10 * MS));
        yield_now().await;
        assert!(timeout(10 * MS, task).await.unwrap().is_ok());
    });
}

// spec: WFR-07
#[test]
fn a_cancel_of_the_same_turn_wins_over_both() {
    for value_at in [9, 10, 11] {
        run_leaving_nothing(async move {
            let caller = spawn(timeout(10 * MS, sleep(value_at * MS)));
            sleep(10 * MS).await;
            let cancelled = caller.cancel();
            let outcome = caller.await;
            assert_eq!(outcome.is_err(), cancelled, "a cancel is not swallowed");
        });
    }
}

// spec: WFR-08
#[test]
fn the_body_runs_in_the_callers_own_task() {
    run(async {
        let own = current_task().unwrap().id;
        let seen = timeout(MS, async { current_task().unwrap().id }).await;
        assert_eq!(seen, Ok(own));
    });
}

// spec: WFR-09
#[test]
fn a_shielded_task_goes_on_after_the_timeout() {
    run_leaving_nothing(async {
        let mut shielded = shield(spawn(async {
            sleep(10 * MS).await;
            "finished"
        }));
        assert_eq!(timeout(MS, &mut shielded).await.unwrap_err(), Elapsed);
        assert_eq!(shielded.await.unwrap(), "finished");
    });
}

// spec: TMO-04
#[test]
fn a_cancel_that_comes_while_the_timeout_cleans_up_goes_through_and_does_not_cut_it_short() {
    let log = Log::default();
    run_leaving_nothing({
        let log = log.clone();
        async move {
            let caller = spawn({
                let log = log.clone();
                async move {
                    let answer = timeout(10 * MS, hold(log.clone(), "body", 20 * MS)).await;
                    log.add(format!("not reached: {answer:?}"));
                }
            });
            sleep(15 * MS).await; // 5 ms into the clean-up
            let start = LoopHandle::current().now();
            caller.cancel();
            caller.cancel(); // nor does a second one
            assert!(caller.await.unwrap_err().is_cancelled());
            assert_eq!(now_in_ms(start), 15);
        }
    });
    assert_eq!(log.take(), ["body exits", "body has left"]);
}

// spec: TMO-05
#[test]
fn a_cancel_before_the_deadline_stays_a_cancel() {
    run_leaving_nothing(async {
        let caller = spawn(timeout(10 * MS, sleep(AGES)));
        sleep(MS).await;
        caller.cancel();
        assert!(caller.await.unwrap_err().is_cancelled());
    });
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("while it was dropped");
    }
}

// spec: TMO-06
#[test]
fn a_panic_of_the_body_passes_through_before_and_at_the_deadline() {
    run_leaving_nothing(async {
        let before = spawn(timeout(MS, async { panic!("the body's own") }));
        assert_eq!(before.await.unwrap_err().panic_message(), Some("the body's own"));
        let at = spawn(timeout(MS, async {
            let _guard = PanicsInDrop;
            sleep(AGES).await;
        }));
        assert_eq!(at.await.unwrap_err().panic_message(), Some("while it was dropped"));
    });
}

// spec: TMO-07
#[test]
fn of_nested_timeouts_the_one_whose_deadline_passed_answers() {
    run_leaving_nothing(async {
        let inner_first = timeout(AGES, timeout(MS, sleep(AGES))).await;
        assert_eq!(inner_first, Ok(Err(Elapsed)));
        let outer_first = timeout(MS, timeout(AGES, sleep(AGES))).await;
        assert_eq!(outer_first, Err(Elapsed));
        // In the same turn the inner one answers, and that is a value for the outer one.
        let both = timeout(MS, timeout(MS, sleep(AGES))).await;
        assert_eq!(both, Ok(Err(Elapsed)));
    });
}

// spec: TMO-07
#[test]
fn an_outer_deadline_during_the_inner_ones_clean_up_waits_for_it() {
    let log = Log::default();
    run_leaving_nothing({
        let log = log.clone();
        async move {
            let start = LoopHandle::current().now();
            let inner = timeout(5 * MS, hold(log.clone(), "body", 20 * MS));
            assert_eq!(timeout(10 * MS, inner).await, Err(Elapsed));
            log.add(now_in_ms(start));
        }
    });
    assert_eq!(log.take(), ["body exits", "body has left", "25"]);
}

// spec: TMO-11
#[test]
fn around_a_group_it_elapses_once_when_every_child_has_cleaned_up() {
    let log = Log::default();
    run_leaving_nothing({
        let log = log.clone();
        async move {
            let start = LoopHandle::current().now();
            let group = TaskGroup::scope(async |group| {
                for (name, exit) in [("one", 10 * MS), ("two", 20 * MS)] {
                    let log = log.clone();
                    group.spawn(async move {
                        hold(log, name, exit).await;
                        Ok::<_, Infallible>(())
                    });
                }
                sleep(AGES).await;
                Ok(())
            });
            assert_eq!(timeout(5 * MS, group).await.unwrap_err(), Elapsed);
            log.add(now_in_ms(start));
        }
    });
    // What a dropped group leaves is cleaned up in order, by the task that dropped it.
    let order = ["one exits", "one has left", "two exits", "two has left", "35"];
    assert_eq!(log.take(), order);
}

// spec: TMO-09
#[test]
fn the_body_sees_and_moves_its_deadline() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now();
        let answer = timeout_scope(start + 10 * MS, async |scope| {
            assert_eq!(scope.when(), Deadline::at(start + 10 * MS));
            assert!(!scope.expired());
            assert!(scope.reschedule(start + 30 * MS));
            sleep(20 * MS).await;
            assert!(scope.reschedule(Deadline::NEVER));
            sleep(20 * MS).await;
            assert!(scope.reschedule(start + 50 * MS));
            assert_eq!(scope.when(), Deadline::at(start + 50 * MS));
            sleep(AGES).await;
        });
        assert_eq!(answer.await, Err(Elapsed));
        assert_eq!(now_in_ms(start), 50);
        let to_the_past = timeout_scope(Deadline::NEVER, async |scope| {
            sleep(MS).await;
            scope.reschedule(start);
            yield_now().await;
        });
        assert_eq!(to_the_past.await, Err(Elapsed));
        assert_eq!(now_in_ms(start), 51);
    });
}

/// Looks at the scope when it is dropped.
struct Looks<'a>(&'a roundel_executor::TimeoutScope, Log);

impl Drop for Looks<'_> {
    fn drop(&mut self) {
        let moved = self.0.reschedule(Deadline::NEVER);
        self.1.add(format!("expired: {}, moved: {moved}", self.0.expired()));
    }
}

// spec: TMO-09
#[test]
fn once_expired_the_scope_says_so_within_its_body_and_cannot_be_moved() {
    let log = Log::default();
    run_leaving_nothing({
        let log = log.clone();
        async move {
            let deadline = LoopHandle::current().now() + MS;
            let in_time = timeout_scope(deadline, async |scope| drop(Looks(scope, log.clone())));
            assert_eq!(in_time.await, Ok(()));
            let late = timeout_scope(deadline, async |scope| {
                let _looks = Looks(scope, log.clone());
                sleep(AGES).await;
            });
            assert_eq!(late.await, Err(Elapsed));
        }
    });
    assert_eq!(log.take(), ["expired: false, moved: true", "expired: true, moved: false"]);
}
