//! One run: what comes out of it.

mod support;

use std::{
    cell::Cell,
    future::{IntoFuture, Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use roundel_executor::{
    AsyncExit, cancel_all, current_task, sleep, spawn, spawn_on, with, yield_now,
};
use roundel_loop::{EventLoop, LoopHandle};
use roundel_run::{RunError, Runner, run};
use support::{HOUR, MS, runner};

// spec: RUN-01
#[test]
fn a_run_makes_a_loop_of_its_own_and_closes_it() {
    let handle = run(async {
        yield_now().await;
        LoopHandle::current()
    })
    .unwrap();
    assert!(handle.is_closed());
    assert!(LoopHandle::try_current().is_none());
    assert_eq!(run(async { "again" }).unwrap(), "again");
}

// spec: RUN-01, RUN-07
#[test]
fn a_run_inside_a_running_loop_is_refused() {
    let polled = Rc::new(Cell::new(false));
    let inner = polled.clone();
    let (inside, after) = run(async move {
        let inside = run(async move { inner.set(true) });
        (inside, LoopHandle::try_current().is_some())
    })
    .unwrap();
    assert!(matches!(inside, Err(RunError::Nested)), "{inside:?}");
    assert!(!polled.get(), "its future was not begun");
    assert!(after, "the running loop is undisturbed");

    let mut other = runner();
    let mut event_loop = EventLoop::new().unwrap();
    let inside = event_loop.run_until_complete(async { other.run(async {}) }).unwrap();
    assert!(matches!(inside, Err(RunError::Nested)), "{inside:?}");
    assert!(other.run(async {}).is_ok(), "outside it is as good as ever");
}

// spec: RUN-02
#[test]
fn whatever_can_be_awaited_can_be_run() {
    struct Order;
    impl IntoFuture for Order {
        type Output = &'static str;
        type IntoFuture = Ready<&'static str>;
        fn into_future(self) -> Self::IntoFuture {
            ready("served")
        }
    }
    assert_eq!(run(Order).unwrap(), "served");
    assert_eq!(run(Box::pin(async { 1 })).unwrap(), 1);
    let mut runner = runner();
    let task = spawn_on(&runner.handle(), async { 2 });
    assert_eq!(runner.run(task).unwrap().unwrap(), 2);
}

#[test]
fn the_main_task_can_be_seen() {
    let line = line!() + 1;
    let task = run(async { current_task() }).unwrap().unwrap();
    assert_eq!((task.name.as_str(), task.site.file(), task.site.line()), ("main", file!(), line));

    let mut runner = Runner::builder().name("server").build().unwrap();
    let line = line!() + 1;
    let task = runner.run(async { current_task() }).unwrap().unwrap();
    assert_eq!((task.name.as_str(), task.site.file(), task.site.line()), ("server", file!(), line));
}

#[test]
fn the_main_tasks_panic_goes_on_after_the_clean_up() {
    struct Goodbye(Rc<Cell<bool>>);
    impl AsyncExit for Goodbye {
        async fn exit(self) {
            yield_now().await;
            assert!(!std::thread::panicking());
            self.0.set(true);
        }
    }
    let cleaned = Rc::new(Cell::new(false));
    let goodbye = Goodbye(cleaned.clone());
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        run(async move {
            spawn(with(goodbye, async |_| std::future::pending::<()>().await)).detach();
            yield_now().await;
            panic!("the main task is broken");
        })
    }));
    let payload = outcome.unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the main task is broken"));
    assert!(cleaned.get());
}

#[test]
fn a_main_task_that_is_cancelled_is_told_apart_from_an_interrupt() {
    let outcome = run(async {
        spawn(async { cancel_all(&LoopHandle::current()).await }).await.unwrap();
    });
    assert!(matches!(outcome, Err(RunError::Cancelled)), "{outcome:?}");
}

#[test]
fn a_stopped_run_goes_on_in_the_next() {
    let mut runner = runner();
    let ended = Rc::new(Cell::new(false));
    let end = ended.clone();
    let outcome = runner.run(async move {
        LoopHandle::current().stop();
        sleep(MS).await;
        end.set(true);
    });
    assert!(matches!(outcome, Err(RunError::Stopped)), "{outcome:?}");
    assert!(!ended.get());
    runner.run(async { sleep(HOUR).await }).unwrap();
    assert!(ended.get());
}
