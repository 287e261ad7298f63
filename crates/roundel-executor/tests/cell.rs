//! Where futures and outcomes lie: in place, aligned, dropped once and in order, whatever their
//! size, and whoever outlives whom.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    marker::PhantomPinned,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use roundel_executor::{
    AsyncExit, Builder, Task, sleep, spawn, spawn_on, stop_requested, with, yield_now,
};

use support::{Log, MS, assert_nothing_left, run, turn, virtual_loop};

const AGES: Duration = Duration::from_secs(3600);

/// Says when it is dropped.
struct Drops(Log, &'static str);

impl Drop for Drops {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// A future that looks at where it lies, at each poll and when it is dropped.
struct Placed<T> {
    polls: Cell<usize>,
    first: Cell<usize>,
    value: Cell<Option<T>>,
    _pinned: PhantomPinned,
}

impl<T> Placed<T> {
    fn new(value: T) -> Self {
        let (polls, first) = (Cell::new(0), Cell::new(0));
        Self { polls, first, value: Cell::new(Some(value)), _pinned: PhantomPinned }
    }

    fn look(&self) {
        let here = (&raw const *self).addr();
        assert_eq!(here % align_of::<Self>(), 0, "aligned");
        let first = self.first.replace(here);
        assert!(first == 0 || first == here, "it was moved");
    }
}

impl<T> Future for Placed<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.as_ref().get_ref();
        this.look();
        this.polls.set(this.polls.get() + 1);
        if this.polls.get() < 3 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(this.value.take().unwrap())
    }
}

impl<T> Drop for Placed<T> {
    fn drop(&mut self) {
        if self.first.get() != 0 {
            self.look();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(32))]
struct Wide(u8);

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(4096))]
struct Page(u8);

/// Runs it, cancels it, drops it unpolled, and closes a loop with it.
fn put_through_its_paces<T: Clone + PartialEq + std::fmt::Debug + 'static>(value: &T) {
    let (mut event_loop, handle, _) = virtual_loop();
    for _ in 0..3 {
        let task = spawn_on(&handle, Placed::new(value.clone()));
        let outcome = event_loop.run_until_complete(task).unwrap().unwrap();
        assert_eq!((&raw const outcome).addr() % align_of::<T>(), 0);
        assert_eq!(outcome, *value);
    }
    let cancelled = spawn_on(&handle, Placed::new(value.clone()));
    turn(&mut event_loop);
    cancelled.cancel();
    assert!(event_loop.run_until_complete(cancelled).unwrap().unwrap_err().is_cancelled());
    let unread = spawn_on(&handle, Placed::new(value.clone()));
    for _ in 0..3 {
        turn(&mut event_loop);
    }
    assert!(unread.is_done());
    let polled = spawn_on(&handle, Placed::new(value.clone()));
    turn(&mut event_loop);
    let unpolled = spawn_on(&handle, Placed::new(value.clone()));
    drop((event_loop, handle));
    assert!(polled.is_cancelled() && unpolled.is_cancelled());
}

#[test]
fn a_future_lies_where_it_is_aligned_and_never_moves() {
    put_through_its_paces(&());
    put_through_its_paces(&7_u8);
    put_through_its_paces(&"a string".to_owned());
    put_through_its_paces(&u128::MAX);
    put_through_its_paces(&Wide(7));
    put_through_its_paces(&Page(7));
    put_through_its_paces(&[7_u8; 20_000]);
}

#[test]
fn blocks_of_all_sizes_are_used_again_each_for_its_own() {
    fn of<const SIZE: usize>(log: &Log) -> Task<[u8; SIZE]> {
        let log = log.clone();
        spawn(async move {
            let bytes = [SIZE as u8; SIZE];
            yield_now().await;
            let _ = log;
            bytes
        })
    }
    run(async {
        let log = Log::default();
        for _ in 0..50 {
            let tasks = (of::<0>(&log), of::<1>(&log), of::<8>(&log), of::<16>(&log));
            let more = (of::<100>(&log), of::<107>(&log), of::<150>(&log), of::<1000>(&log));
            assert_eq!(more.3.await.unwrap(), [1000_usize as u8; 1000]);
            assert_eq!(tasks.3.await.unwrap(), [16; 16]);
            drop(tasks.0);
            assert_eq!(more.1.await.unwrap(), [107; 107]);
            assert_eq!(more.0.await.unwrap(), [100; 100]);
            assert_eq!(tasks.2.await.unwrap(), [8; 8]);
        }
    });
}

#[test]
fn more_blocks_than_are_kept_come_and_go() {
    let (mut event_loop, handle, _) = virtual_loop();
    for _ in 0..3 {
        let tasks: Vec<_> = (0..3000).map(|it| spawn_on(&handle, async move { it })).collect();
        turn(&mut event_loop);
        assert!(tasks.iter().all(Task::is_done));
    }
    assert_nothing_left(&handle);
}

