//! Tasks as a stream: in the order in which they end, each with its place.

mod support;

use futures::{StreamExt, stream::FusedStream};
use roundel_executor::{Elapsed, Task, as_completed, sleep, spawn, timeout, yield_now};
use roundel_loop::LoopHandle;

use support::{MS, run, run_leaving_nothing};

fn sleeper(ms: u32) -> Task<u32> {
    spawn(async move {
        sleep(ms * MS).await;
        ms
    })
}

// spec: ASC-01
#[test]
fn each_next_waits_for_the_next_completion_and_gives_its_outcome() {
    run_leaving_nothing(async {
        let panicking: Task<u32> = spawn(async {
            sleep(20 * MS).await;
            panic!("second");
        });
        let start = LoopHandle::current().now();
        let mut completions = as_completed([sleeper(30), panicking, sleeper(10)], None);
        assert_eq!(completions.next().await.unwrap().unwrap().task.await.unwrap(), 10);
        assert_eq!(LoopHandle::current().now() - start, 10 * MS);
        let second = completions.next().await.unwrap().unwrap();
        assert_eq!(second.task.await.unwrap_err().panic_message(), Some("second"));
        assert_eq!(completions.next().await.unwrap().unwrap().task.await.unwrap(), 30);
        assert!(completions.next().await.is_none());
        assert!(completions.is_terminated());
    });
}

// spec: ASC-02
#[test]
fn the_tasks_themselves_come_back_done_in_the_order_of_their_ends() {
    run_leaving_nothing(async {
        let tasks = [30, 10, 20, 10].map(sleeper);
        let ids = tasks.each_ref().map(Task::id);
        let mut order = Vec::new();
        let mut completions = as_completed(tasks, None);
        while let Some(completed) = completions.next().await {
            let completed = completed.unwrap();
            assert!(completed.task.is_done());
            assert_eq!(completed.task.id(), ids[completed.index]);
            order.push(completed.index);
        }
        assert_eq!(order, [1, 3, 2, 0]);
    });
}

// spec: ASC-02
#[test]
fn the_order_is_that_of_the_ends_even_within_a_turn() {
    run_leaving_nothing(async {
        let tasks: Vec<_> = (0..4).map(|_| spawn(async {})).collect();
        let mut completions = as_completed(tasks.into_iter().rev(), None);
        assert!(futures::poll!(completions.next()).is_pending());
        yield_now().await; // all four end, in the order of their spawning
        let order: Vec<_> = completions.map(|completed| completed.unwrap().index).collect().await;
        assert_eq!(order, [3, 2, 1, 0]);
    });
}

#[test]
fn those_that_had_ended_come_first_and_at_once() {
    run_leaving_nothing(async {
        let tasks = [sleeper(50), sleeper(1), sleeper(1)];
        sleep(10 * MS).await;
        let turns = LoopHandle::current().statistics().turns;
        let mut completions = as_completed(tasks, None);
        for expected in [1, 2] {
            assert_eq!(completions.next().await.unwrap().unwrap().index, expected);
        }
        assert_eq!(LoopHandle::current().statistics().turns, turns);
        assert_eq!(completions.next().await.unwrap().unwrap().index, 0);
    });
}

// spec: ASC-04
#[test]
fn at_the_limit_it_says_so_once_and_cancels_nothing() {
    run_leaving_nothing(async {
        let mut completions = as_completed([40, 10, 30].map(sleeper), Some(20 * MS));
        assert_eq!(completions.next().await.unwrap().unwrap().index, 1);
        assert_eq!(completions.next().await.unwrap().unwrap_err(), Elapsed);
        assert!(completions.next().await.is_none());
        assert!(completions.is_terminated());
        let mut left = completions.into_pending().into_iter();
        assert_eq!(left.next().unwrap().await.unwrap(), 40);
        assert_eq!(left.next().unwrap().await.unwrap(), 30);
        assert!(left.next().is_none());
    });
}

// spec: ASC-04
#[test]
fn a_limit_that_is_not_used_is_removed_when_all_are_done() {
    run(async {
        let timers = || LoopHandle::current().statistics().pending_timers;
        let mut completions = as_completed([1, 2].map(sleeper), Some(1000 * MS));
        completions.next().await.unwrap().unwrap();
        assert_eq!(timers(), 2, "the limit and the second sleeper");
        completions.next().await.unwrap().unwrap();
        assert_eq!(timers(), 0);
        assert!(completions.next().await.is_none());
    });
}

#[test]
fn a_task_wins_over_a_limit_of_the_same_turn() {
    run_leaving_nothing(async {
        let task = sleeper(10);
        yield_now().await;
        let mut completions = as_completed([task], Some(10 * MS));
        assert_eq!(completions.next().await.unwrap().unwrap().index, 0);
    });
}

// spec: ASC-06
#[test]
fn the_stream_can_be_left_and_taken_up_again() {
    run_leaving_nothing(async {
        let mut completions = as_completed([30, 10, 20].map(sleeper), None);
        let first: Vec<_> =
            completions.by_ref().take(1).map(|it| it.unwrap().index).collect().await;
        assert_eq!(first, [1]);
        assert!(timeout(2 * MS, completions.next()).await.is_err());
        let rest: Vec<_> = completions.map(|it| it.unwrap().index).collect().await;
        assert_eq!(rest, [2, 0]);
    });
}

#[test]
fn tasks_that_are_lent_stay_with_their_owner() {
    run_leaving_nothing(async {
        let mut tasks = [20, 10].map(sleeper);
        {
            let mut completions = as_completed(&mut tasks, None);
            let first = completions.next().await.unwrap().unwrap();
            assert_eq!((first.index, first.task.await.unwrap()), (1, 10));
        }
        let [slow, _] = tasks;
        assert_eq!(slow.await.unwrap(), 20);
    });
}

#[test]
fn dropping_the_stream_leaves_the_tasks_running() {
    run_leaving_nothing(async {
        let ended = std::rc::Rc::new(std::cell::Cell::new(0));
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let ended = ended.clone();
                spawn(async move {
                    sleep(10 * MS).await;
                    ended.set(ended.get() + 1);
                })
            })
            .collect();
        drop(as_completed(tasks, Some(MS)));
        sleep(20 * MS).await;
        assert_eq!(ended.get(), 3);
    });
}

#[test]
fn nothing_is_completed_at_once() {
    run_leaving_nothing(async {
        let nothing: [Task<()>; 0] = [];
        assert!(as_completed(nothing, Some(MS)).next().await.is_none());
    });
}
