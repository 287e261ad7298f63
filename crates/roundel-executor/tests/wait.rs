//! Waiting for several tasks: for the first, for the first error, for all, and for a while.

mod support;

use std::{cell::RefCell, rc::Rc, time::Duration};

use roundel_executor::{
    ReturnWhen, Task, Waited, WaitsFor, sleep, spawn, spawn_on, tasks_of, timeout, wait, yield_now,
};
use roundel_loop::LoopHandle;

use support::{MS, assert_nothing_left, reports, run, run_leaving_nothing, virtual_loop};

fn sleeper(ms: u32) -> Task<u32> {
    spawn(async move {
        sleep(ms * MS).await;
        ms
    })
}

async fn values(tasks: Vec<Task<u32>>) -> Vec<u32> {
    let mut values = Vec::new();
    for task in tasks {
        values.push(task.await.unwrap());
    }
    values
}

fn elapsed_since(start: std::time::Instant) -> Duration {
    LoopHandle::current().now() - start
}

// spec: WAI-02
#[test]
fn done_and_pending_come_back_in_the_order_given() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now();
        let tasks = [40, 10, 30, 20].map(sleeper);
        let waited = wait(tasks, ReturnWhen::AllCompleted, Some(25 * MS)).await;
        assert_eq!(elapsed_since(start), 25 * MS);
        assert_eq!(values(waited.done).await, [10, 20]);
        assert!(waited.pending.iter().all(|task| !task.is_done()), "nothing was cancelled");
        assert_eq!(values(waited.pending).await, [40, 30]);
        assert_eq!(elapsed_since(start), 40 * MS);
    });
}

// spec: WAI-02
#[test]
fn a_limit_that_is_not_used_is_removed() {
    run(async {
        let waited = wait([sleeper(1)], ReturnWhen::AllCompleted, Some(1000 * MS)).await;
        assert_eq!(values(waited.done).await, [1]);
        assert_eq!(LoopHandle::current().statistics().pending_timers, 0);
    });
}

// spec: WAI-03
#[test]
fn the_first_completed_ends_the_wait() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now();
        let waited = wait([20, 10, 30].map(sleeper), ReturnWhen::FirstCompleted, None).await;
        assert_eq!(elapsed_since(start), 10 * MS);
        assert_eq!(values(waited.done).await, [10]);
        assert_eq!(values(waited.pending).await, [20, 30]);
    });
}

// spec: WAI-03
#[test]
fn several_may_be_done_when_the_first_one_ended_the_wait() {
    run_leaving_nothing(async {
        let waited = wait([10, 10, 30].map(sleeper), ReturnWhen::FirstCompleted, None).await;
        assert_eq!(values(waited.done).await, [10, 10]);
        assert_eq!(values(waited.pending).await, [30]);
    });
}

fn failing_after(ms: u32) -> Task<Result<u32, String>> {
    spawn(async move {
        sleep(ms * MS).await;
        Err(format!("failed after {ms}"))
    })
}

fn succeeding_after(ms: u32) -> Task<Result<u32, String>> {
    spawn(async move {
        sleep(ms * MS).await;
        Ok(ms)
    })
}

// spec: WAI-03
#[test]
fn the_first_error_ends_the_wait_and_is_still_there() {
    run_leaving_nothing(async {
        let tasks = [succeeding_after(10), failing_after(20), succeeding_after(30)];
        let waited = wait(tasks, ReturnWhen::FirstError(Result::is_err), None).await;
        let [first, second] = <[_; 2]>::try_from(waited.done).unwrap();
        assert_eq!(first.await.unwrap(), Ok(10));
        assert_eq!(second.await.unwrap(), Err("failed after 20".to_owned()));
        let [last] = <[_; 1]>::try_from(waited.pending).unwrap();
        assert_eq!(last.await.unwrap(), Ok(30));
    });
}

// spec: WAI-03
#[test]
fn a_panic_is_an_error_and_a_cancelled_task_is_none() {
    run_leaving_nothing(async {
        let cancelled = succeeding_after(5);
        cancelled.cancel();
        let panicking: Task<Result<u32, String>> = spawn(async {
            sleep(10 * MS).await;
            panic!("on purpose");
        });
        let tasks = [cancelled, panicking, succeeding_after(20)];
        let waited = wait(tasks, ReturnWhen::FirstError(Result::is_err), None).await;
        let [first, second] = <[_; 2]>::try_from(waited.done).unwrap();
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(second.await.unwrap_err().is_panic());
        waited.pending[0].cancel();
        let _ = wait(waited.pending, ReturnWhen::AllCompleted, None).await;
    });
}

// spec: WAI-03
#[test]
fn without_an_error_all_are_waited_for() {
    run_leaving_nothing(async {
        let tasks = [10, 30, 20].map(succeeding_after);
        let waited = wait(tasks, ReturnWhen::FirstError(Result::is_err), None).await;
        assert_eq!((waited.done.len(), waited.pending.len()), (3, 0));
    });
}

// spec: WAI-03
#[test]
fn all_completed_waits_for_the_last_whatever_their_ends() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now();
        let tasks = [failing_after(10), succeeding_after(30), failing_after(20)];
        let waited = wait(tasks, ReturnWhen::AllCompleted, None).await;
        assert_eq!(elapsed_since(start), 30 * MS);
        assert_eq!((waited.done.len(), waited.pending.len()), (3, 0));
    });
}

