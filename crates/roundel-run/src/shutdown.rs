//! The end of the tasks that outlive their run: cancelled, awaited for the grace, then reported.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use roundel_executor::{TaskInfo, cancel_all, statistics, tasks_of, timeout_at, yield_now};
use roundel_loop::{Deadline, EventLoop, RunError, Unhandled};

/// Returns the survivors.
pub(crate) fn end_tasks(event_loop: &mut EventLoop, grace: Duration) -> Vec<TaskInfo> {
    let handle = event_loop.handle();
    let deadline = Deadline::after(handle.now(), grace);
    // What was queued when the main task ended still has its turn, as in asyncio.
    let turn = catch_unwind(AssertUnwindSafe(|| event_loop.run_until_complete(yield_now())));
    // The handler of unhandled failures has been told if it panicked; this is the end already.
    drop(turn);
    while statistics(&handle).tasks > 0 {
        let handle = handle.clone();
        let end = async move { timeout_at(deadline, cancel_all(&handle)).await };
        match catch_unwind(AssertUnwindSafe(|| event_loop.run_until_complete(end))) {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(_elapsed))) => break,
            // A call-back may have asked for it; it is not the loop's owner, who wants the end.
            Ok(Err(RunError::Stopped)) => {}
            // Nothing can be awaited any more: in a thread with another loop, or without a driver.
            Ok(Err(_)) => break,
            // The handler of unhandled failures has been told, and chose to unwind. Whatever it
            // wants to end by that is ending already.
            Err(_payload) => {}
        }
    }
    let survivors = tasks_of(&handle);
    for task in &survivors {
        let mut report = Unhandled::new("a task outlived the grace of the shutdown and is dropped")
            .detail("task", &task.name);
        report.site = Some(task.site);
        handle.report(&report);
    }
    survivors
}