#[test]
fn a_future_is_dropped_before_whoever_waits_hears_of_its_end_and_its_value_comes_after() {
    let log = Log::default();
    run({
        let log = log.clone();
        async move {
            let task = spawn({
                let (future, value) = (Drops(log.clone(), "future"), Drops(log.clone(), "value"));
                async move {
                    let _future = future;
                    value
                }
            });
            let value = task.await.unwrap();
            log.add("awaited");
            drop(value);
        }
    });
    assert_eq!(log.take(), ["future", "awaited", "value"]);
}

#[test]
fn a_handle_outlives_its_loop_with_what_the_task_has_come_to() {
    let log = Log::default();
    let (mut event_loop, handle, _) = virtual_loop();
    let mut done = spawn_on(&handle, {
        let value = Drops(log.clone(), "value");
        async move { value }
    });
    turn(&mut event_loop);
    let mut waits = spawn_on(&handle, {
        let future = Drops(log.clone(), "future");
        async move {
            let _future = future;
            pending::<()>().await;
        }
    });
    turn(&mut event_loop);
    drop((event_loop, handle));
    assert_eq!(log.take(), ["future"]);
    assert!(done.is_done() && !done.is_cancelled() && waits.is_cancelled());
    assert!(!done.cancel() && !waits.cancel());
    waits.set_name("late");
    assert_eq!((waits.name().as_str(), waits.id()), ("late", 2));

    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(outcome) = Pin::new(&mut waits).poll(&mut context) else { panic!("done") };
    assert!(outcome.unwrap_err().is_cancelled());
    let Poll::Ready(outcome) = Pin::new(&mut done).poll(&mut context) else { panic!("done") };
    let taken_twice = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut done).poll(&mut context)));
    assert!(taken_twice.is_err());
    drop((done, waits));
    assert!(log.take().is_empty());
    drop(outcome);
    assert_eq!(log.take(), ["value"]);
}

struct Slow(Log);

impl AsyncExit for Slow {
    async fn exit(self) {
        let _exit = Drops(self.0.clone(), "exit is dropped");
        self.0.add("exits");
        sleep(AGES).await;
        self.0.add("has left");
    }
}

#[test]
fn a_loop_may_be_closed_while_a_task_cleans_up() {
    let log = Log::default();
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, {
        let log = log.clone();
        async move {
            let value = Drops(log.clone(), "value");
            let _ = futures::poll!(std::pin::pin!(with(Slow(log), async |_| {
                pending::<()>().await;
            })));
            value
        }
    });
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["exits"]);
    assert!(!task.is_done());
    drop((event_loop, handle));
    assert_eq!(log.take(), ["value", "exit is dropped"]);
    assert!(task.is_cancelled());
}

#[test]
fn tasks_that_hold_each_others_handles_are_dropped_with_their_loop() {
    let log = Log::default();
    let (mut event_loop, handle, _) = virtual_loop();
    let tasks: Rc<RefCell<Vec<Task<()>>>> = Rc::default();
    for name in ["one", "other"] {
        let (all, drops, handle_too) =
            (Rc::clone(&tasks), Drops(log.clone(), name), handle.clone());
        tasks.borrow_mut().push(spawn_on(&handle, async move {
            let _held = (all, drops, handle_too);
            pending::<()>().await;
        }));
    }
    drop(tasks);
    turn(&mut event_loop);
    drop((event_loop, handle));
    assert_eq!(log.take(), ["one", "other"]);
}

#[test]
fn a_destructor_at_close_may_do_with_tasks_what_it_likes() {
    struct Meddler(Rc<RefCell<Vec<Task<()>>>>, roundel_loop::LoopHandle);

    impl Drop for Meddler {
        fn drop(&mut self) {
            let tasks = self.0.take();
            tasks.iter().for_each(|task| {
                task.cancel();
                task.set_name("meddled with");
            });
            // Not the first: a task that awaits itself panics.
            for mut task in tasks.into_iter().skip(1) {
                let mut context = Context::from_waker(Waker::noop());
                let _ = Pin::new(&mut task).poll(&mut context);
            }
            let refused = AssertUnwindSafe(|| spawn_on(&self.1, async {}).detach());
            assert!(catch_unwind(refused).is_err());
        }
    }

    let (mut event_loop, handle, _) = virtual_loop();
    let tasks: Rc<RefCell<Vec<Task<()>>>> = Rc::default();
    for _ in 0..3 {
        let meddler = Meddler(Rc::clone(&tasks), handle.clone());
        let task = spawn_on(&handle, async move {
            let _meddler = meddler;
            pending::<()>().await;
        });
        tasks.borrow_mut().push(task);
    }
    turn(&mut event_loop);
    drop(event_loop);
    assert!(tasks.take().is_empty());
    assert_nothing_left(&handle);
}

