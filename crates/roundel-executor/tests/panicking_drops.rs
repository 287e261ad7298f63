//! Destructors and wakers that panic while a task ends: the task has ended all the same, and
//! whoever waits for it is told.

mod support;

use std::{
    cell::RefCell,
    convert::Infallible,
    future::{Future, pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use roundel_executor::{
    ContextVar, JoinError, Task, TaskGroup, spawn, spawn_on, stop_requested, yield_now,
};

use support::{Log, assert_nothing_left, reports, run, turn, virtual_loop};

/// Panics when it is dropped, unless that would end the process.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic_any(self.0);
        }
    }
}

fn message<T>(outcome: Result<T, JoinError>) -> String {
    let error = outcome.err().expect("it panicked");
    error.panic_message().unwrap_or("no message").to_owned()
}

#[test]
fn a_value_that_panics_when_a_late_cancel_drops_it_is_the_tasks_panic() {
    let ended = run(async {
        let own: Rc<RefCell<Option<Task<Bomb>>>> = Rc::default();
        let task = spawn({
            let own = Rc::clone(&own);
            async move {
                own.borrow().as_ref().unwrap().cancel();
                Bomb("value")
            }
        });
        *own.borrow_mut() = Some(task);
        yield_now().await;
        yield_now().await;
        let task = own.take().unwrap();
        assert!(task.is_done(), "the task has ended");
        message(task.await)
    });
    assert_eq!(ended, "value");
}

/// A future whose end and whose value both panic when they are dropped.
struct Doomed(Option<Bomb>, Bomb);

impl Future for Doomed {
    type Output = Bomb;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Bomb> {
        let _ = &self.1;
        Poll::Ready(self.0.take().unwrap())
    }
}

#[test]
fn a_future_and_its_value_may_both_panic_when_they_are_dropped() {
    let ended = run(async {
        let mut task = spawn(Doomed(Some(Bomb("value")), Bomb("future")));
        yield_now().await;
        yield_now().await;
        assert!(task.is_done(), "the task has ended");
        message((&mut task).await)
    });
    assert_eq!(ended, "future");
}

#[test]
fn a_detached_tasks_value_that_panics_when_it_is_dropped_harms_no_other() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    spawn_on(&handle, async { Bomb("nobody's") }).detach();
    let other = spawn_on(&handle, async { 7 });
    assert_eq!(event_loop.run_until_complete(other).unwrap().unwrap(), 7);
    assert_eq!(told.take(), ["a call-back panicked: nobody's"]);
    assert_nothing_left(&handle);
}

#[test]
fn an_outcome_that_panics_when_its_handle_is_dropped_is_dropped_once() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, async { Bomb("unread") });
    turn(&mut event_loop);
    assert!(task.is_done());
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(task))).unwrap_err();
    assert_eq!(dropped.downcast_ref(), Some(&"unread"));
    assert_nothing_left(&handle);
}

#[test]
fn a_context_that_panics_when_its_last_task_is_gone_takes_nothing_along() {
    static HELD: ContextVar<Rc<Bomb>> = ContextVar::new("held");

    let (mut event_loop, handle, _) = virtual_loop();
    for _ in 0..3 {
        // What leaks is for AddressSanitizer to find.
        let task = spawn_on(&handle, async { drop(HELD.set(Rc::new(Bomb("context")))) });
        turn(&mut event_loop);
        assert!(task.is_done());
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(task))).unwrap_err();
        assert_eq!(dropped.downcast_ref(), Some(&"context"));
    }
    assert_nothing_left(&handle);
}

/// Panics instead.
struct Rude;

impl Wake for Rude {
    fn wake(self: Arc<Self>) {
        panic_any("rude waker");
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_from_hearing_of_the_end() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let task = Rc::new(RefCell::new(spawn_on(&handle, async {
        yield_now().await;
        yield_now().await;
        7
    })));
    let look = |waker: &Waker| {
        let mut context = Context::from_waker(waker);
        assert!(Pin::new(&mut *task.borrow_mut()).poll(&mut context).is_pending());
    };
    look(&Waker::from(Arc::new(Rude)));
    let log = Log::default();
    let waits = {
        let (task, log) = (Rc::clone(&task), log.clone());
        let mut first = true;
        spawn_on(
            &handle,
            poll_fn(move |context| {
                // By a waker that is not a task's: it stands behind the rude one.
                if std::mem::take(&mut first) {
                    let waker = context.waker().clone();
                    let waker = Waker::from(Arc::new(Forward(waker)));
                    let mut context = Context::from_waker(&waker);
                    return Pin::new(&mut *task.borrow_mut()).poll(&mut context).map(drop);
                }
                log.add("woken");
                Poll::Ready(())
            }),
        )
    };
    for _ in 0..6 {
        turn(&mut event_loop);
    }
    assert_eq!(log.take(), ["woken"]);
    assert_eq!(told.take(), ["a waker panicked at a task's end: rude waker"]);
    assert!(waits.is_done());
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_from_hearing_that_the_task_is_to_stop() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, async {
        let mut rude = Box::pin(stop_requested());
        let waker = Waker::from(Arc::new(Rude));
        assert!(rude.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        stop_requested().await;
    });
    turn(&mut event_loop);
    task.request_stop();
    turn(&mut event_loop);
    assert!(task.is_done());
}

#[test]
fn a_groups_waker_that_panics_is_no_childs_panic() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let task = spawn_on(&handle, async {
        let mut group = Box::pin(TaskGroup::scope(async |group| {
            let child = group.spawn(async {
                yield_now().await;
                Ok::<_, Infallible>(7)
            });
            Ok(child.await)
        }));
        // Polled by a combinator of somebody else's making, and then as it should be.
        let waker = Waker::from(Arc::new(Rude));
        for _ in 0..2 {
            assert!(group.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        group.await.unwrap()
    });
    for _ in 0..6 {
        turn(&mut event_loop);
    }
    assert!(task.is_done());
    assert_eq!(told.take()[0], "the waker of a group panicked: rude waker");
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), 7);
}

struct Forward(Waker);

impl Wake for Forward {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

#[test]
fn a_call_back_that_panics_when_it_is_dropped_at_close_keeps_no_task_from_ending() {
    let (mut event_loop, handle, _) = virtual_loop();
    let bomb = Bomb("call-back");
    handle.call_soon(move || drop(bomb));
    let task = spawn_on(&handle, pending::<()>());
    let closed = catch_unwind(AssertUnwindSafe(|| event_loop.close())).unwrap_err();
    assert_eq!(closed.downcast_ref(), Some(&"call-back"));
    assert!(task.is_cancelled());
}
