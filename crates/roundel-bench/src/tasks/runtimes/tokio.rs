//! Tokio's current-thread runtime, whose `spawn` wants `Send`.

use std::future::Future;

use tokio::{
    runtime::Runtime,
    task::{JoinError, JoinHandle},
};
pub(in crate::tasks) use tokio::{
    sync::oneshot::{Receiver, Sender, channel as oneshot},
    task::{spawn, yield_now},
    time::{sleep, timeout},
};

pub(in crate::tasks) const NAME: &str = crate::row::TOKIO;

pub(in crate::tasks) fn new_runtime() -> Runtime {
    crate::soon::tokio_runtime()
}

pub(in crate::tasks) fn run(runtime: &mut Runtime, main: impl Future<Output = ()> + 'static) {
    runtime.block_on(main);
}

pub(in crate::tasks) fn value<T>(ended: Result<T, JoinError>) -> T {
    ended.expect("the task ends with a value")
}

pub(in crate::tasks) fn detach<T>(task: JoinHandle<T>) {
    drop(task);
}

pub(in crate::tasks) fn send<T>(sender: Sender<T>, value: T) {
    // Nobody waits for the last one.
    let _ = sender.send(value);
}
