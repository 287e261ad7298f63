//! compio, on io_uring where there is one.

use std::future::Future;

use compio::runtime::{JoinHandle, Runtime};
pub(in crate::tasks) use compio::{
    runtime::spawn,
    time::{sleep, timeout},
};

pub(in crate::tasks) use super::smol::{Receiver, Sender, oneshot, send, yield_now};

pub(in crate::tasks) const NAME: &str = "compio";

pub(in crate::tasks) fn new_runtime() -> Runtime {
    Runtime::new().expect("the kernel gives compio what it needs")
}

pub(in crate::tasks) fn run(runtime: &mut Runtime, main: impl Future<Output = ()> + 'static) {
    runtime.block_on(main);
}

pub(in crate::tasks) fn value<T, E: std::fmt::Debug>(ended: Result<T, E>) -> T {
    ended.expect("the task ends with a value")
}

pub(in crate::tasks) fn detach<T>(task: JoinHandle<T>) {
    task.detach();
}