#[test]
fn a_future_may_drop_its_own_handle_and_cancel_itself_while_it_is_polled() {
    let log = Log::default();
    let (mut event_loop, handle, _) = virtual_loop();
    let own: Rc<Cell<Option<Task<Drops>>>> = Rc::default();
    let task = spawn_on(&handle, {
        let (own, log) = (Rc::clone(&own), log.clone());
        poll_fn(move |context| {
            let task = own.take().unwrap();
            assert!(task.cancel());
            context.waker().wake_by_ref();
            drop(task);
            Poll::Ready(Drops(log.clone(), "value"))
        })
    });
    own.set(Some(task));
    turn(&mut event_loop);
    assert_eq!(log.take(), ["value"]);
    turn(&mut event_loop);
    assert_nothing_left(&handle);
}

#[test]
fn eager_starts_nest_and_each_hears_its_own_wakes() {
    fn nested(depth: usize) -> impl Future<Output = usize> {
        let mut inner = None;
        let mut polls = 0;
        poll_fn(move |context| {
            polls += 1;
            context.waker().wake_by_ref();
            if polls == 1 && depth > 0 {
                let task = Builder::new().eager_start(true).spawn(Box::pin(nested(depth - 1)));
                inner = Some(task);
            }
            if polls < 3 {
                return Poll::Pending;
            }
            match inner.as_mut().map(|task| Pin::new(task).poll(context)) {
                None => Poll::Ready(1),
                Some(Poll::Ready(inner)) => Poll::Ready(inner.unwrap() + 1),
                Some(Poll::Pending) => Poll::Pending,
            }
        })
    }
    assert_eq!(run(nested(20)), 21);
}

#[test]
fn references_that_cannot_be_counted_are_refused_and_the_task_lives_on() {
    let (mut event_loop, handle, _) = virtual_loop();
    // Each wait for a stop keeps the task.
    let task = spawn_on(&handle, async {
        let mut waits: Vec<_> = (0..70_000).map(|_| Box::pin(stop_requested())).collect();
        let mut refused = 0;
        for wait in &mut waits {
            refused += usize::from(
                futures::FutureExt::catch_unwind(AssertUnwindSafe(poll_fn(|context| {
                    assert!(wait.as_mut().poll(context).is_pending());
                    Poll::Ready(())
                })))
                .await
                .is_err(),
            );
        }
        drop(waits);
        stop_requested().await;
        refused
    });
    turn(&mut event_loop);
    task.request_stop();
    let refused = event_loop.run_until_complete(task).unwrap().unwrap();
    assert!((70_000 - 65_535..5_000).contains(&refused), "{refused}");
    assert_nothing_left(&handle);
}

#[test]
fn a_task_of_as_many_references_as_can_be_counted_is_closed_with_its_loop() {
    let log = Log::default();
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, {
        let drops = Drops(log.clone(), "dropped");
        async move {
            let _drops = drops;
            let mut waits = Vec::new();
            loop {
                let mut wait = Box::pin(stop_requested());
                let polled = AssertUnwindSafe(poll_fn(|context| {
                    Poll::Ready(wait.as_mut().poll(context).is_ready())
                }));
                if futures::FutureExt::catch_unwind(polled).await.is_err() {
                    break;
                }
                waits.push(wait);
            }
            pending::<()>().await;
        }
    });
    turn(&mut event_loop);
    assert!(log.take().is_empty());
    drop((event_loop, handle));
    assert_eq!(log.take(), ["dropped"]);
    assert!(task.is_cancelled());
}

#[test]
fn a_seat_may_have_more_successors_than_there_are_generations() {
    let (mut event_loop, handle, _) = virtual_loop();
    let stale: Rc<RefCell<Option<Waker>>> = Rc::default();
    let first = spawn_on(&handle, {
        let stale = Rc::clone(&stale);
        poll_fn(move |context| {
            *stale.borrow_mut() = Some(context.waker().clone());
            Poll::Ready(())
        })
    });
    event_loop.run_until_complete(first).unwrap().unwrap();
    let task = spawn_on(&handle, async {
        // The seat of the first is this task's; the next one's is used by all the others.
        for nth in 0..(1 << 20) + 3 {
            let task = Builder::new().eager_start(true).spawn(async move { nth });
            assert!(task.is_done());
        }
        sleep(MS).await;
        7
    });
    stale.take().unwrap().wake();
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), 7);
    assert_nothing_left(&handle);
}
