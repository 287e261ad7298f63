//! Sleeping: not early, one turn for nothing, and no timer left behind.

mod support;

use std::time::Duration;

use roundel_executor::{WaitsFor, sleep, sleep_until, spawn, spawn_on, tasks_of, yield_now};
use roundel_loop::{Deadline, LoopHandle};

use support::{Log, MS, assert_nothing_left, run, run_leaving_nothing, virtual_loop};

fn pending_timers() -> usize {
    LoopHandle::current().statistics().pending_timers
}

// spec: SLP-01
#[test]
fn a_sleep_ends_when_its_delay_has_passed_and_others_run_meanwhile() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let log = Log::default();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move {
            let sleeper = spawn({
                let log = log.clone();
                async move {
                    sleep(30 * MS).await;
                    log.add("slept");
                    "result"
                }
            });
            sleep(10 * MS).await;
            log.add("meanwhile");
            sleeper.await
        }
    });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap().unwrap(), "result");
    assert_eq!(clock.elapsed(), 30 * MS);
    assert_eq!(log.take(), ["meanwhile", "slept"]);
    assert_nothing_left(&handle);
}

#[test]
fn a_sleep_counts_from_its_call() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let task = spawn_on(&handle, async {
        let second = sleep(30 * MS);
        sleep(20 * MS).await;
        second.await;
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(clock.elapsed(), 30 * MS);
}

// spec: SLP-02
#[test]
fn a_sleep_of_nothing_gives_exactly_one_turn_and_sets_no_timer() {
    run(async {
        let past = LoopHandle::current().now();
        sleep(MS).await;
        for nothing in [sleep(Duration::ZERO), sleep_until(past)] {
            let before = LoopHandle::current().statistics();
            nothing.await;
            let after = LoopHandle::current().statistics();
            assert_eq!(after.turns, before.turns + 1);
            assert_eq!(after.timers, before.timers);
        }
    });
}

// spec: SLP-02
#[test]
fn a_sleep_of_nothing_runs_behind_what_is_ready() {
    let log = Log::default();
    run({
        let log = log.clone();
        async move {
            let neighbour = spawn({
                let log = log.clone();
                async move {
                    for turn in 1..=3 {
                        log.add(format!("neighbour {turn}"));
                        yield_now().await;
                    }
                }
            });
            for turn in 1..=3 {
                log.add(format!("sleeper {turn}"));
                sleep(Duration::ZERO).await;
            }
            neighbour.await.unwrap();
        }
    });
    let turns =
        ["sleeper 1", "neighbour 1", "sleeper 2", "neighbour 2", "sleeper 3", "neighbour 3"];
    assert_eq!(log.take(), turns);
}

// spec: SLP-03
#[test]
fn dropping_a_sleep_removes_its_timer() {
    run_leaving_nothing(async {
        let mut long = sleep(3600 * 1000 * MS);
        assert!(futures::poll!(&mut long).is_pending());
        assert_eq!(pending_timers(), 1);
        drop(long);
        assert_eq!(pending_timers(), 0);

        let task = spawn(sleep(3600 * 1000 * MS));
        yield_now().await;
        assert_eq!(pending_timers(), 1);
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(pending_timers(), 0);
    });
}

#[test]
fn a_sleep_can_be_moved_before_while_and_after_it_waits() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let task = spawn_on(&handle, {
        async move {
            let start = LoopHandle::current().now();
            let mut moving = sleep(1000 * MS);
            moving.reset(start + 500 * MS);
            assert!(futures::poll!(&mut moving).is_pending());
            moving.reset(start + 20 * MS);
            assert_eq!(moving.deadline(), Deadline::at(start + 20 * MS));
            (&mut moving).await;
            assert_eq!(clock.elapsed(), 20 * MS);
            moving.reset(start + 50 * MS);
            (&mut moving).await;
            assert_eq!(clock.elapsed(), 50 * MS);
            moving.reset(start);
            (&mut moving).await;
            assert_eq!(clock.elapsed(), 50 * MS);
            assert!(futures::poll!(&mut moving).is_pending(), "the past gives a turn, each time");
            moving.reset(start + 60 * MS);
            moving.await;
            assert_eq!(clock.elapsed(), 60 * MS);
        }
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_nothing_left(&handle);
}

#[test]
fn a_sleeping_task_says_until_when() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, async {
        let until = LoopHandle::current().now() + 5 * MS;
        let sleeper = spawn(sleep_until(until));
        yield_now().await;
        let tasks = tasks_of(&LoopHandle::current());
        let seen = tasks.iter().find(|task| task.id == sleeper.id()).unwrap();
        assert_eq!(seen.waits_for, WaitsFor::Time(until));
        sleeper.await.unwrap();
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
}
