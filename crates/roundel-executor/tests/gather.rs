//! `gather` and `try_gather`: order, failures, and what becomes of the others.

mod support;

use std::{
    cell::Cell,
    future::{Future, pending, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use futures::FutureExt;
use roundel_executor::{
    AsyncExit, Task, current_task, gather, sleep, spawn, spawn_on, task_tree, timeout, try_gather,
    with, yield_now,
};
use roundel_sim::cancel_at_every_await;
use support::{Log, MS, assert_nothing_left, reports, run, run_leaving_nothing, virtual_loop};

async fn after(ms: u32) -> u32 {
    sleep(ms * MS).await;
    ms
}

/// Its exit takes a while and is logged.
struct Slow(Log);

impl AsyncExit for Slow {
    async fn exit(self) {
        sleep(MS).await;
        self.0.add("left");
    }
}

async fn stay<T>(log: &Log) -> T {
    with(Slow(log.clone()), async |_| pending().await).await
}

// spec: GAT-01
#[test]
fn values_come_in_the_order_of_the_futures_which_run_at_once() {
    let (mut event_loop, handle, _) = virtual_loop();
    let start = handle.now();
    let task = spawn_on(&handle, async { gather([3, 1, 2].map(after)).await });
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), [3, 1, 2]);
    assert_eq!(handle.now() - start, 3 * MS);
    assert_nothing_left(&handle);
}

// spec: GAT-03, GAT-08
#[test]
fn what_is_ready_is_gathered_without_a_turn() {
    run_leaving_nothing(async {
        let nothing: [std::future::Ready<u8>; 0] = [];
        assert_eq!(gather(nothing).now_or_never().unwrap(), []);
        assert_eq!(gather([ready(1), ready(2)]).now_or_never().unwrap(), [1, 2]);
        assert_eq!(try_gather([ready(Ok(1)), ready(Err("no"))]).now_or_never(), Some(Err("no")));
    });
}

#[test]
fn the_first_error_ends_the_others_and_awaits_their_clean_up() {
    run_leaving_nothing(async {
        let log = Log::default();
        let outcome = try_gather((0..3).map(async |number| match number {
            1 => Err::<(), _>(sleep(MS).map(|()| "failed").await),
            _ => stay(&log).await,
        }));
        assert_eq!(outcome.await, Err("failed"));
        assert_eq!(log.take(), ["left", "left"]);
    });
}

// spec: GAT-04
#[test]
fn gathered_tasks_go_on_after_an_error() {
    run_leaving_nothing(async {
        let mut tasks = [
            spawn(async {
                let _: () = sleep(3 * MS).await;
                Ok(())
            }),
            spawn(async { Err(sleep(MS).map(|()| "first").await) }),
            spawn(async { Err(sleep(2 * MS).map(|()| "second").await) }),
        ];
        let each = tasks.iter_mut().map(async |task: &mut Task<_>| task.await.unwrap());
        assert_eq!(try_gather(each).await, Err("first"));
        let [slow, _, second] = tasks;
        assert!(!slow.is_done());
        assert_eq!((slow.await.unwrap(), second.await.unwrap()), (Ok(()), Err("second")));
    });
}

// spec: GAT-05, GAT-06
#[test]
fn panics_and_cancels_of_tasks_take_their_places_among_the_results() {
    run_leaving_nothing(async {
        let tasks: [Task<u8>; 3] =
            [spawn(async { 1 }), spawn(pending()), spawn(async { panic!("gone") })];
        tasks[1].cancel();
        let results = gather(tasks).await;
        assert_eq!(*results[0].as_ref().unwrap(), 1);
        assert!(results[1].as_ref().unwrap_err().is_cancelled());
        assert!(results[2].as_ref().unwrap_err().is_panic());
        assert!(!current_task().unwrap().cancelling);
    });
}

// spec: GAT-07
#[test]
fn cancelling_the_gathering_ends_the_others_and_awaits_them() {
    run_leaving_nothing(async {
        let log = Log::default();
        let inner = log.clone();
        let gathering = spawn(async move { gather((0..2).map(|_| stay::<()>(&inner))).await });
        sleep(MS).await;
        gathering.cancel();
        assert!(gathering.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["left", "left"]);

        let late = timeout(MS, gather([stay::<()>(&log)]));
        late.await.unwrap_err();
        assert_eq!(log.take(), ["left"]);
    });
}

#[test]
fn a_panic_comes_out_when_the_others_have_ended() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let log = Log::default();
    let inner = log.clone();
    let task = spawn_on(&handle, async move {
        gather((0..3).map(async |number| match number {
            0 => stay::<()>(&inner).await,
            number => panic!("number {}", number),
        }))
        .await
    });
    let error = event_loop.run_until_complete(task).unwrap().unwrap_err();
    assert_eq!(error.panic_message(), Some("number 1"));
    assert_eq!(log.take(), ["left"]);
    assert_eq!(told.take(), ["the panic of a gathered future did not go on: number 2"]);
    assert_nothing_left(&handle);
}

#[test]
fn futures_may_borrow_and_are_tasks_to_whoever_looks() {
    run(async {
        let text = String::from("text");
        let ids = gather((0..2).map(async |_| {
            yield_now().await;
            (text.len(), current_task().unwrap())
        }))
        .await;
        let me = current_task().unwrap();
        for (length, task) in &ids {
            assert_eq!((*length, task.awaited_by.as_slice()), (4, &[me.id][..]));
        }
        assert_eq!(task_tree().tasks().len(), 1, "they have ended");
    });
}

#[test]
fn gatherings_nest() {
    run_leaving_nothing(async {
        let rows = (0..20).map(|row| gather((0..20).map(move |column| after(row * column))));
        let sum: u32 = gather(rows).await.into_iter().flatten().sum();
        assert_eq!(sum, 190 * 190);
    });
}

#[test]
fn a_gathering_that_is_dropped_at_any_await_leaves_nothing() {
    fn round<T: Future + 'static>(
        cut: roundel_sim::Cut,
        make: impl FnOnce(Log, Rc<Cell<usize>>) -> T,
    ) {
        let (log, begun) = (Log::default(), Rc::new(Cell::new(0)));
        let operation = make(log.clone(), Rc::clone(&begun));
        run_leaving_nothing(async move {
            timeout(1000 * MS, async { cut.short(operation).await.is_some() }).await.unwrap();
        });
        assert_eq!(log.take().len(), begun.get(), "each clean-up runs once");
    }

    async fn job(ms: u32, log: Log, begun: Rc<Cell<usize>>) -> Result<u32, u32> {
        begun.set(begun.get() + 1);
        with(Slow(log), async |_| after(ms).await).await;
        if ms == 3 { Err(ms) } else { Ok(ms) }
    }

    cancel_at_every_await(|cut| {
        round(cut, |log, begun| {
            gather((1..4).map(move |ms| job(ms, log.clone(), Rc::clone(&begun))))
        });
    });
    cancel_at_every_await(|cut| {
        round(cut, |log, begun| {
            try_gather((1..6).map(move |ms| job(ms, log.clone(), Rc::clone(&begun))))
        });
    });
}

#[test]
fn a_gathering_needs_a_loop() {
    let gathering = gather([ready(1)]);
    assert!(catch_unwind(AssertUnwindSafe(|| gathering.now_or_never())).is_err());
}
