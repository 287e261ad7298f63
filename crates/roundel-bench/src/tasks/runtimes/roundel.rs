//! Ours: the executor on the loop.

use std::{future::Future, rc::Rc};

use roundel_executor::{JoinError, Task, spawn_on};
pub(in crate::tasks) use roundel_executor::{sleep, spawn, timeout, yield_now};
use roundel_loop::{EventLoop, Unhandled, Verdict, default_unhandled_handler};
pub(in crate::tasks) use roundel_promise::local::{
    Promise as Sender, Promised as Receiver, promise as oneshot,
};

pub(in crate::tasks) const NAME: &str = crate::row::ROUNDEL;

pub(in crate::tasks) fn new_runtime() -> EventLoop {
    let event_loop = EventLoop::new().expect("the kernel gives us a selector");
    // Who begins a million tasks at once does stall the loop, and the watch says so, in each round.
    let quiet = |report: &_| match report {
        Unhandled { stall: Some(_), .. } => Verdict::Continue,
        other => default_unhandled_handler(other),
    };
    event_loop.handle().set_unhandled_handler(Some(Rc::new(quiet)));
    event_loop
}

pub(in crate::tasks) fn run<F>(event_loop: &mut EventLoop, main: F)
where
    F: Future<Output = ()> + 'static,
{
    let main = spawn_on(&event_loop.handle(), main);
    value(event_loop.run_until_complete(main).expect("the loop is open"));
}

pub(in crate::tasks) fn value<T>(ended: Result<T, JoinError>) -> T {
    ended.expect("the task ends with a value")
}

pub(in crate::tasks) fn detach<T>(task: Task<T>) {
    task.detach();
}

pub(in crate::tasks) fn send<T>(sender: Sender<T>, value: T) {
    // Nobody waits for the last one.
    let _ = sender.set(value);
}
