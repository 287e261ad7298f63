//! Groups: what a scope waits for, what makes it fail, and what it returns then.
#![allow(clippy::unit_arg)] // a child's last act may stand in its `Ok`

mod support;

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::pending,
    panic::panic_any,
    rc::Rc,
    time::Duration,
};

use futures::FutureExt;
use roundel_executor::{
    AsyncExit, Cause, ContextVar, GroupError, TaskGroup, TaskState, all_tasks, current_task,
    is_stop_requested, sleep, spawn, stop_requested, task_tree, with, yield_now,
};
use support::{Log, MS, reports, run, run_leaving_nothing, virtual_loop};

/// Says hello and, after a while, goodbye.
struct Guest(&'static str, Log);

impl AsyncExit for Guest {
    async fn exit(self) {
        sleep(MS).await;
        self.1.add(format!("{} left", self.0));
    }
}

/// Stays until it is cancelled, and leaves slowly.
async fn stay<E>(name: &'static str, log: &Log) -> Result<(), E> {
    with(Guest(name, log.clone()), async |_| pending().await).await
}

fn errors<E: Clone, R: std::fmt::Debug>(outcome: Result<R, GroupError<E>>) -> Vec<E> {
    outcome.err().unwrap().errors().cloned().collect()
}

// spec: TGR-01
#[test]
fn the_scope_waits_for_its_children() {
    run_leaving_nothing(async {
        let log = Log::default();
        let value = TaskGroup::scope(async |group| {
            for ms in [3, 1, 2] {
                let log = &log;
                group.spawn(async move {
                    sleep(ms * MS).await;
                    log.add(ms);
                    Ok(())
                });
            }
            log.add("body");
            Ok::<_, Infallible>("value")
        })
        .await;
        assert_eq!(value.unwrap(), "value");
        assert_eq!(log.take(), ["body", "1", "2", "3"]);
    });
}

#[test]
fn children_borrow_and_change_what_surrounds_the_scope() {
    run_leaving_nothing(async {
        let text = String::from("borrowed");
        let (mut count, mut lengths) = (0, vec![0; 3]);
        let outcome = TaskGroup::scope(async |group| {
            group.spawn(async {
                yield_now().await;
                count += text.len();
                Ok(())
            });
            for length in &mut lengths {
                let text = &text;
                group.spawn(async move {
                    yield_now().await;
                    *length = text.len();
                    Ok(())
                });
            }
            Ok::<_, Infallible>(())
        });
        outcome.await.unwrap();
        assert_eq!((count, lengths), (8, vec![8, 8, 8]));
    });
}

#[test]
fn a_childs_value_comes_with_the_child() {
    run_leaving_nothing(async {
        let sum = TaskGroup::scope(async |group| {
            let slow = group.spawn(async { Ok(sleep(2 * MS).map(|()| 1).await) });
            let mut quick = group.spawn(async { Ok(sleep(MS).map(|()| 2).await) });
            assert!(!quick.is_done());
            let quick_value = (&mut quick).await;
            assert!(quick.is_done() && !slow.is_done());
            Ok::<_, Infallible>(quick_value + slow.await)
        });
        assert_eq!(sum.await.unwrap(), 3);
    });
}

#[test]
fn a_sibling_awaits_a_child_too() {
    run_leaving_nothing(async {
        let got = Cell::new(0);
        let outcome = TaskGroup::scope(async |group| {
            let first = group.spawn(async { Ok(sleep(MS).map(|()| 7).await) });
            group.spawn(async { Ok(got.set(first.await)) });
            Ok::<_, Infallible>(())
        });
        outcome.await.unwrap();
        assert_eq!(got.get(), 7);
    });
}

// spec: TGR-02
#[test]
fn the_first_failure_ends_the_others_and_the_body_and_awaits_their_clean_up() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome = TaskGroup::scope(async |group| {
            group.spawn(async { stay("one", &log).await });
            group.spawn::<(), _>(async { Err(sleep(MS).map(|()| "failed").await) });
            group.spawn(async { stay("two", &log).await });
            stay("body", &log).await
        });
        assert_eq!(errors(outcome.await), ["failed"]);
        log.add("over");
        let mut lines = log.take();
        assert_eq!(lines.pop().unwrap(), "over");
        lines.sort();
        assert_eq!(lines, ["body left", "one left", "two left"]);
    });
}

