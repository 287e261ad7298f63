//! `cancel_all`: the end of every task of a loop, awaited.

use std::{future::poll_fn, task::Poll};

use roundel_loop::LoopHandle;

use crate::{
    executor::{AnyTask, Executor},
    header::Flags,
    note::WaitsFor,
};

/// Cancels every task of the loop but the one that calls, and waits until they have ended, their
/// clean-up included. What they spawn meanwhile is cancelled after them, so that a clean-up can
/// still use it.
///
/// # Cancel safety
/// Dropping it takes no cancel back; the tasks end all the same.
pub async fn cancel_all(handle: &LoopHandle) {
    let Some(executor) = handle.existing_layer::<Executor>() else { return };
    loop {
        let caller = executor.outermost_task().map(|task| task.header().id);
        let mut tasks = executor.tasks();
        // Children end with their owners.
        tasks.retain(|task| task.roster().is_none() && Some(task.header().id) != caller);
        if tasks.is_empty() {
            return;
        }
        for task in &tasks {
            task.header().cancel();
        }
        for task in tasks {
            ended(&executor, task).await;
        }
    }
}

async fn ended(executor: &Executor, task: AnyTask) {
    poll_fn(|context| {
        let header = task.header();
        if header.has(Flags::DONE) {
            return Poll::Ready(());
        }
        header.add_joiner(context.waker(), executor.current_id());
        Executor::note(WaitsFor::Task(header.id));
        Poll::Pending
    })
    .await;
}
