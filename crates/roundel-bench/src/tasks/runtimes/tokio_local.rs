//! Tokio's runtime for tasks that stay in their thread.

use std::future::Future;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
pub(in crate::tasks) use tokio::task::spawn_local as spawn;

pub(in crate::tasks) use super::tokio::{
    Receiver, Sender, detach, oneshot, send, sleep, timeout, value, yield_now,
};

pub(in crate::tasks) const NAME: &str = "LocalRuntime";

pub(in crate::tasks) fn new_runtime() -> LocalRuntime {
    let mut builder = Builder::new_current_thread();
    let built = builder.enable_all().build_local(LocalOptions::default());
    built.expect("the kernel gives tokio what it needs")
}

pub(in crate::tasks) fn run(runtime: &mut LocalRuntime, main: impl Future<Output = ()> + 'static) {
    runtime.block_on(main);
}
