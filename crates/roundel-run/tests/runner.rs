//! Several runs on one loop, and what the builder chooses.

mod support;

use std::{cell::Cell, rc::Rc};

use roundel_executor::{ContextVar, sleep, spawn};
use roundel_loop::{LoopConfig, LoopHandle};
use roundel_run::{Backend, BackendError, RunError, Runner};
use roundel_sim::VirtualClock;
use support::{HOUR, MS, assert_nothing_left, builder, runner};

// spec: RUN-05
#[test]
fn runs_share_the_loop_and_what_they_leave_on_it() {
    static USER: ContextVar<&str> = ContextVar::new("user");
    let mut runner = runner();
    let ticks = Rc::new(Cell::new(0));
    let counted = ticks.clone();
    runner
        .run(async move {
            USER.set("ada");
            let ticking = async move {
                loop {
                    counted.set(counted.get() + 1);
                    sleep(2 * MS).await;
                }
            };
            spawn(ticking).detach();
        })
        .unwrap();
    assert_eq!(ticks.get(), 0, "a task waits while nothing runs");
    let user = runner.run(async {
        sleep(5 * MS).await;
        USER.get()
    });
    assert_eq!(ticks.get(), 3);
    assert_eq!(user.unwrap(), Some("ada"), "and so do the main tasks' context variables");
    // A child's changes stay its own.
    runner.run(async { spawn(async { USER.set("bob") }).await }).unwrap().unwrap();
    assert_eq!(runner.run(async { USER.get() }).unwrap(), Some("ada"));
}

#[test]
fn the_parts_and_the_debug_mode_can_be_given() {
    let chosen = |runner: Runner| (runner.handle().driver_name(), runner.handle().is_debug());
    let poll = LoopConfig::with_driver_named("poll").unwrap();
    assert_eq!(chosen(Runner::builder().config(poll).debug(true).build().unwrap()), ("poll", true));
    let select = Runner::builder().backend("select").debug(false);
    assert_eq!(chosen(select.build().unwrap()), ("select", false));
    // The loop is there before the first run, and it is the current one during runs only.
    let mut runner = runner();
    let handle = runner.handle();
    assert!(LoopHandle::try_current().is_none());
    handle.call_soon(|| assert!(LoopHandle::try_current().is_some()));
    runner.run(async {}).unwrap();
    assert!(LoopHandle::try_current().is_none());
}

// spec: RUN-07
#[test]
fn a_closed_runner_runs_nothing() {
    let mut runner = runner();
    assert!(runner.close().is_empty());
    let outcome = runner.run(async {});
    assert!(matches!(outcome, Err(RunError::Closed)), "{outcome:?}");
    assert!(runner.close().is_empty());
}

#[test]
fn a_backend_that_cannot_be_had_is_an_error() {
    let refused = |backend: &str| Runner::builder().backend(backend).build().unwrap_err();
    let unknown = refused("telepathy");
    assert!(
        matches!(&unknown, RunError::Backend(BackendError::Refused { backend, .. })
            if *backend == Backend::Selector("telepathy".into())),
        "{unknown:?}"
    );
    assert_eq!(unknown.to_string(), "choosing the backend telepathy");
}

#[test]
fn names_of_backends_are_read_and_written() {
    for name in ["auto", "proactor", "simulated", "epoll"] {
        assert_eq!(Backend::from(name).to_string(), name);
    }
    assert_eq!(Backend::from("auto"), Backend::default());
}

#[test]
fn simulated_time_passes_in_the_given_clock() {
    let clock = VirtualClock::new();
    let mut runner = Runner::builder().virtual_clock(clock.clone()).build().unwrap();
    runner.run(async { sleep(HOUR).await }).unwrap();
    assert_eq!(clock.elapsed(), HOUR);
    assert_eq!(runner.virtual_clock().map(VirtualClock::elapsed), Some(HOUR));
    assert_nothing_left(&runner.handle());

    let own = builder().build().unwrap();
    assert!(own.virtual_clock().is_some());
    assert!(Runner::new().unwrap().virtual_clock().is_none());
}
