//! Values of a group's children, in the order in which they come.
#![allow(clippy::unit_arg)] // a child's last act may stand in its `Ok`

mod support;

use std::{collections::BTreeMap, convert::Infallible, future::pending, time::Duration};

use futures::StreamExt;
use roundel_executor::{TaskGroup, sleep, timeout};
use support::{Log, MS, run_leaving_nothing};

async fn after(ms: u32) -> Result<u32, Infallible> {
    sleep(ms * MS).await;
    Ok(ms)
}

#[test]
fn values_come_with_their_keys_in_the_order_of_their_ends() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            let results = group.results();
            for (key, ms) in [("slow", 3), ("quick", 1), ("middling", 2)] {
                results.spawn(key, after(ms));
            }
            Ok(results.collect::<Vec<_>>().await)
        });
        assert_eq!(outcome.await.unwrap(), [("quick", 1), ("middling", 2), ("slow", 3)]);
    });
}

#[test]
fn values_by_key_are_one_collect_away() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            let results = group.results();
            for ms in [3, 1, 2] {
                results.spawn(ms * 10, after(ms));
            }
            Ok(results.collect::<BTreeMap<_, _>>().await)
        });
        assert_eq!(outcome.await.unwrap(), BTreeMap::from([(10, 1), (20, 2), (30, 3)]));
    });
}

#[test]
fn the_stream_ends_and_goes_on_when_more_is_spawned() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            let mut results = group.results();
            assert_eq!(results.next().await, None);
            results.spawn((), after(1));
            assert_eq!(results.next().await, Some(((), 1)));
            assert_eq!(results.next().await, None);
            results.spawn((), after(2));
            assert_eq!(results.next().await, Some(((), 2)));
            Ok(())
        });
        outcome.await.unwrap();
    });
}

#[test]
fn a_stream_with_a_limit_is_fed_as_room_becomes_free() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            group.limit(2);
            let results = group.results();
            for ms in 1..=5 {
                results.spawn_when_free(ms, after(ms)).await;
                assert!(group.len() <= 2);
            }
            Ok(results.map(|(_, value)| value).collect::<Vec<_>>().await)
        });
        assert_eq!(outcome.await.unwrap(), [1, 2, 3, 4, 5]);
    });
}

#[test]
fn a_child_that_gave_up_its_place_in_line_is_not_waited_for() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            group.limit(1);
            let mut results = group.results();
            results.spawn("kept", after(5));
            let given_up = results.spawn_when_free("given up", after(1));
            timeout(MS, given_up).await.unwrap_err();
            assert_eq!(results.next().await, Some(("kept", 5)));
            assert_eq!(timeout(Duration::from_secs(1), results.next()).await, Ok(None));
            Ok::<_, Infallible>(())
        });
        outcome.await.unwrap();
    });
}

#[test]
fn a_failure_ends_whoever_waits_for_the_next_value() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome = TaskGroup::scope(async |group| {
            let mut results = group.results();
            results.spawn(1, pending());
            results.spawn(2, async { Err::<(), _>("failed") });
            results.next().await;
            log.add("it went on");
            Ok(())
        });
        assert_eq!(outcome.await.unwrap_err().first().error(), Some(&"failed"));
        assert!(log.take().is_empty());
    });
}

#[test]
fn children_take_values_too() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            let mut results = group.results();
            for ms in [2, 1] {
                results.spawn((), after(ms));
            }
            let sum = group.spawn(async move {
                let mut sum = 0;
                while let Some(((), value)) = results.next().await {
                    sum = sum * 10 + value;
                }
                Ok(sum)
            });
            Ok(sum.await)
        });
        assert_eq!(outcome.await.unwrap(), 12);
    });
}
