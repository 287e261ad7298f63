//! Ticks: in step, and the three answers to those that were missed.

mod support;

use std::time::Duration;

use futures::StreamExt;
use roundel_executor::{MissedTick, interval, interval_at, sleep, spawn, yield_now};
use roundel_loop::{Deadline, LoopHandle};

use support::{Log, MS, run, run_leaving_nothing};

/// When ticks come, in ms, if the task is busy for `busy` after the second.
async fn ticks(answer: MissedTick, busy: Duration, count: usize) -> Vec<(u128, u128)> {
    let handle = LoopHandle::current();
    let start = handle.now();
    let mut ticks = interval(10 * MS).on_missed(answer);
    let mut seen = Vec::new();
    for number in 0..count {
        let due = ticks.tick().await;
        seen.push(((due - start).as_millis(), (handle.now() - start).as_millis()));
        if number == 1 {
            sleep(busy).await;
        }
    }
    seen
}

#[test]
fn ticks_begin_now_and_keep_in_step() {
    for answer in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
        let seen = run_leaving_nothing(ticks(answer, 4 * MS, 4));
        assert_eq!(seen, [(0, 0), (10, 10), (20, 20), (30, 30)], "{answer:?}");
    }
}

#[test]
fn a_late_tick_is_not_a_missed_one() {
    for answer in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
        let seen = run(ticks(answer, 19 * MS, 4));
        assert_eq!(seen, [(0, 0), (10, 10), (20, 29), (30, 30)], "{answer:?}");
    }
}

#[test]
fn missed_ticks_are_made_up_for_in_a_burst() {
    let seen = run(ticks(MissedTick::Burst, 35 * MS, 6));
    assert_eq!(seen, [(0, 0), (10, 10), (20, 45), (30, 45), (40, 45), (50, 50)]);
}

#[test]
fn missed_ticks_delay_the_following_ones() {
    let seen = run(ticks(MissedTick::Delay, 35 * MS, 5));
    assert_eq!(seen, [(0, 0), (10, 10), (20, 45), (55, 55), (65, 65)]);
}

#[test]
fn missed_ticks_are_skipped() {
    let seen = run(ticks(MissedTick::Skip, 35 * MS, 5));
    assert_eq!(seen, [(0, 0), (10, 10), (20, 45), (50, 50), (60, 60)]);
    // Late by whole periods exactly: the tick that is due now is missed too.
    let seen = run(ticks(MissedTick::Skip, 20 * MS, 5));
    assert_eq!(seen, [(0, 0), (10, 10), (20, 30), (40, 40), (50, 50)]);
}

#[test]
fn a_burst_lets_others_run_between_its_ticks() {
    let log = Log::default();
    run({
        let log = log.clone();
        async move {
            let mut ticks = interval(MS);
            sleep(3 * MS).await;
            let neighbour = spawn({
                let log = log.clone();
                async move {
                    for _ in 0..3 {
                        log.add("neighbour");
                        yield_now().await;
                    }
                }
            });
            for _ in 0..3 {
                ticks.tick().await;
                log.add("tick");
            }
            neighbour.await.unwrap();
        }
    });
    assert_eq!(log.take(), ["neighbour", "tick", "neighbour", "tick", "neighbour", "tick"]);
}

#[test]
fn reset_begins_a_period_anew() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now();
        let mut ticks = interval(10 * MS);
        ticks.tick().await;
        sleep(7 * MS).await;
        ticks.reset();
        assert_eq!(ticks.when(), Deadline::at(start + 17 * MS));
        assert_eq!(ticks.tick().await, start + 17 * MS);
        assert_eq!(ticks.tick().await, start + 27 * MS);
    });
}

#[test]
fn an_interval_begins_when_it_is_told_and_is_a_stream() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now() + 5 * MS;
        let times: Vec<_> = interval_at(start, 2 * MS).take(3).collect().await;
        assert_eq!(times, [start, start + 2 * MS, start + 4 * MS]);
    });
}

#[test]
fn a_period_too_long_for_the_clock_ticks_once() {
    run_leaving_nothing(async {
        let mut ticks = interval(Duration::MAX).on_missed(MissedTick::Skip);
        ticks.tick().await;
        assert_eq!(ticks.when(), Deadline::NEVER);
    });
}

#[test]
#[should_panic(expected = "more than zero")]
fn a_period_of_nothing_is_refused() {
    run(async {
        let refused = std::panic::catch_unwind(|| drop(interval(Duration::ZERO)));
        std::panic::resume_unwind(refused.unwrap_err());
    });
}
