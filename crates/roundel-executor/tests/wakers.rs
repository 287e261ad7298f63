//! Wakers: a number each, that may be used anywhere, for as long as anybody likes.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::{pending, poll_fn},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Poll, Waker},
    thread,
};

use roundel_executor::{sleep, spawn, spawn_on, statistics, yield_now};
use roundel_loop::LoopHandle;
use support::{MS, assert_nothing_left, run, turn, virtual_loop};

/// The waker of the task that awaits this.
async fn my_waker() -> Waker {
    poll_fn(|context| Poll::Ready(context.waker().clone())).await
}

#[test]
fn a_wake_from_another_thread_reaches_a_loop_that_sleeps() {
    for _ in 0..100 {
        let (mut event_loop, handle, _) = virtual_loop();
        let mut asked = None;
        let task = spawn_on(
            &handle,
            poll_fn(move |context| match asked.replace(()) {
                Some(()) => Poll::Ready("woken"),
                None => {
                    let waker = context.waker().clone();
                    thread::spawn(move || waker.wake());
                    Poll::Pending
                }
            }),
        );
        // There is no timer and no other work: a lost wake would hang here.
        assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), "woken");
    }
}

#[test]
fn a_promise_kept_by_another_thread_wakes_the_task_that_awaits_it() {
    run(async {
        let (promise, promised) = roundel_promise::promise();
        let (go, gone) = mpsc::channel();
        let thread = thread::spawn(move || {
            gone.recv().unwrap();
            promise.set(thread::current().id()).unwrap();
        });
        let waits = spawn(promised);
        yield_now().await;
        go.send(()).unwrap();
        assert_eq!(waits.await.unwrap().unwrap(), thread.thread().id());
        thread.join().unwrap();
    });
}

#[test]
fn wakers_that_outlive_their_task_or_their_loop_reach_nobody() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, my_waker());
    let stale = event_loop.run_until_complete(task).unwrap().unwrap();
    // The seat is taken by another task now, whose waker is another.
    let polls = Rc::new(Cell::new(0));
    let heir = spawn_on(&handle, {
        let polls = Rc::clone(&polls);
        poll_fn(move |context| {
            polls.set(polls.get() + 1);
            assert!(!context.waker().will_wake(&stale));
            stale.wake_by_ref();
            Poll::<()>::Pending
        })
    });
    for _ in 0..3 {
        turn(&mut event_loop);
    }
    assert_eq!(polls.get(), 1);

    let kept: Rc<RefCell<Option<Waker>>> = Rc::default();
    let last = spawn_on(&handle, {
        let kept = Rc::clone(&kept);
        async move {
            *kept.borrow_mut() = Some(my_waker().await);
            pending::<()>().await;
        }
    });
    turn(&mut event_loop);
    drop((event_loop, handle));
    let waker = kept.take().unwrap();
    waker.wake_by_ref();
    thread::spawn(move || waker.wake()).join().unwrap();
    assert!(heir.is_cancelled() && last.is_cancelled());
}

#[test]
fn a_waker_wakes_its_own_loop_from_within_another() {
    let (mut one, handle, _) = virtual_loop();
    let waker: Rc<RefCell<Option<Waker>>> = Rc::default();
    let waits = spawn_on(&handle, {
        let waker = Rc::clone(&waker);
        let woken = Cell::new(false);
        poll_fn(move |context| {
            if woken.replace(true) {
                return Poll::Ready(());
            }
            *waker.borrow_mut() = Some(context.waker().clone());
            Poll::Pending
        })
    });
    turn(&mut one);
    // The task has the same place in the other loop as in its own.
    run(async move { waker.take().unwrap().wake() });
    assert!(!waits.is_done());
    turn(&mut one);
    assert!(waits.is_done());
}

#[test]
fn many_wakes_between_two_steps_are_one_step() {
    let (mut event_loop, handle, _) = virtual_loop();
    let polls = Rc::new(Cell::new(0));
    let task = spawn_on(&handle, {
        let polls = Rc::clone(&polls);
        poll_fn(move |context| {
            polls.set(polls.get() + 1);
            for _ in 0..1000 {
                context.waker().wake_by_ref();
            }
            if polls.get() < 3 { Poll::Pending } else { Poll::Ready(()) }
        })
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(polls.get(), 3);
    assert_nothing_left(&handle);
}

#[test]
fn none_of_a_million_wakes_is_lost() {
    const THREADS: usize = 4;
    const EACH: usize = 250_000;
    let (mut event_loop, handle, _) = virtual_loop();
    let woken = Arc::new(AtomicUsize::new(0));
    let task = spawn_on(&handle, {
        let woken = Arc::clone(&woken);
        let mut begun = false;
        poll_fn(move |context| {
            if !std::mem::replace(&mut begun, true) {
                for _ in 0..THREADS {
                    let (waker, woken) = (context.waker().clone(), Arc::clone(&woken));
                    thread::spawn(move || {
                        for _ in 0..EACH {
                            woken.fetch_add(1, Ordering::Relaxed);
                            waker.wake_by_ref();
                        }
                    });
                }
            }
            if woken.load(Ordering::Relaxed) < THREADS * EACH {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
    });
    // The last wake comes after the last count: if it is lost, this hangs.
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(woken.load(Ordering::Relaxed), THREADS * EACH);
}

#[test]
fn a_million_turns_of_one_task_and_a_thousand_tasks_leave_nothing() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, async {
        for _ in 0..1_000_000 {
            yield_now().await;
        }
        let tasks: Vec<_> = (0..1000).map(|n| spawn(async move { sleep(n * MS).await })).collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(statistics(&LoopHandle::current()).tasks, 1);
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert!(statistics(&handle).wakes >= 1_000_000);
    assert_nothing_left(&handle);
}
