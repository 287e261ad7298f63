//! The staggered race: who begins when, who wins, and that nobody is left running.

mod support;

use std::time::Duration;

use roundel_executor::{AsyncExit, sleep, spawn, with};
use roundel_loop::LoopHandle;
use roundel_net::{Raced, staggered_race};

use support::{AGES, Log, MS, millis_since, run};

const DELAY: Option<Duration> = Some(Duration::from_millis(100));

/// How long an attempt takes, and how it ends.
#[derive(Clone, Copy)]
enum Plan {
    Succeed(u64),
    Fail(u64),
}
use Plan::{Fail, Succeed};

/// Says when it leaves, and takes a while to.
struct Leaving(Log, usize);

impl AsyncExit for Leaving {
    async fn exit(self) {
        sleep(5 * MS).await;
        self.0.add(format!("{} has left", self.1));
    }
}

/// Runs a race by plan. The log has who begins and leaves when; the result comes with the time.
async fn race(
    log: &Log,
    plans: &[Plan],
    delay: Option<Duration>,
) -> (Option<usize>, Vec<Option<usize>>, u128) {
    let start = LoopHandle::current().now();
    let attempts = plans.iter().copied().enumerate().map(|(nth, plan)| {
        let log = log.clone();
        async move {
            log.add(format!("{nth} begins at {}", millis_since(start)));
            with(Leaving(log, nth), async |_| match plan {
                Succeed(millis) => {
                    sleep(Duration::from_millis(millis)).await;
                    Ok(nth)
                }
                Fail(millis) => {
                    sleep(Duration::from_millis(millis)).await;
                    Err(nth)
                }
            })
            .await
        }
    });
    let Raced { winner, errors, .. } = staggered_race(attempts, delay).await;
    let winner = winner.map(|(index, value)| {
        assert_eq!(index, value);
        index
    });
    (winner, errors, millis_since(start))
}

fn check(
    plans: &'static [Plan],
    delay: Option<Duration>,
    expected: (Option<usize>, &[Option<usize>], u128),
    events: &[&str],
) {
    let (raced, log) = run(async move {
        let log = Log::default();
        let raced = race(&log, plans, delay).await;
        (raced, log.take())
    });
    assert_eq!((raced.0, &raced.1[..], raced.2), expected);
    assert_eq!(log, events);
}

// spec: NET-10, NET-11, NET-12
#[test]
fn the_next_begins_when_the_one_before_fails_or_the_delay_is_over() {
    // The failure of 0 is told when it has left, 5 ms later.
    check(
        &[Fail(30), Succeed(500), Succeed(50), Succeed(1)],
        DELAY,
        (Some(2), &[Some(0), None, None], 195),
        &[
            "0 begins at 0",
            "0 has left",
            "1 begins at 35",
            "2 begins at 135",
            "2 has left",
            "1 has left",
        ],
    );
}

// spec: NET-10
#[test]
fn without_a_delay_only_a_failure_begins_the_next() {
    check(
        &[Fail(300), Succeed(500), Succeed(1)],
        None,
        (Some(1), &[Some(0), None], 810),
        &["0 begins at 0", "0 has left", "1 begins at 305", "1 has left"],
    );
}

/// The failure of one that is overtaken already begins nobody.
#[test]
fn only_the_attempt_begun_last_is_listened_to() {
    check(
        &[Fail(120), Succeed(500), Succeed(50)],
        DELAY,
        (Some(2), &[Some(0), None, None], 260),
        &[
            "0 begins at 0",
            "1 begins at 100",
            "0 has left",
            "2 begins at 200",
            "2 has left",
            "1 has left",
        ],
    );
}

// spec: NET-12
#[test]
fn no_attempt_or_none_that_succeeds_is_no_winner() {
    check(&[], DELAY, (None, &[], 0), &[]);
    check(
        &[Fail(1), Fail(2)],
        DELAY,
        (None, &[Some(0), Some(1)], 13),
        &["0 begins at 0", "0 has left", "1 begins at 6", "1 has left"],
    );
    // The last ones are waited for.
    check(
        &[Fail(400), Fail(1)],
        DELAY,
        (None, &[Some(0), Some(1)], 405),
        &["0 begins at 0", "1 begins at 100", "1 has left", "0 has left"],
    );
    check(
        &[Fail(1), Succeed(400)],
        DELAY,
        (Some(1), &[Some(0), None], 411),
        &["0 begins at 0", "0 has left", "1 begins at 6", "1 has left"],
    );
}

// spec: NET-13
#[test]
fn of_two_that_succeed_in_one_turn_one_wins_and_the_other_is_dropped() {
    let raced = run(async {
        let attempts = [105, 5].map(|millis| async move {
            sleep(Duration::from_millis(millis)).await;
            Ok::<_, ()>(millis)
        });
        staggered_race(attempts, DELAY).await
    });
    assert_eq!(raced.winner, Some((0, 105)));
    assert_eq!(raced.errors, [None, None]);
}

// spec: NET-14
#[test]
fn a_cancel_ends_every_attempt_and_waits_for_them() {
    run(async {
        let log = Log::default();
        let racing = spawn({
            let log = log.clone();
            async move { race(&log, &[Succeed(5000), Succeed(5000), Succeed(1)], DELAY).await }
        });
        sleep(150 * MS).await;
        racing.cancel();
        assert!(racing.await.is_err_and(|error| error.is_cancelled()));
        let order = ["0 begins at 0", "1 begins at 100"];
        let log = log.take();
        assert_eq!(log[..2], order);
        let mut left = log[2..].to_vec();
        left.sort();
        assert_eq!(left, ["0 has left", "1 has left"]);
    });
}

#[test]
fn a_panic_goes_on_when_the_others_have_ended() {
    run(async {
        let log = Log::default();
        let racing = spawn({
            let log = log.clone();
            async move {
                let attempts = [true, false].map(|stays| {
                    let log = log.clone();
                    async move {
                        if stays {
                            with(Leaving(log, 0), async |_| sleep(AGES).await).await;
                        }
                        panic!("an attempt")
                    }
                });
                staggered_race::<_, (), ()>(attempts, DELAY).await
            }
        });
        let panic = racing.await.unwrap_err();
        assert_eq!(panic.panic_message(), Some("an attempt"));
        assert_eq!(log.take(), ["0 has left"]);
    });
}
