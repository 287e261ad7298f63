//! Shields: whoever awaits may end, the task goes on.

mod support;

use std::cell::Cell;
use std::rc::Rc;

use roundel_executor::{
    Elapsed, Task, shield, sleep, spawn, spawn_on, statistics, timeout, yield_now,
};
use roundel_loop::EventLoop;

use support::{Log, MS, assert_nothing_left, reports, run, run_leaving_nothing, virtual_loop};

fn run_for(event_loop: &mut EventLoop, ms: u32) {
    let task = spawn_on(&event_loop.handle(), async move { sleep(ms * MS).await });
    event_loop.run_until_complete(task).unwrap().unwrap();
}

// spec: SHD-01
#[test]
fn cancelling_whoever_awaits_leaves_the_task_running() {
    let finished = Rc::new(Cell::new(false));
    run({
        let finished = finished.clone();
        async move {
            let inner = spawn(async move {
                sleep(10 * MS).await;
                finished.set(true);
            });
            let outer = spawn(async move { shield(inner).await });
            sleep(MS).await;
            outer.cancel();
            assert!(outer.await.unwrap_err().is_cancelled());
            sleep(20 * MS).await;
        }
    });
    assert!(finished.get());
}

// spec: SHD-01
#[test]
fn cancelling_the_task_itself_cancels_the_shield() {
    run_leaving_nothing(async {
        let shielded = shield(spawn(sleep(1000 * MS)));
        shielded.task().cancel();
        assert!(!shielded.task().is_done());
        assert!(shielded.await.unwrap_err().is_cancelled());
    });
}

// spec: SHD-02
#[test]
fn result_and_panic_pass_through() {
    run_leaving_nothing(async {
        assert_eq!(shield(spawn(async { 7 })).await.unwrap(), 7);
        let failed: Task<()> = spawn(async { panic!("from within") });
        assert_eq!(shield(failed).await.unwrap_err().panic_message(), Some("from within"));
    });
}

// spec: SHD-02
#[test]
fn a_task_that_is_done_is_passed_through_at_once() {
    run(async {
        let task = spawn(async { "done" });
        yield_now().await;
        assert!(task.is_done());
        let mut shielded = shield(task);
        assert!(matches!(futures::poll!(&mut shielded), std::task::Poll::Ready(Ok("done"))));
    });
}

// spec: SHD-03
#[test]
fn a_panic_after_the_shield_was_dropped_is_reported_once() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let task = spawn_on(&handle, async {
        let inner = spawn(async {
            sleep(10 * MS).await;
            panic!("too late for anybody");
        });
        let shielded = shield(inner);
        assert_eq!(timeout(MS, shielded).await.unwrap_err(), Elapsed);
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(statistics(&handle).tasks, 1);
    assert!(told.take().is_empty());
    run_for(&mut event_loop, 20);
    assert_eq!(told.take(), ["a task panicked: too late for anybody"]);
    assert_nothing_left(&handle);
}

// spec: SHD-03
#[test]
fn a_panic_that_nobody_had_read_when_the_shield_was_dropped_is_reported_once() {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let task = spawn_on(&handle, async {
        let shielded = shield(spawn(async { panic!("unread") }));
        yield_now().await;
        assert!(shielded.task().is_done());
    });
    event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(told.take(), ["a task panicked: unread"]);
    run_for(&mut event_loop, 1);
    assert!(told.take().is_empty());
}

#[test]
fn a_shield_gives_its_task_back() {
    let log = Log::default();
    run_leaving_nothing({
        let log = log.clone();
        async move {
            let shielded = shield(spawn(async move { log.add("ran") }));
            let task = shielded.into_task();
            task.await.unwrap();
        }
    });
    assert_eq!(log.take(), ["ran"]);
}