// spec: TGR-03
#[test]
fn every_failure_of_the_turn_is_in_the_error_in_order() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            group.builder().name("a").spawn::<(), _>(async { Err(sleep(MS).map(|()| 1).await) });
            group.builder().name("b").spawn::<(), _>(async { Err(sleep(MS).map(|()| 2).await) });
            sleep(MS).await;
            Err::<(), _>(3)
        });
        let error = outcome.await.unwrap_err();
        let told: Vec<_> = error.failures().iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3);
        assert!(told.contains(&"a: 1".to_string()) && told.contains(&"the body: 3".to_string()));
        let text = error.to_string();
        assert!(text.starts_with("3 failures in a task group: "), "{text}");

        let (odd, rest) = error.split(|number| number % 2 == 1);
        assert_eq!(odd.len(), 2);
        let rest = rest.unwrap();
        assert_eq!(rest.first().error(), Some(&2));
        assert!(rest.split(|_| true).1.is_none());
    });
}

// spec: TGR-04
#[test]
fn an_error_of_the_body_ends_the_children() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome = TaskGroup::scope(async |group| {
            group.spawn(async { stay("child", &log).await });
            sleep(MS).await;
            Err::<(), _>("body")
        });
        assert_eq!(errors(outcome.await), ["body"]);
        assert_eq!(log.take(), ["child left"]);
    });
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

// spec: TGR-05
#[test]
fn what_goes_wrong_while_children_are_cancelled_is_collected_too() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            group.spawn::<(), _>(async {
                let _bomb = Bomb;
                pending().await
            });
            sleep(MS).await;
            Err::<(), _>("first")
        });
        let failures = outcome.await.unwrap_err().into_failures();
        assert_eq!(failures.len(), 2);
        assert_eq!(failures[0].error(), Some(&"first"));
        let Cause::Panic(panic) = failures[1].cause() else { panic!("{failures:?}") };
        assert_eq!(panic.panic_message(), Some("dropped"));
    });
}

#[test]
fn a_panic_of_a_child_reaches_the_group_with_its_payload() {
    let (mut event_loop, handle, _) = virtual_loop();
    let reports = reports(&handle);
    let task = roundel_executor::spawn_on(&handle, async {
        let log = Log::default();
        let outcome = TaskGroup::scope(async |group| {
            group.builder().name("mine").spawn::<(), _>(async { panic_any(17) });
            group.spawn(async { stay("other", &log).await });
            stay::<&str>("body", &log).await
        });
        let failure = outcome.await.unwrap_err().into_failures().remove(0);
        assert_eq!(failure.name(), "mine");
        let Cause::Panic(panic) = failure.into_cause() else { panic!("not a panic") };
        assert_eq!(*panic.try_into_panic().unwrap().downcast::<i32>().unwrap(), 17);
        assert_eq!(log.take().len(), 2);
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(reports.take(), [""; 0], "it was read");
}

#[test]
fn a_panic_of_the_body_waits_for_the_children_and_is_a_failure() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome: Result<(), GroupError<Infallible>> = TaskGroup::scope(async |group| {
            group.spawn(async { stay("child", &log).await });
            yield_now().await;
            panic!("body")
        })
        .await;
        assert!(outcome.unwrap_err().to_string().contains("body"));
        assert_eq!(log.take(), ["child left"]);
    });
}