#[test]
fn a_result_that_was_taken_is_no_error() {
    run_leaving_nothing(async {
        let mut failed = failing_after(1);
        (&mut failed).await.unwrap().unwrap_err();
        let other = succeeding_after(5);
        let waited = wait([&failed, &other], ReturnWhen::FirstError(Result::is_err), None).await;
        assert_eq!(waited.done.len(), 2);
    });
}

#[test]
fn a_function_that_panics_over_a_result_leaves_it_in_place() {
    run_leaving_nothing(async {
        let mut task = spawn(async { 7 });
        let refusing = spawn(async move {
            let when = ReturnWhen::FirstError(|_| panic!("cannot tell"));
            let waited = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(wait(
                [&mut task],
                when,
                None,
            )))
            .await;
            assert!(waited.is_err());
            task.await.unwrap()
        });
        assert_eq!(refusing.await.unwrap(), 7);
    });
}

// spec: WAI-04
#[test]
fn a_turn_passes_even_if_everything_is_done() {
    run_leaving_nothing(async {
        let turns = || LoopHandle::current().statistics().turns;
        let done = sleeper(0);
        sleep(MS).await;
        assert!(done.is_done());
        let whens = [
            ReturnWhen::FirstCompleted,
            ReturnWhen::FirstError(|_| false),
            ReturnWhen::AllCompleted,
        ];
        for when in whens {
            let before = turns();
            assert_eq!(wait([&done], when, None).await.done.len(), 1);
            assert_eq!(turns(), before + 1, "{when:?}");
        }
        let before = turns();
        let nothing: Waited<Task<u32>> = wait([], ReturnWhen::FirstCompleted, None).await;
        assert!(nothing.done.is_empty() && nothing.pending.is_empty());
        assert_eq!(turns(), before + 1);
        let before = turns();
        let waited = wait([sleeper(5)], ReturnWhen::AllCompleted, Some(Duration::ZERO)).await;
        assert_eq!(waited.pending.len(), 1);
        assert_eq!(turns(), before + 1);
        assert_eq!(values(waited.pending).await, [5]);
    });
}

// spec: WAI-05
#[test]
fn cancelling_the_wait_leaves_the_tasks_running() {
    let ended = Rc::new(RefCell::new(Vec::new()));
    run_leaving_nothing({
        let ended = ended.clone();
        async move {
            let tasks = [10, 20].map(|ms| {
                let ended = ended.clone();
                spawn(async move {
                    sleep(ms * MS).await;
                    ended.borrow_mut().push(ms);
                })
            });
            let waiting =
                spawn(async move { wait(tasks, ReturnWhen::AllCompleted, None).await.done.len() });
            sleep(MS).await;
            waiting.cancel();
            assert!(waiting.await.unwrap_err().is_cancelled());
            sleep(30 * MS).await;
        }
    });
    assert_eq!(*ended.borrow(), [10, 20]);
}

// spec: WAI-05
#[test]
fn tasks_that_are_lent_survive_a_dropped_wait_in_their_owners_hands() {
    run_leaving_nothing(async {
        let mut tasks = [10, 20].map(sleeper);
        let late = timeout(5 * MS, wait(&mut tasks, ReturnWhen::FirstCompleted, None)).await;
        assert!(late.is_err());
        let waited = wait(&mut tasks, ReturnWhen::FirstCompleted, None).await;
        for task in waited.done {
            assert_eq!(task.await.unwrap(), 10);
        }
        let [_, second] = tasks;
        assert_eq!(second.await.unwrap(), 20);
    });
}

#[test]
fn tasks_win_over_a_limit_of_the_same_turn() {
    run(async {
        let task = sleeper(10);
        yield_now().await;
        let waited = wait([task], ReturnWhen::AllCompleted, Some(10 * MS)).await;
        assert_eq!(values(waited.done).await, [10]);
    });
}

#[test]
fn a_wait_may_move_to_another_task() {
    run_leaving_nothing(async {
        let start = LoopHandle::current().now();
        let mut waiting = wait([20, 10].map(sleeper), ReturnWhen::AllCompleted, Some(50 * MS));
        assert!(futures::poll!(&mut waiting).is_pending());
        let moved = spawn(async move { values(waiting.await.done).await });
        assert_eq!(moved.await.unwrap(), [20, 10]);
        assert_eq!(elapsed_since(start), 20 * MS);
    });
}

#[test]
fn a_waiting_task_says_for_how_many_and_they_say_who_waits() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, async {
        let tasks = [10, 20].map(sleeper);
        let ids = tasks.each_ref().map(Task::id);
        let waiting = spawn(async move { wait(tasks, ReturnWhen::AllCompleted, None).await.done });
        sleep(5 * MS).await;
        let seen = tasks_of(&LoopHandle::current());
        let find = |id| seen.iter().find(|task| task.id == id).unwrap();
        assert_eq!(find(waiting.id()).waits_for, WaitsFor::Tasks(2));
        assert!(ids.iter().all(|&id| find(id).awaited_by == [waiting.id()]));
        waiting.await.unwrap();
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_nothing_left(&handle);
}

#[test]
fn a_task_that_waits_for_itself_is_told_so() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let own: Rc<RefCell<Option<Task<()>>>> = Rc::default();
    let seen = own.clone();
    *own.borrow_mut() = Some(spawn_on(&handle, async move {
        let own = seen.take();
        let _ = wait(own, ReturnWhen::AllCompleted, None).await;
    }));
    let task = spawn_on(&handle, async { yield_now().await });
    event_loop.run_until_complete(task).unwrap().unwrap();
    let told = told.take();
    assert!(told[0].contains("a task cannot wait for itself"), "{told:?}");
    assert_nothing_left(&handle);
}
