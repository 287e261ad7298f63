//! Tasks: when their steps run, how they end, what is known of them, and how they are cancelled.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::pending,
    rc::Rc,
};

use roundel_executor::{
    Builder, Task, TaskState, all_tasks, current_task, sleep, spawn, spawn_on, tasks_of, yield_now,
};
use roundel_loop::{LoopHandle, Verdict};
use roundel_promise::local;
use support::{Log, MS, assert_nothing_left, run, turn, virtual_loop};

/// Logs when it is dropped.
struct Dropped(Log, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

// spec: TSK-01
#[test]
fn the_first_step_runs_in_the_next_turn() {
    let (mut event_loop, handle, _) = virtual_loop();
    let log = Log::default();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move { log.add("step") }
    });
    assert_eq!((log.take().len(), task.state()), (0, TaskState::New));
    handle.call_soon({
        let log = log.clone();
        move || {
            spawn({
                let log = log.clone();
                async move { log.add("from a call-back") }
            })
            .detach();
            log.add("call-back");
        }
    });
    turn(&mut event_loop);
    assert_eq!(log.take(), ["step", "call-back"]);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["from a call-back"]);
    assert!(task.is_done());
}

// spec: TSK-02
#[test]
#[should_panic(expected = "no event loop runs in this thread")]
fn spawning_without_a_running_loop_panics() {
    spawn(async {}).detach();
}

#[test]
#[should_panic(expected = "spawn: the event loop is closed")]
fn spawning_on_a_closed_loop_panics() {
    let (mut event_loop, handle, _) = virtual_loop();
    event_loop.close();
    spawn_on(&handle, async {}).detach();
}

// spec: TSK-04
#[test]
fn names_are_given_at_birth_or_later_or_made_of_the_number() {
    run(async {
        let (one, two) = (spawn(async {}), spawn(async {}));
        assert_eq!(one.name(), format!("Task-{}", one.id()));
        assert_eq!(two.id(), one.id() + 1);
        let named = Builder::new().name("reader").spawn(async { current_task().unwrap().name });
        assert_eq!(named.name(), "reader");
        named.set_name(String::from("writer"));
        assert_eq!(named.name(), "writer");
        assert_eq!(named.await.unwrap(), "writer");
    });
}

// spec: TSK-05
#[test]
fn a_task_resumes_in_the_turn_after_what_it_awaits_is_ready() {
    let (mut event_loop, handle, _) = virtual_loop();
    let log = Log::default();
    let (promise, promised) = local::promise();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move {
            // A future awaited directly runs here and now, without a turn of its own.
            async { log.add("inline") }.await;
            log.add(promised.await.unwrap());
        }
    });
    turn(&mut event_loop);
    assert_eq!(log.take(), ["inline"]);
    handle.call_soon(move || promise.set("set").unwrap());
    turn(&mut event_loop);
    assert!(log.take().is_empty() && task.state() == TaskState::Ready);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["set"]);
}

// spec: TSK-06
#[test]
fn a_task_that_awaits_itself_panics() {
    let own: Rc<RefCell<Option<Task<()>>>> = Rc::default();
    let text = run(async move {
        let task = spawn({
            let own = Rc::clone(&own);
            async move {
                let me = own.borrow_mut().take().unwrap();
                me.await.unwrap();
            }
        });
        *own.borrow_mut() = Some(task);
        let report = Log::default();
        LoopHandle::current().set_unhandled_handler(Some(Rc::new({
            let report = report.clone();
            move |it| {
                report.add(it.panic_message().unwrap());
                Verdict::Continue
            }
        })));
        while all_tasks().len() > 1 {
            yield_now().await;
        }
        report.take()
    });
    assert_eq!(text, ["a task cannot await itself"]);
}

// spec: TSK-07, TSK-09
#[test]
fn cancel_is_a_request_that_the_next_step_obeys() {
    run(async {
        let log = Log::default();
        let mut task = spawn({
            let log = log.clone();
            async move {
                let _dropped = Dropped(log, "dropped");
                pending::<()>().await;
            }
        });
        yield_now().await;
        assert!(task.cancel() && task.cancel());
        assert!(!task.is_done() && !task.is_cancelled(), "it has only been asked");
        assert!(log.take().is_empty());
        let error = (&mut task).await.unwrap_err();
        assert!(error.is_cancelled() && error.try_into_panic().is_err());
        assert_eq!(log.take(), ["dropped"]);
        assert!(task.is_done() && task.is_cancelled() && !task.cancel(), "too late");
    });
}