// spec: TGR-06
#[test]
fn a_child_that_is_cancelled_alone_is_nobodys_failure() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome = TaskGroup::scope(async |group| {
            let doomed = group.spawn(async { stay::<Infallible>("doomed", &log).await });
            let other = group.spawn(async { Ok(sleep(5 * MS).map(|()| 5).await) });
            yield_now().await;
            assert_eq!(doomed.cancel().await, None, "it had no value");
            log.add("ended");
            Ok(other.await)
        });
        assert_eq!(outcome.await.unwrap(), 5);
        assert_eq!(log.take(), ["doomed left", "ended"]);
    });
}

#[test]
fn a_value_that_was_there_before_the_cancel_is_given_back() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            let done = group.spawn(async { Ok(9) });
            sleep(MS).await;
            let never = group.spawn(async { panic!("it must not begin") });
            assert_eq!(never.cancel().await, None::<()>);
            Ok::<_, Infallible>(done.cancel().await)
        });
        assert_eq!(outcome.await.unwrap(), Some(9));
    });
}

// spec: TGR-08
#[test]
fn a_cancel_of_the_parent_is_awaited_however_often_it_comes() {
    let (mut event_loop, handle, _) = virtual_loop();
    let log = Log::default();
    let inner = log.clone();
    let task = roundel_executor::spawn_on(&handle, async move {
        TaskGroup::scope(async |group| {
            group.spawn(async { stay("one", &inner).await });
            group.spawn(async { stay("two", &inner).await });
            Ok::<(), Infallible>(())
        })
        .await
    });
    event_loop
        .run_until_complete(async {
            sleep(MS).await;
            assert!(task.cancel());
            yield_now().await;
            yield_now().await;
            assert!(task.cancel() && !task.is_done(), "its children are cleaning up");
            assert!(task.await.unwrap_err().is_cancelled());
        })
        .unwrap();
    assert_eq!(log.take(), ["one left", "two left"]);
    support::assert_nothing_left(&handle);
}

#[test]
fn nested_groups_end_inner_first_and_each_once() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outer = TaskGroup::scope(async |outer| {
            outer.spawn::<(), _>(async { Err(sleep(MS).map(|()| "outer").await) });
            let inner: Result<(), GroupError<&str>> = TaskGroup::scope(async |inner| {
                inner.spawn(async { stay("inner", &log).await });
                Ok(())
            })
            .await;
            inner.unwrap();
            Ok(())
        });
        assert_eq!(errors(outer.await), ["outer"]);
        assert_eq!(log.take(), ["inner left"]);
    });
}

#[test]
fn a_failed_inner_group_is_an_error_of_the_outer_body() {
    run_leaving_nothing(async {
        let outer = TaskGroup::scope(async |outer| {
            outer.spawn(pending::<Result<(), GroupError<&str>>>());
            TaskGroup::scope(async |inner| {
                inner.spawn::<(), _>(async { Err("inner") });
                Ok(())
            })
            .await
        });
        let outer = outer.await.unwrap_err();
        assert_eq!(outer.first().error().unwrap().first().error(), Some(&"inner"));
    });
}

// spec: TGR-12
#[test]
fn children_spawn_children_even_when_the_body_has_returned() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome = TaskGroup::scope(async |group| {
            let (child_group, log) = (group.clone(), &log);
            group.spawn(async move {
                sleep(MS).await;
                let grand_child = child_group.clone();
                child_group.spawn(async move {
                    sleep(MS).await;
                    grand_child.spawn(async { Ok(log.add("last")) });
                    Ok(())
                });
                Ok(())
            });
            Ok::<_, Infallible>(log.add("body"))
        });
        outcome.await.unwrap();
        assert_eq!(log.take(), ["body", "last"]);
    });
}

