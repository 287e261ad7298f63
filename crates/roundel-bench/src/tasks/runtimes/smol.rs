//! smol's executor for one thread. It has no current one; this is what stands in its place.

use std::{future::Future, rc::Rc, time::Duration};

pub(in crate::tasks) use futures_channel::oneshot::{Receiver, Sender, channel as oneshot};
pub(in crate::tasks) use smol::future::yield_now;
use smol::{LocalExecutor, Task, Timer, future::or};

pub(in crate::tasks) const NAME: &str = "smol";

thread_local! {
    static EXECUTOR: Rc<LocalExecutor<'static>> = Rc::new(LocalExecutor::new());
}

pub(in crate::tasks) fn new_runtime() {}

pub(in crate::tasks) fn run((): &mut (), main: impl Future<Output = ()> + 'static) {
    let executor = EXECUTOR.with(Rc::clone);
    smol::block_on(executor.run(main));
}

pub(in crate::tasks) fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> Task<T> {
    EXECUTOR.with(|executor| executor.spawn(future))
}

pub(in crate::tasks) fn sleep(delay: Duration) -> Timer {
    Timer::after(delay)
}

#[derive(Debug)]
pub(in crate::tasks) struct Elapsed;

/// smol has none; this is how its users write one.
pub(in crate::tasks) fn timeout<F: Future>(
    limit: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    or(async { Ok(future.await) }, async move {
        Timer::after(limit).await;
        Err(Elapsed)
    })
}

pub(in crate::tasks) fn value<T>(ended: T) -> T {
    ended
}

pub(in crate::tasks) fn detach<T>(task: Task<T>) {
    task.detach();
}

pub(in crate::tasks) fn send<T>(sender: Sender<T>, value: T) {
    // Nobody waits for the last one.
    let _ = sender.send(value);
}
