//! What the executor's tests share: loops on virtual time, a log of what ran, and the reports that
//! reached the loop's handler.
#![allow(dead_code)] // each test file uses its own part

use std::{cell::RefCell, future::Future, rc::Rc, time::Duration};

use roundel_executor::{spawn_on, statistics};
use roundel_loop::{
    Driver, EventLoop, LoopConfig, LoopHandle, SelectorDriver, Verdict, VirtualClock,
};
use roundel_sim::AutoJump;

pub(crate) const MS: Duration = Duration::from_millis(1);

/// What ran, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl ToString) {
        self.0.borrow_mut().push(line.to_string());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// The driver that a run of the tests is for, as `cargo xtask test` says.
fn chosen_driver() -> Box<dyn Driver> {
    match std::env::var("ROUNDEL_DRIVER").as_deref() {
        #[cfg(target_os = "linux")]
        Ok("uring") => Box::new(roundel_uring::UringDriver::new().unwrap()),
        Ok(selector) => Box::new(SelectorDriver::by_name(selector).unwrap()),
        Err(_) => Box::new(SelectorDriver::by_name("default").unwrap()),
    }
}

/// A loop whose clock jumps instead of waiting. Its stall watch is off: a busy machine is not what
/// is tested.
pub(crate) fn virtual_loop() -> (EventLoop, LoopHandle, VirtualClock) {
    let clock = VirtualClock::new();
    let driver = AutoJump::new(chosen_driver(), clock.clone());
    let mut config = LoopConfig::with_driver(Box::new(driver));
    config.clock = clock.clone().into();
    config.slow_callback = None;
    let event_loop = EventLoop::with_config(config);
    let handle = event_loop.handle();
    (event_loop, handle, clock)
}

/// Runs a future as the first task of a fresh virtual loop.
pub(crate) fn run<F>(future: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, future);
    event_loop.run_until_complete(task).unwrap().unwrap()
}

/// As [`run`], and when the future has ended, no task and no timer may be left.
pub(crate) fn run_leaving_nothing<F>(future: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, future);
    let output = event_loop.run_until_complete(task).unwrap().unwrap();
    assert_nothing_left(&handle);
    output
}

/// Makes one turn without waiting.
pub(crate) fn turn(event_loop: &mut EventLoop) {
    event_loop.poll_events(Some(Duration::ZERO)).unwrap();
    event_loop.process_events().unwrap();
    event_loop.run_ready().unwrap();
}

/// No task and no timer lives on this loop.
#[track_caller]
pub(crate) fn assert_nothing_left(handle: &LoopHandle) {
    assert_eq!(statistics(handle).tasks, 0, "tasks are left");
    assert_eq!(handle.statistics().pending_timers, 0, "timers are left");
}

/// Collects what the loop's handler of unhandled failures is told from now on.
pub(crate) fn reports(handle: &LoopHandle) -> Log {
    let log = Log::default();
    let told = log.clone();
    handle.set_unhandled_handler(Some(Rc::new(move |report| {
        told.add(match report.panic_message() {
            Some(text) => format!("{}: {text}", report.message),
            None => report.message.clone(),
        });
        Verdict::Continue
    })));
    log
}