/// Spawns into its group when it is dropped.
struct Late<'scope, 'env>(TaskGroup<'scope, 'env, &'static str>, Rc<Cell<u32>>);

impl Drop for Late<'_, '_> {
    fn drop(&mut self) {
        let guard = Guard(Rc::clone(&self.1));
        self.0.spawn::<(), _>(async move {
            let _guard = guard;
            panic!("it must not begin")
        });
    }
}

struct Guard(Rc<Cell<u32>>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

// spec: TGR-13
#[test]
fn what_is_spawned_into_an_ending_group_is_dropped_unpolled() {
    run_leaving_nothing(async {
        let dropped = Rc::new(Cell::new(0));
        let outcome = TaskGroup::scope(async |group| {
            let late = Late(group.clone(), Rc::clone(&dropped));
            group.spawn::<(), _>(async move {
                let _late = late;
                pending().await
            });
            yield_now().await;
            Err::<(), _>("over")
        });
        assert_eq!(
            outcome.await.unwrap_err().to_string(),
            "1 failure in a task group: the body: over"
        );
        assert_eq!(dropped.get(), 1);
    });
}

static COLOUR: ContextVar<&str> = ContextVar::new("colour");

// spec: TGR-15
#[test]
fn a_child_has_a_name_a_number_and_variables_of_its_own() {
    run_leaving_nothing(async {
        COLOUR.set("red");
        let outcome = TaskGroup::scope(async |group| {
            let child = group.builder().name("painter").spawn(async {
                assert_eq!(COLOUR.get(), Some("red"));
                COLOUR.set("blue");
                let me = current_task().unwrap();
                assert_eq!((&*me.name, me.state), ("painter", TaskState::Running));
                Ok(me.id)
            });
            assert_eq!((child.name(), child.state()), ("painter".into(), TaskState::New));
            let id = child.id();
            assert_eq!(child.await, id);
            assert_eq!(COLOUR.get(), Some("red"));
            Ok::<_, Infallible>(())
        });
        outcome.await.unwrap();
    });
}

// spec: TGR-16
#[test]
fn an_empty_group_does_not_yield() {
    run_leaving_nothing(async {
        let scope = TaskGroup::scope(async |_| Ok::<_, Infallible>(4));
        assert_eq!(scope.now_or_never().unwrap().unwrap(), 4);
    });
}

// spec: TGR-18
#[test]
fn cancelling_a_group_ends_children_and_body_without_an_error() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome = TaskGroup::scope(async |group| {
            group.spawn(async { stay("child", &log).await });
            let cancel = group.clone();
            group.spawn::<(), _>(async move {
                sleep(MS).await;
                cancel.cancel();
                cancel.cancel(); // once is enough
                yield_now().await;
                panic!("it was cancelled too")
            });
            stay("body", &log).await
        });
        outcome.await.unwrap_or_else(|error: GroupError<&str>| panic!("{error}"));
        let mut lines = log.take();
        lines.sort();
        assert_eq!(lines, ["body left", "child left"]);
    });
}

// spec: TGR-18
#[test]
fn a_cancel_from_outside_comes_out_of_a_cancelled_group() {
    let (mut event_loop, handle, _) = virtual_loop();
    let log = Log::default();
    let inner = log.clone();
    let task = roundel_executor::spawn_on(&handle, async move {
        let scope = TaskGroup::scope(async |group| {
            group.spawn(async { stay("child", &inner).await });
            yield_now().await;
            Ok::<_, Infallible>(group.cancel())
        });
        scope.await.unwrap();
        inner.add("it went on");
    });
    event_loop
        .run_until_complete(async {
            for _ in 0..4 {
                yield_now().await; // its child is cleaning up now
            }
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
        })
        .unwrap();
    assert_eq!(log.take(), ["child left"]);
}

#[test]
fn a_body_that_is_ready_does_not_go_on_in_a_cancelled_group() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            let cancel = group.clone();
            group.spawn(async move { Ok::<_, Infallible>(cancel.cancel()) });
            yield_now().await; // ready when the child is
            panic!("it went on")
        });
        outcome.await.unwrap();
    });
}

