//! Eager start: the first step within the call that spawns.

mod support;

use std::future::pending;

use roundel_executor::{
    Builder, ContextVar, Task, TaskState, all_tasks, current_task, spawn, statistics, yield_now,
};
use roundel_loop::LoopHandle;
use support::{Log, run, turn, virtual_loop};

fn eager() -> Builder {
    Builder::new().eager_start(true)
}

fn my_id() -> u64 {
    current_task().unwrap().id
}

// spec: TSK-27, TSK-28
#[test]
fn a_task_that_ends_in_its_first_step_is_done_when_it_is_made() {
    run(async {
        let handle = LoopHandle::current();
        let (call_backs, wakes) = (handle.statistics().call_backs, statistics(&handle).wakes);
        let mut task = eager().spawn(async { my_id() });
        assert!(task.is_done());
        assert_eq!(all_tasks().len(), 1, "it is none of those that live");
        let id = (&mut task).await.unwrap();
        assert_eq!(id, task.id(), "it was the current task");
        assert_eq!(handle.statistics().call_backs, call_backs, "it was never queued");
        assert_eq!(statistics(&handle).wakes, wakes);
    });
}

// spec: TSK-29
#[test]
fn a_task_that_suspends_goes_on_like_any_other() {
    run(async {
        let me = my_id();
        let log = Log::default();
        let task = eager().spawn({
            let log = log.clone();
            async move {
                log.add("first");
                yield_now().await;
                log.add("second");
                my_id()
            }
        });
        assert_eq!(log.take(), ["first"]);
        assert_eq!(my_id(), me, "the one before is current again");
        assert_eq!(task.state(), TaskState::Ready);
        let id = task.id();
        assert_eq!(task.await.unwrap(), id);
        assert_eq!(log.take(), ["second"]);

        let failed: Task<()> = eager().spawn(async { panic!("in the first step") });
        assert_eq!(my_id(), me, "after a panic too");
        assert_eq!(failed.await.unwrap_err().panic_message(), Some("in the first step"));
    });
}

// spec: TSK-29
#[test]
fn on_a_loop_that_does_not_run_eager_tasks_are_queued() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = eager().spawn_on(&handle, async {});
    assert_eq!(task.state(), TaskState::New);
    turn(&mut event_loop);
    assert!(task.is_done());
}

// spec: TSK-30
#[test]
fn an_eager_task_has_its_own_context_and_is_cancelled_only_if_it_is_not_done() {
    static VALUE: ContextVar<u8> = ContextVar::new("value");
    run(async {
        VALUE.set(1);
        let task = eager().spawn(async {
            let before = VALUE.get();
            VALUE.set(2);
            before
        });
        assert_eq!(VALUE.get(), Some(1), "not disturbed");
        assert!(!task.cancel(), "done already");
        assert_eq!(task.await.unwrap(), Some(1));

        let waits = eager().spawn(pending::<()>());
        assert!(waits.cancel());
        assert!(waits.await.unwrap_err().is_cancelled());
    });
}

// spec: TSK-31
#[test]
fn whether_a_start_is_eager_is_chosen_task_by_task() {
    run(async {
        assert!(!spawn(async {}).is_done());
        assert!(!eager().eager_start(false).spawn(async {}).is_done());
        assert!(Builder::new().eager_start(true).spawn(async {}).is_done());
    });
}
