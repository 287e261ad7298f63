//! Groups that keep few children at work at once, and children that wait for room.
#![allow(clippy::unit_arg)] // a child's last act may stand in its `Ok`

mod support;

use std::{cell::Cell, convert::Infallible, future::pending};

use roundel_executor::{TaskGroup, TaskState, sleep, timeout, yield_now};
use support::{Log, MS, run_leaving_nothing};

#[test]
fn no_more_than_the_limit_are_at_work_and_they_begin_in_order() {
    run_leaving_nothing(async {
        let (log, at_work, most) = (Log::default(), Cell::new(0), Cell::new(0));
        let outcome = TaskGroup::scope(async |group| {
            group.limit(3);
            for number in 0..10 {
                let (log, at_work, most) = (&log, &at_work, &most);
                group.spawn(async move {
                    log.add(number);
                    at_work.set(at_work.get() + 1);
                    most.set(most.get().max(at_work.get()));
                    sleep((number % 4 + 1) * MS).await;
                    at_work.set(at_work.get() - 1);
                    Ok::<_, Infallible>(())
                });
            }
            assert_eq!(group.len(), 10);
            Ok(())
        });
        outcome.await.unwrap();
        assert_eq!(most.get(), 3);
        assert_eq!(log.take(), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    });
}

#[test]
fn a_higher_limit_lets_more_begin_at_once() {
    run_leaving_nothing(async {
        let begun = Cell::new(0);
        let outcome = TaskGroup::scope(async |group| {
            group.limit(1);
            for _ in 0..5 {
                group.spawn::<(), _>(async {
                    begun.set(begun.get() + 1);
                    pending().await
                });
            }
            sleep(MS).await;
            assert_eq!(begun.get(), 1);
            group.limit(4);
            sleep(MS).await;
            assert_eq!(begun.get(), 4);
            Ok::<_, Infallible>(group.cancel())
        });
        outcome.await.unwrap();
        assert_eq!(begun.get(), 4, "the fifth was dropped unpolled");
    });
}

#[test]
fn room_is_free_only_when_a_child_has_cleaned_up() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            group.limit(1);
            let first = group.spawn(pending::<Result<(), Infallible>>());
            let mut second = group.spawn(async { Ok(()) });
            yield_now().await;
            assert_eq!(second.state(), TaskState::New);
            first.cancel().await;
            (&mut second).await;
            Ok(())
        });
        outcome.await.unwrap();
    });
}

#[test]
fn a_child_that_is_cancelled_while_it_waits_takes_no_room() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            group.limit(1);
            let first = group.spawn(async { Ok(sleep(5 * MS).await) });
            let waiting = group.spawn::<(), _>(async { panic!("it must not begin") });
            let last = group.spawn(async { Ok::<_, Infallible>(()) });
            assert_eq!(waiting.cancel().await, None);
            assert_eq!(group.len(), 2);
            first.await;
            last.await;
            Ok(())
        });
        outcome.await.unwrap();
    });
}

#[test]
fn spawning_when_free_waits_until_there_is_room() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome = TaskGroup::scope(async |group| {
            group.limit(2);
            for number in 0..6 {
                let log = &log;
                let job = async move {
                    log.add(format!("begins {number}"));
                    Ok::<_, Infallible>(sleep(MS).await)
                };
                group.spawn_when_free(job).await;
                assert!(group.len() <= 2);
            }
            Ok(log.add("all spawned"))
        });
        outcome.await.unwrap();
        let lines = log.take();
        // The last two have their places, and their first turns come next.
        assert_eq!(lines[4..], ["all spawned", "begins 4", "begins 5"]);
    });
}

#[test]
fn children_wait_for_room_too() {
    run_leaving_nothing(async {
        let done = Cell::new(0);
        let outcome = TaskGroup::scope(async |group| {
            group.limit(2);
            let producer = group.clone();
            let done = &done;
            group.spawn(async move {
                for _ in 0..5 {
                    let job = async {
                        sleep(MS).await;
                        Ok(done.set(done.get() + 1))
                    };
                    producer.spawn_when_free(job).await;
                }
                Ok::<_, Infallible>(())
            });
            Ok(())
        });
        outcome.await.unwrap();
        assert_eq!(done.get(), 5);
    });
}

#[test]
fn a_wait_for_room_that_is_dropped_drops_its_child_unpolled() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            group.limit(1);
            let first = group.spawn(async { Ok(sleep(5 * MS).await) });
            let waiting = group.spawn_when_free::<(), _>(async { panic!("it must not begin") });
            timeout(MS, waiting).await.unwrap_err();
            yield_now().await;
            assert_eq!(group.len(), 1);
            first.await;
            // There was room again for this one.
            group.spawn_when_free(async { Ok::<_, Infallible>(()) }).await.await;
            Ok(())
        });
        outcome.await.unwrap();
    });
}

#[test]
#[should_panic(expected = "a group's limit is at least 1")]
fn a_limit_of_nothing_is_refused() {
    run_leaving_nothing(async {
        let outcome: Result<(), roundel_executor::GroupError<Infallible>> =
            TaskGroup::scope(async |group| Ok(group.limit(0))).await;
        panic!("{}", outcome.unwrap_err());
    });
}