// spec: TSK-11
#[test]
fn a_task_that_is_cancelled_before_its_first_step_never_runs() {
    run(async {
        let log = Log::default();
        let task = spawn({
            let dropped = Dropped(log.clone(), "dropped");
            async move { panic!("it ran with {}", dropped.1) }
        });
        task.cancel();
        let outcome: Result<(), _> = task.await;
        assert!(outcome.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["dropped"]);
    });
}

// spec: TSK-13
#[test]
fn a_cancel_wins_over_a_value_that_is_there_already() {
    run(async {
        let (promise, promised) = local::promise();
        let task = spawn(async move { promised.await.unwrap() });
        yield_now().await;
        promise.set(5).unwrap();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled(), "the value is lost");
    });
}

// spec: TSK-14
#[test]
fn a_task_that_cancels_itself_ends_cancelled_even_if_it_returns() {
    fn cancel_myself(own: &RefCell<Option<Task<&'static str>>>) {
        own.borrow().as_ref().unwrap().cancel();
    }
    run(async {
        for suspends in [false, true] {
            let own = Rc::new(RefCell::new(None));
            let reached = Rc::new(Cell::new(0));
            *own.borrow_mut() = Some(spawn({
                let (own, reached) = (Rc::clone(&own), Rc::clone(&reached));
                async move {
                    yield_now().await;
                    cancel_myself(&own);
                    reached.set(1);
                    if suspends {
                        yield_now().await;
                        reached.set(2);
                    }
                    "returned"
                }
            }));
            while !own.borrow().as_ref().unwrap().is_done() {
                yield_now().await;
            }
            let task = own.borrow_mut().take().unwrap();
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(reached.get(), 1, "it goes no further than its next suspension");
        }
    });
}

// spec: TSK-21
#[test]
fn the_textual_form_shows_name_state_what_it_waits_for_and_where_it_comes_from() {
    run(async {
        let line = line!() + 1;
        let task = Builder::new().name("sleeper").spawn(sleep(5 * MS));
        yield_now().await;
        let site = format!("{}:{line}", file!());
        let shown = format!("{task:?}");
        for part in ["sleeper", "Waiting", "Time(", &site] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let line = |task: &Task<()>| {
            let all = all_tasks();
            all.iter().find(|info| info.id == task.id()).unwrap().to_string()
        };
        assert!(line(&task).starts_with("sleeper: sleeps 5ms more, 1 poll, "), "{}", line(&task));
        assert!(line(&task).contains(&site));
        task.cancel();
        assert!(line(&task).starts_with("sleeper: cancelling, "), "{}", line(&task));
        assert!(format!("{task:?}").contains("cancelling: true"));
        task.await.unwrap_err();
    });
}

// spec: TSK-22
#[test]
fn the_current_task_is_the_one_that_runs() {
    assert!(current_task().is_none(), "outside a loop");
    let (mut event_loop, handle, _) = virtual_loop();
    handle.call_soon(|| assert!(current_task().is_none(), "in a plain call-back"));
    let names = Log::default();
    for name in ["a", "b"] {
        let names = names.clone();
        let task = Builder::new().name(name);
        task.spawn_on(&handle, async move {
            for _ in 0..2 {
                let me = current_task().unwrap();
                assert_eq!(me.state, TaskState::Running);
                names.add(me.name);
                yield_now().await;
            }
        })
        .detach();
    }
    for _ in 0..3 {
        turn(&mut event_loop);
    }
    assert_eq!(names.take(), ["a", "b", "a", "b"]);
    assert_eq!(handle.statistics().panics, 0);
}

// spec: TSK-23
#[test]
fn all_tasks_are_those_that_have_not_ended() {
    let (mut event_loop, handle, _) = virtual_loop();
    assert!(tasks_of(&handle).is_empty());
    let quick = spawn_on(&handle, async {});
    let slow = spawn_on(&handle, async { sleep(MS).await });
    let ids = || tasks_of(&handle).iter().map(|task| task.id).collect::<Vec<_>>();
    assert_eq!(ids(), [quick.id(), slow.id()]);
    turn(&mut event_loop);
    assert_eq!(ids(), [slow.id()]);
    let info = &tasks_of(&handle)[0];
    assert_eq!((info.state, info.polls, info.parent), (TaskState::Waiting, 1, None));
    event_loop.run_until_complete(slow).unwrap().unwrap();
    assert_nothing_left(&handle);
}
