//! Children of a group: whose turn it is, who wakes whom, and that none outlives its owner.
#![allow(clippy::unit_arg)] // a child's last act may stand in its `Ok`

mod support;

use std::{
    cell::Cell,
    convert::Infallible,
    future::{Future, pending, poll_fn},
    mem,
    pin::pin,
    rc::Rc,
    sync::mpsc,
    task::{Context, Poll, Waker},
    thread,
};

use futures::{FutureExt, future};
use roundel_executor::{
    AsyncExit, TaskGroup, WaitsFor, all_tasks, cancel_all, gather, sleep, spawn, spawn_on,
    statistics, timeout, with, yield_now,
};
use roundel_sim::cancel_at_every_await;
use support::{Log, MS, assert_nothing_left, reports, run_leaving_nothing, virtual_loop};

/// Counts how many of its kind live.
struct Alive(Rc<Cell<usize>>);

impl Alive {
    fn new(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Its exit takes a while and is counted.
struct Slow(Rc<Cell<usize>>);

impl AsyncExit for Slow {
    async fn exit(self) {
        sleep(MS).await;
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_first_step_is_made_in_the_next_turn_in_order_of_spawning() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome = TaskGroup::scope(async |group| {
            for number in 0..3 {
                let log = &log;
                group.spawn(async move { Ok::<_, Infallible>(log.add(number)) });
            }
            assert!(log.take().is_empty());
            yield_now().await;
            assert_eq!(log.take(), ["0", "1", "2"]);
            Ok(())
        });
        outcome.await.unwrap();
    });
}

#[test]
fn children_have_their_turns_in_the_order_in_which_they_are_woken() {
    run_leaving_nothing(async {
        let log = Log::default();
        let wakers: [Cell<Option<Waker>>; 3] = Default::default();
        let outcome = TaskGroup::scope(async |group| {
            for (number, place) in wakers.iter().enumerate() {
                let (log, mut waited) = (&log, false);
                group.spawn(async move {
                    let parked = poll_fn(|context| {
                        place.set(Some(context.waker().clone()));
                        if mem::replace(&mut waited, true) {
                            Poll::Ready(())
                        } else {
                            Poll::Pending
                        }
                    });
                    parked.await;
                    Ok::<_, Infallible>(log.add(number))
                });
            }
            sleep(MS).await;
            for number in [2, 0, 2, 1] {
                if let Some(waker) = wakers[number].take() {
                    waker.wake_by_ref();
                    waker.wake(); // twice is once
                }
            }
            Ok(())
        });
        outcome.await.unwrap();
        assert_eq!(log.take(), ["2", "0", "1"]);
    });
}

/// Logs its name when it is dropped.
struct Named(u32, Log);

impl Drop for Named {
    fn drop(&mut self) {
        self.1.add(self.0);
    }
}

#[test]
fn children_are_cancelled_and_dropped_in_the_order_of_their_numbers() {
    run_leaving_nothing(async {
        for cancel in [true, false] {
            let log = Log::default();
            let scope = TaskGroup::scope(async |group| {
                let spawn = |number| {
                    let named = Named(number, log.clone());
                    group.spawn::<(), _>(async move {
                        let _named = named;
                        pending().await
                    })
                };
                let first = spawn(1);
                spawn(2);
                first.cancel().await;
                spawn(3); // where the first was kept
                yield_now().await;
                match cancel {
                    true => Ok::<_, Infallible>(group.cancel()),
                    false => pending().await,
                }
            });
            assert_eq!(timeout(MS, scope).await.is_ok(), cancel);
            assert_eq!(log.take(), ["1", "2", "3"]);
        }
    });
}

#[test]
fn a_childs_wait_is_not_taken_for_its_owners() {
    run_leaving_nothing(async {
        let owner = spawn(async {
            let children = gather((1..=3).map(async |ms| sleep(ms * MS).await));
            future::join(sleep(5 * MS), children).await
        });
        let waits_for = |owner| {
            let tasks = all_tasks();
            tasks.iter().find(|task| task.id == owner).unwrap().waits_for
        };
        sleep(2 * MS + MS / 2).await;
        assert_eq!(waits_for(owner.id()), WaitsFor::Children(1));
        sleep(MS).await;
        assert!(matches!(waits_for(owner.id()), WaitsFor::Time(_)));
        owner.await.unwrap();
    });
}

#[test]
fn a_child_that_is_always_ready_holds_up_nobody() {
    run_leaving_nothing(async {
        let other = spawn(async {
            for _ in 0..3 {
                yield_now().await;
            }
        });
        let outcome = TaskGroup::scope(async |group| {
            let busy = group.clone();
            group.spawn(async move {
                while !busy.is_empty() {
                    yield_now().await;
                }
                Ok::<_, Infallible>(())
            });
            other.await.unwrap();
            Ok(group.cancel())
        });
        outcome.await.unwrap();
    });
}

#[test]
fn a_wake_polls_that_child_and_no_other() {
    run_leaving_nothing(async {
        const CHILDREN: u32 = 500;
        let polls = Cell::new(0);
        let outcome = TaskGroup::scope(async |group| {
            for ms in 1..=CHILDREN {
                let polls = &polls;
                group.spawn(async move {
                    let mut sleeping = pin!(sleep(ms * MS));
                    poll_fn(|context| {
                        polls.set(polls.get() + 1);
                        sleeping.as_mut().poll(context)
                    })
                    .await;
                    Ok::<_, Infallible>(())
                });
            }
            Ok(())
        });
        outcome.await.unwrap();
        assert_eq!(polls.get(), 2 * CHILDREN);
    });
}

#[test]
fn other_threads_wake_children() {
    run_leaving_nothing(async {
        let (to_thread, from_loop) = mpsc::channel::<Waker>();
        let thread = thread::spawn(move || from_loop.into_iter().for_each(Waker::wake));
        let outcome = TaskGroup::scope(async |group| {
            for _ in 0..50 {
                let (to_thread, mut sent) = (to_thread.clone(), false);
                group.spawn(async move {
                    let woken = poll_fn(|context| {
                        if mem::replace(&mut sent, true) {
                            return Poll::Ready(());
                        }
                        to_thread.send(context.waker().clone()).unwrap();
                        Poll::Pending
                    });
                    Ok::<_, Infallible>(woken.await)
                });
            }
            Ok(())
        });
        outcome.await.unwrap();
        drop(to_thread);
        thread.join().unwrap();
    });
}

#[test]
fn wakers_that_outlive_their_child_reach_nobody() {
    run_leaving_nothing(async {
        let kept = Cell::new(None);
        let outcome = TaskGroup::scope(async |group| {
            group.spawn(poll_fn(|context| {
                kept.set(Some(context.waker().clone()));
                context.waker().wake_by_ref(); // it will be done by then
                Poll::Ready(Ok::<_, Infallible>(()))
            }));
            // Takes over the place of the first, which is still called for.
            yield_now().await;
            Ok(group.spawn(sleep(MS).map(Ok)).await)
        });
        outcome.await.unwrap();
        kept.take().unwrap().wake();
    });
}

#[test]
fn dropping_the_scope_drops_children_and_hands_on_their_clean_up() {
    run_leaving_nothing(async {
        let (alive, exits) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let scope = TaskGroup::scope(async |group| {
            for _ in 0..3 {
                let (alive, exits) = (Alive::new(&alive), Slow(Rc::clone(&exits)));
                let inner = group.clone(); // holds the group in a circle
                group.spawn::<(), _>(async move {
                    let _held = (alive, inner);
                    with(exits, async |_| pending().await).await
                });
            }
            pending::<Result<(), Infallible>>().await
        });
        timeout(MS, scope).await.unwrap_err();
        assert_eq!((alive.get(), exits.get()), (0, 3), "the timeout has awaited the clean-up");
    });
}

#[test]
fn a_panic_in_a_destructor_does_not_keep_the_other_children_alive() {
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a bad destructor");
        }
    }

    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let task = spawn_on(&handle, async {
        let alive = Rc::new(Cell::new(0));
        let scope = TaskGroup::scope(async |group| {
            for _ in 0..2 {
                let held = (Alive::new(&alive), Bomb);
                group.spawn::<(), _>(async move {
                    let _held = held;
                    pending().await
                });
            }
            pending::<Result<(), Infallible>>().await
        });
        timeout(MS, scope).await.unwrap_err();
        assert_eq!(alive.get(), 0);
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(told.take(), ["a child panicked when it was dropped: a bad destructor"; 2]);
    assert_nothing_left(&handle);
}

#[test]
fn a_forgotten_scope_leaks_and_harms_nobody() {
    let (mut event_loop, handle, _) = virtual_loop();
    let alive = Rc::new(Cell::new(0));
    let counted = Rc::clone(&alive);
    let task = spawn_on(&handle, async move {
        let polls = Rc::new(Cell::new(0));
        let kept = Rc::new(Cell::new(None));
        {
            let (polls, kept) = (Rc::clone(&polls), Rc::clone(&kept));
            let mut scope = Box::pin(TaskGroup::scope(async move |group| {
                let alive = Alive::new(&counted);
                group.spawn::<(), _>(async move {
                    let _alive = alive;
                    poll_fn(|context| {
                        polls.set(polls.get() + 1);
                        kept.set(Some(context.waker().clone()));
                        Poll::Pending
                    })
                    .await
                });
                pending::<Result<(), Infallible>>().await
            }));
            poll_fn(|context| Poll::Ready(scope.as_mut().poll(context).is_pending())).await;
            poll_fn(|context| Poll::Ready(scope.as_mut().poll(context).is_pending())).await;
            mem::forget(scope);
        }
        let waker = kept.take().unwrap();
        for _ in 0..3 {
            waker.wake_by_ref();
            yield_now().await;
        }
        assert_eq!(polls.get(), 1, "nobody polls it any more");
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    event_loop.run_until_complete(cancel_all(&handle)).unwrap();
    assert_eq!(statistics(&handle).tasks, 1);
    drop(event_loop);
    assert_eq!(alive.get(), 1, "leaked");
}

#[test]
fn a_closed_loop_drops_scopes_with_their_children() {
    let (mut event_loop, handle, _) = virtual_loop();
    let alive = Rc::new(Cell::new(0));
    let counted = Rc::clone(&alive);
    let scope = TaskGroup::scope(async move |group| {
        for _ in 0..3 {
            let alive = Alive::new(&counted);
            group.spawn::<(), _>(async move {
                let _alive = alive;
                with(Slow(Rc::default()), async |_| pending().await).await
            });
        }
        gather((0..3).map(|_| pending::<Result<(), Infallible>>())).await.pop().unwrap()
    });
    let _task = spawn_on(&handle, scope);
    event_loop.run_until_complete(sleep_soon()).unwrap();
    assert_eq!(alive.get(), 3);
    drop(event_loop);
    assert_eq!(alive.get(), 0);
    assert_eq!(statistics(&handle).tasks, 0);
}

async fn sleep_soon() {
    sleep(MS).await;
}

#[test]
fn cancelling_every_task_ends_groups_too() {
    let (mut event_loop, handle, _) = virtual_loop();
    let exits = Rc::new(Cell::new(0));
    let counted = Rc::clone(&exits);
    let task = spawn_on(&handle, async move {
        TaskGroup::scope(async |group| {
            for _ in 0..3 {
                let exit = Slow(Rc::clone(&counted));
                group.spawn::<(), _>(async move { with(exit, async |_| pending().await).await });
            }
            Ok::<(), Infallible>(())
        })
        .await
    });
    event_loop
        .run_until_complete(async {
            sleep(MS).await;
            cancel_all(&handle).await;
        })
        .unwrap();
    assert!(task.is_cancelled());
    assert_eq!(exits.get(), 3);
    assert_nothing_left(&handle);
}

#[test]
fn a_scope_that_is_dropped_at_any_await_leaves_nothing() {
    cancel_at_every_await(|cut| {
        let (alive, entered, exits) = (Rc::default(), Rc::new(Cell::new(0)), Rc::default());
        let counts = (Rc::clone(&alive), Rc::clone(&entered), Rc::clone(&exits));
        run_leaving_nothing(async move {
            let (alive, entered, exits) = counts;
            let scope = TaskGroup::scope(async |group| {
                group.limit(2);
                for ms in 1..=3 {
                    let (alive, exits) = (Alive::new(&alive), Slow(Rc::clone(&exits)));
                    let entered = &entered;
                    let child = group.spawn_when_free(async move {
                        let _alive = alive;
                        entered.set(entered.get() + 1);
                        with(exits, async |_| Ok::<_, Infallible>(sleep(ms * MS).await)).await
                    });
                    child.await;
                }
                let mut results = group.results();
                results.spawn("key", sleep(MS).map(Ok));
                futures::StreamExt::next(&mut results).await;
                Ok(())
            });
            let inner = TaskGroup::scope(async |group| {
                let scope = group.spawn(async { Ok::<_, Infallible>(cut.short(scope).await) });
                Ok(scope.await)
            });
            drop(inner.await);
        });
        assert_eq!(alive.get(), 0);
        assert_eq!(entered.get(), exits.get(), "each clean-up runs once");
    });
}

#[test]
fn a_scope_may_be_handed_from_one_task_to_another() {
    run_leaving_nothing(async {
        let mut scope = Box::pin(TaskGroup::scope(async |group| {
            let child = group.spawn(sleep(2 * MS).map(|()| Ok("moved")));
            Ok::<_, Infallible>(child.await)
        }));
        future::poll_immediate(&mut scope).await;
        timeout(MS, &mut scope).await.unwrap_err();
        assert_eq!(spawn(scope).await.unwrap().unwrap(), "moved");
    });
}

#[test]
fn a_group_needs_a_loop() {
    let mut scope = pin!(TaskGroup::scope(async |_| Ok::<_, Infallible>(())));
    let mut context = Context::from_waker(Waker::noop());
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = scope.as_mut().poll(&mut context);
    }));
    assert!(polled.is_err());
}
