//! Tasks: when their steps run, how they end, what is known of them, and how they are cancelled.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::pending,
    panic::Location,
    rc::Rc,
};

use roundel_executor::{
    Builder, JoinError, Task, TaskState, all_tasks, current_task, sleep, spawn, spawn_on, tasks_of,
    yield_now,
};
use roundel_loop::{LoopHandle, Verdict};
use roundel_promise::local;
use support::{Log, MS, assert_nothing_left, reports, run, turn, virtual_loop};

/// Logs when it is dropped.
struct Dropped(Log, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

fn panic_text<T: std::fmt::Debug>(outcome: Result<T, JoinError>) -> String {
    let error = outcome.unwrap_err();
    assert!(error.is_panic() && !error.is_cancelled());
    error.panic_message().unwrap().to_owned()
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

#[test]
fn a_panic_reaches_whoever_joins_with_its_payload() {
    run(async {
        let line = line!() + 1;
        let task: Task<()> = spawn(async { std::panic::panic_any(7_u8) });
        let error = task.await.unwrap_err();
        assert_eq!(error.site().line(), line);
        assert_eq!(error.panic_message(), None);
        assert_eq!(*error.try_into_panic().unwrap().downcast::<u8>().unwrap(), 7);
        let task: Task<()> = spawn(async { panic!("gone at {}", 3) });
        assert_eq!(panic_text(task.await), "gone at 3");
        // A future whose drop panics has not ended well either, whatever it returned.
        struct Explosive;
        impl Drop for Explosive {
            fn drop(&mut self) {
                panic!("while dropping");
            }
        }
        let held = Explosive;
        let waits = spawn(async move {
            let _held = held;
            pending::<()>().await;
        });
        yield_now().await;
        waits.cancel();
        assert_eq!(panic_text(waits.await), "while dropping");
    });
}

#[test]
fn a_detached_tasks_panic_is_reported_when_it_happens_with_name_and_site() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = Log::default();
    handle.set_unhandled_handler(Some(Rc::new({
        let told = told.clone();
        move |report| {
            told.add(report);
            Verdict::Continue
        }
    })));
    let site = Location::caller();
    let doomed = Builder::new().name("doomed");
    doomed.spawn_on(&handle, async { panic!("nobody looks") }).detach();
    turn(&mut event_loop);
    let told = told.take();
    let [report] = &told[..] else { panic!("one report: {told:?}") };
    assert!(
        report.starts_with("a task panicked\n  name: doomed\n  panic: nobody looks"),
        "{report}"
    );
    assert!(report.contains(&format!("scheduled at: {}:{}", site.file(), site.line() + 2)));
    assert_eq!(handle.statistics().panics, 0, "it went no further");
}

#[test]
fn a_panic_that_was_not_read_is_reported_when_its_task_is_dropped() {
    run(async {
        let told = reports(&LoopHandle::current());
        let unread: Task<()> = spawn(async { panic!("unread") });
        let read: Task<()> = spawn(async { panic!("read") });
        yield_now().await;
        assert!(told.take().is_empty(), "they may still be read");
        drop(unread);
        assert_eq!(told.take(), ["a task panicked: unread"]);
        assert_eq!(panic_text(read.await), "read");
        // Values and cancels are no news.
        drop(spawn(async { 5 }));
        let cancelled = spawn(pending::<()>());
        cancelled.cancel();
        drop(cancelled);
        yield_now().await;
        assert!(told.take().is_empty());
        assert_eq!(all_tasks().len(), 1);
    });
}

#[test]
fn a_dropped_task_goes_on() {
    run(async {
        let log = Log::default();
        drop(spawn({
            let log = log.clone();
            async move {
                sleep(MS).await;
                log.add("done");
            }
        }));
        sleep(2 * MS).await;
        assert_eq!(log.take(), ["done"]);
    });
}

#[test]
fn a_result_is_taken_once() {
    let text = run(async {
        let taker = spawn(async {
            let mut task = spawn(async { "value" });
            assert_eq!((&mut task).await.unwrap(), "value");
            assert!(task.is_done() && !task.is_cancelled());
            task.await.unwrap()
        });
        panic_text(taker.await)
    });
    assert_eq!(text, "a task's result is taken once");
}

#[test]
fn closing_a_loop_drops_every_future_once_in_whatever_state() {
    let (mut event_loop, handle, _) = virtual_loop();
    let log = Log::default();
    let hold = |name| Dropped(log.clone(), name);
    let begun = |held| async move {
        let _held = held;
        pending::<()>().await;
    };
    let waiting = spawn_on(&handle, begun(hold("waiting")));
    // Two tasks that wait for each other, and one that holds itself.
    let own: Rc<RefCell<Option<Task<()>>>> = Rc::default();
    *own.borrow_mut() = Some(spawn_on(&handle, {
        let (own, held) = (Rc::clone(&own), hold("circle"));
        async move {
            let (_own, _held) = (own, held);
            pending().await
        }
    }));
    drop(own);
    turn(&mut event_loop);
    let new = spawn_on(&handle, begun(hold("new")));
    let sleeper = spawn_on(&handle, {
        let held = hold("asleep");
        async move {
            let _held = held;
            sleep(MS).await;
        }
    });
    event_loop.close();
    assert_eq!(log.take(), ["waiting", "circle", "new", "asleep"]);
    for task in [&waiting, &new, &sleeper] {
        assert!(task.is_done() && task.is_cancelled() && !task.cancel());
    }
    assert_nothing_left(&handle);
    drop((event_loop, waiting, new, sleeper));
    assert!(log.take().is_empty());
}

#[test]
fn a_destructor_that_panics_at_close_keeps_no_other_from_running() {
    struct Explosive;
    impl Drop for Explosive {
        fn drop(&mut self) {
            panic!("at close");
        }
    }
    let (mut event_loop, handle, _) = virtual_loop();
    let log = Log::default();
    let (bomb, held) = (Explosive, Dropped(log.clone(), "dropped"));
    spawn_on(&handle, async move { drop(bomb) }).detach();
    spawn_on(&handle, async move { drop(held) }).detach();
    let closing = std::panic::AssertUnwindSafe(|| event_loop.close());
    let payload = std::panic::catch_unwind(closing).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"at close"));
    assert_eq!(log.take(), ["dropped"]);
    assert_nothing_left(&handle);
}