#[test]
fn the_first_to_finish_decides_the_value() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            for ms in [3, 1, 2] {
                let group_of_child = group.clone();
                group.spawn(async move {
                    sleep(ms * MS).await;
                    group_of_child.finish(ms);
                    group_of_child.finish(100);
                    Ok::<_, Infallible>(())
                });
            }
            Ok(0)
        });
        assert_eq!(outcome.await.unwrap(), 1);
    });
}

#[test]
fn an_error_beats_a_finish() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            group.finish(1);
            Err::<i32, _>("after all")
        });
        assert_eq!(errors(outcome.await), ["after all"]);
    });
}

#[test]
fn a_body_may_await_what_wakes_by_other_means_than_the_task() {
    run_leaving_nothing(async {
        let outcome = TaskGroup::scope(async |group| {
            let children: Vec<_> = (1..=50_u32)
                .map(|ms| group.spawn(async move { Ok(sleep(ms * MS).map(|()| ms).await) }))
                .collect();
            // These poll with wakers of their own.
            let sum: u32 = futures::future::join_all(children).await.into_iter().sum();
            Ok::<_, Infallible>(sum)
        });
        assert_eq!(outcome.await.unwrap(), 1275);
    });
}

#[test]
fn scopes_run_inside_combinators_and_outside_tasks() {
    let (mut event_loop, handle, _) = virtual_loop();
    let scope = async |ms: u32| {
        TaskGroup::scope(async |group| {
            let child = group.spawn(async { Ok(sleep(ms * MS).map(|()| ms).await) });
            Ok::<_, Infallible>(child.await)
        })
        .await
        .unwrap()
    };
    let all = futures::future::join_all((1..=40).map(scope));
    let values = event_loop.run_until_complete(all).unwrap();
    assert_eq!(values.iter().sum::<u32>(), 820);
    support::assert_nothing_left(&handle);
}

#[test]
fn children_show_in_the_tree_below_the_task_that_runs_the_scope() {
    run(async {
        let outer = current_task().unwrap();
        let outcome = TaskGroup::scope(async |group| {
            let sleeper = group.builder().name("sleeper").spawn(async { Ok(sleep(MS).await) });
            yield_now().await;
            yield_now().await;
            let info = all_tasks().into_iter().find(|task| task.id == sleeper.id()).unwrap();
            assert_eq!(info.awaited_by, [outer.id]);
            assert_eq!((info.polls, info.parent), (1, Some(outer.id)));
            assert!(info.to_string().starts_with("sleeper: sleeps 1ms more"), "{info}");
            let tree = task_tree();
            assert_eq!(tree.awaits(outer.id).map(|task| task.id).collect::<Vec<_>>(), [info.id]);
            Ok::<_, Infallible>(())
        });
        outcome.await.unwrap();
    });
}

#[test]
fn children_hear_that_their_task_is_to_stop() {
    run_leaving_nothing(async {
        let task = spawn(async {
            TaskGroup::scope(async |group| {
                group.spawn(async {
                    stop_requested().await;
                    assert!(is_stop_requested());
                    Ok::<_, Infallible>(())
                });
                Ok("stopped")
            })
            .await
        });
        yield_now().await;
        yield_now().await;
        assert_eq!(task.stop(Duration::from_secs(1)).await.unwrap().unwrap(), "stopped");
    });
}

#[test]
fn a_child_that_awaits_itself_is_told_so() {
    run_leaving_nothing(async {
        let own = RefCell::new(None);
        let outcome = TaskGroup::scope(async |group| {
            let (put, taken) = futures::channel::oneshot::channel();
            let me = group.spawn::<(), _>(async move {
                let me: roundel_executor::Child<'_, ()> = taken.await.unwrap();
                Ok::<_, Infallible>(me.await)
            });
            own.replace(put.send(me).err().map(|_| ()));
            Ok(())
        });
        assert!(outcome.await.unwrap_err().to_string().contains("a child cannot await itself"));
    });
}
