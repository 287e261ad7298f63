//! What the loop's tests share: a log of what ran, and loops on real and virtual time.
#![allow(dead_code)] // each test file uses its own part

use std::{cell::RefCell, rc::Rc, time::Duration};

use roundel_loop::{Driver, EventLoop, LoopConfig, LoopHandle, SelectorDriver, VirtualClock};
use roundel_sim::AutoJump;

pub(crate) const MS: Duration = Duration::from_millis(1);

/// What ran, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl ToString) {
        self.0.borrow_mut().push(line.to_string());
    }

    /// A call-back that logs one line.
    pub(crate) fn line<T: ToString>(&self, line: T) -> impl FnOnce() + use<T> + 'static {
        let (log, line) = (self.clone(), line.to_string());
        move || log.add(line)
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// Every driver that runs here.
pub(crate) fn drivers() -> Vec<&'static str> {
    let mut names = vec!["epoll", "poll", "select", "polling"];
    #[cfg(target_os = "linux")]
    match roundel_uring::probe() {
        Ok(_) => names.push("uring"),
        Err(reason) => eprintln!("not on io_uring: {reason}"),
    }
    names
}

/// The driver of this name.
pub(crate) fn driver(name: &str) -> Box<dyn Driver> {
    match name {
        #[cfg(target_os = "linux")]
        "uring" => Box::new(roundel_uring::UringDriver::new().unwrap()),
        selector => Box::new(SelectorDriver::by_name(selector).unwrap()),
    }
}

/// The driver that a run of the tests is for, as `cargo xtask test` says.
pub(crate) fn chosen_driver() -> Box<dyn Driver> {
    driver(std::env::var("ROUNDEL_DRIVER").as_deref().unwrap_or("default"))
}

pub(crate) fn loop_on(name: &str) -> EventLoop {
    EventLoop::with_config(LoopConfig::with_driver(driver(name)))
}

/// A loop on the real clock. Its stall watch is off: a busy machine is not what is tested.
pub(crate) fn event_loop() -> (EventLoop, LoopHandle) {
    let mut config = LoopConfig::with_driver(chosen_driver());
    config.slow_callback = None;
    let event_loop = EventLoop::with_config(config);
    let handle = event_loop.handle();
    (event_loop, handle)
}

/// A loop over real descriptors whose clock jumps instead of waiting.
pub(crate) fn virtual_loop() -> (EventLoop, LoopHandle, VirtualClock) {
    virtual_loop_with(|_| {})
}

pub(crate) fn virtual_loop_with(
    change: impl FnOnce(&mut LoopConfig),
) -> (EventLoop, LoopHandle, VirtualClock) {
    let clock = VirtualClock::new();
    let driver = AutoJump::new(chosen_driver(), clock.clone());
    let mut config = LoopConfig::with_driver(Box::new(driver));
    config.clock = clock.clone().into();
    change(&mut config);
    let event_loop = EventLoop::with_config(config);
    let handle = event_loop.handle();
    (event_loop, handle, clock)
}

/// Makes one turn without waiting.
pub(crate) fn turn(event_loop: &mut EventLoop) {
    event_loop.poll_events(Some(Duration::ZERO)).unwrap();
    event_loop.process_events().unwrap();
    event_loop.run_ready().unwrap();
}

/// Runs until a call-back stops the loop.
pub(crate) fn stopper(handle: &LoopHandle) -> impl FnOnce() + use<> + 'static {
    let handle = handle.clone();
    move || handle.stop()
}
