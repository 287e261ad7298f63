//! Two loops in one thread: a task of the one knows the other's from its own.

mod support;

use std::{
    cell::RefCell,
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
    time::Duration,
};

use roundel_executor::{JoinError, sleep, spawn_on, yield_now};

use support::{Log, MS, turn, virtual_loop};

#[test]
fn a_task_may_await_the_task_of_another_loop_that_has_its_number() {
    let (mut one, one_handle, _) = virtual_loop();
    let (mut other, other_handle, _) = virtual_loop();
    let there = spawn_on(&other_handle, async {
        yield_now().await;
        7
    });
    let here = spawn_on(&one_handle, there);
    assert_eq!(here.id(), 1);
    turn(&mut one);
    turn(&mut other);
    turn(&mut other);
    assert_eq!(one.run_until_complete(here).unwrap().unwrap().unwrap(), 7);
}

#[test]
fn who_awaits_a_task_of_a_loop_that_is_closed_hears_of_it() {
    let (mut one, one_handle, _) = virtual_loop();
    let (other, other_handle, _) = virtual_loop();
    let there = spawn_on(&other_handle, pending::<()>());
    let here = spawn_on(&one_handle, there);
    turn(&mut one);
    drop(other);
    turn(&mut one);
    turn(&mut one);
    assert!(here.is_done());
    assert!(one.run_until_complete(here).unwrap().unwrap().unwrap_err().is_cancelled());
}

#[test]
fn a_task_that_is_spawned_on_another_loop_has_no_parent_there() {
    let (mut one, one_handle, _) = virtual_loop();
    let (mut other, other_handle, _) = virtual_loop();
    let native = spawn_on(&other_handle, pending::<()>());
    let spawned = spawn_on(&one_handle, async move {
        let task = spawn_on(&other_handle, pending::<()>());
        (task.id(), task)
    });
    let (id, _foreign) = one.run_until_complete(spawned).unwrap().unwrap();
    let parents = spawn_on(&other.handle(), async move {
        let tasks = roundel_executor::all_tasks();
        tasks.iter().find(|task| task.id == id).unwrap().parent
    });
    assert_eq!(other.run_until_complete(parents).unwrap().unwrap(), None);
    drop(native);
}

/// Runs what it holds when it is dropped.
struct AtDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn a_loop_that_runs_while_another_is_closed_hears_every_wake() {
    let (one, handle, _) = virtual_loop();
    let log = Log::default();
    let at_drop = AtDrop({
        let log = log.clone();
        move || {
            // As the first task of the closing loop, so may be its ticket.
            let (mut inner, handle, _) = virtual_loop();
            let task = spawn_on(&handle, async { sleep(MS).await });
            handle.call_later(Duration::from_secs(1), {
                let handle = handle.clone();
                move || handle.stop()
            });
            log.add(match inner.run_until_complete(task) {
                Ok(Ok(())) => "slept",
                _ => "overslept",
            });
        }
    });
    let task = spawn_on(&handle, async move {
        let _at_drop = at_drop;
        pending::<()>().await;
    });
    let mut one = one;
    turn(&mut one);
    drop(one);
    assert_eq!(log.take(), ["slept"]);
    assert!(task.is_cancelled());
}

#[test]
fn a_loop_closed_within_anothers_task_is_closed_like_any_other() {
    let (mut one, one_handle, _) = virtual_loop();
    let (mut other, other_handle, _) = virtual_loop();
    let log = Log::default();
    let waker = Rc::new(RefCell::new(None));
    let there = spawn_on(&other_handle, {
        let (log, waker) = (log.clone(), Rc::clone(&waker));
        async move {
            let _at_drop = AtDrop(move || {
                log.add("dropped");
                let waker: std::task::Waker = waker.take().unwrap();
                waker.wake();
            });
            pending::<()>().await;
        }
    });
    turn(&mut other);
    let here = spawn_on(&one_handle, {
        let log = log.clone();
        let mut closing = Some((other, other_handle, there));
        poll_fn(move |context| {
            let Some((other, handle, there)) = closing.take() else { return Poll::Ready(()) };
            *waker.borrow_mut() = Some(context.waker().clone());
            drop((other, handle));
            log.add(there.is_cancelled());
            // Its block may go to this loop's tasks to come.
            drop(there);
            Poll::Pending
        })
    });
    one.run_until_complete(here).unwrap().unwrap();
    assert_eq!(log.take(), ["dropped", "true"]);
    for _ in 0..3 {
        let task = spawn_on(&one_handle, yield_now());
        one.run_until_complete(task).unwrap().unwrap();
    }
}

#[test]
fn a_handle_may_be_dropped_within_another_loop() {
    let (mut one, one_handle, _) = virtual_loop();
    let (mut other, other_handle, _) = virtual_loop();
    let living = spawn_on(&other_handle, yield_now());
    let done = spawn_on(&other_handle, async { vec![7; 70] });
    turn(&mut other);
    assert!(done.is_done() && !living.is_done());
    let outlives: Result<Vec<i32>, JoinError> = one
        .run_until_complete(spawn_on(&one_handle, async move {
            drop(living);
            let mut done = pin!(done);
            poll_fn(|context| Pin::new(&mut *done).poll(context)).await
        }))
        .unwrap()
        .unwrap();
    assert_eq!(outlives.unwrap(), [7; 70]);
    turn(&mut other);
    assert_eq!(roundel_executor::statistics(&other_handle).tasks, 0);
}
