//! monoio, on io_uring where there is one.

use std::future::Future;

use monoio::{
    FusionDriver, FusionRuntime, IoUringDriver, LegacyDriver, RuntimeBuilder, task::JoinHandle,
    time::TimeDriver,
};
pub(in crate::tasks) use monoio::{
    spawn,
    time::{sleep, timeout},
};

pub(in crate::tasks) use super::smol::{Receiver, Sender, oneshot, send, value, yield_now};

pub(in crate::tasks) const NAME: &str = "monoio";

type Runtime = FusionRuntime<TimeDriver<IoUringDriver>, TimeDriver<LegacyDriver>>;

pub(in crate::tasks) fn new_runtime() -> Runtime {
    let built = RuntimeBuilder::<FusionDriver>::new().enable_timer().build();
    built.expect("the kernel gives monoio what it needs")
}

pub(in crate::tasks) fn run(runtime: &mut Runtime, main: impl Future<Output = ()> + 'static) {
    runtime.block_on(main);
}

pub(in crate::tasks) fn detach<T>(task: JoinHandle<T>) {
    drop(task);
}
