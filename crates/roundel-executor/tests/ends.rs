//! How tasks end when nobody is looking: panics, dropped handles, and the loop's own end.

mod support;

use std::{cell::RefCell, future::pending, panic::Location, rc::Rc};

use roundel_executor::{Builder, JoinError, Task, all_tasks, sleep, spawn, spawn_on, yield_now};
use roundel_loop::{LoopHandle, Verdict};
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
            pending::<()>().await;
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
