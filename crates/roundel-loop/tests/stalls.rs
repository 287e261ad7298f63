//! The stall watch and debug mode: which call-back held the loop up.

mod support;

use std::{cell::RefCell, process::Command, rc::Rc};

use roundel_loop::{EventLoop, LoopConfig, LoopHandle, Stall, Unhandled, Verdict, VirtualClock};
use support::{MS, turn, virtual_loop_with};

type Stalls = Rc<RefCell<Vec<Stall>>>;

fn watched(change: impl FnOnce(&mut LoopConfig)) -> (EventLoop, LoopHandle, VirtualClock, Stalls) {
    let (event_loop, handle, clock) = virtual_loop_with(change);
    let stalls = Stalls::default();
    handle.set_unhandled_handler(Some(Rc::new({
        let stalls = Rc::clone(&stalls);
        move |report: &Unhandled| {
            stalls.borrow_mut().extend(report.stall.clone());
            Verdict::Continue
        }
    })));
    (event_loop, handle, clock, stalls)
}

/// A call-back that takes `ms` milliseconds, and the line that schedules it.
fn slow(handle: &LoopHandle, clock: &VirtualClock, ms: u32) -> u32 {
    let clock = clock.clone();
    let line = line!() + 1;
    handle.call_soon(move || clock.advance(ms * MS));
    line
}

// spec: LPD-02
#[test]
fn in_debug_mode_every_slow_call_back_is_named_alone() {
    let (mut event_loop, handle, clock, stalls) = watched(|config| config.debug = true);
    handle.call_later(1000 * MS, || {});
    for ms in [99, 100, 30, 250] {
        handle.call_soon(|| {});
        let line = slow(&handle, &clock, ms);
        turn(&mut event_loop);
        let found = stalls.take();
        assert!(handle.statistics().longest_turn >= ms * MS, "stall or not");
        if ms < 100 {
            assert!(found.is_empty(), "{ms} ms are within the budget: {found:?}");
            continue;
        }
        let [stall] = &found[..] else { panic!("one stall: {found:?}") };
        assert_eq!(stall.duration, ms * MS);
        let [suspect] = &stall.suspects[..] else { panic!("named alone: {stall}") };
        assert_eq!(suspect.site.line(), line);
    }
    assert_eq!(handle.statistics().stalls, 2);
    assert_eq!(handle.statistics().longest_stall, 250 * MS);
    assert_eq!(handle.statistics().longest_turn, 250 * MS);
}

#[test]
fn without_debug_mode_the_first_stall_has_suspects_and_the_second_a_culprit() {
    let (mut event_loop, handle, clock, stalls) = watched(|_| {});
    handle.call_later(10_000 * MS, || {});
    turn(&mut event_loop);
    for _ in 0..3 {
        handle.call_soon(|| {});
    }
    let line = slow(&handle, &clock, 150);
    turn(&mut event_loop);
    let found = stalls.take();
    let [stall] = &found[..] else { panic!("one stall: {found:?}") };
    assert_eq!(stall.suspects.len(), 4);
    assert_eq!(stall.suspects[3].site.line(), line);

    for _ in 0..3 {
        handle.call_soon(|| {});
    }
    slow(&handle, &clock, 150);
    turn(&mut event_loop);
    let found = stalls.take();
    let [stall] = &found[..] else { panic!("one stall: {found:?}") };
    assert_eq!(stall.suspects.len(), 1, "{stall}");
    assert_eq!(stall.suspects[0].site.line(), line);
}

#[test]
fn a_stall_is_found_within_a_batch_too() {
    let (mut event_loop, handle, clock, stalls) = watched(|_| {});
    turn(&mut event_loop);
    event_loop.poll_events(Some(MS)).unwrap();
    slow(&handle, &clock, 150);
    for _ in 0..1000 {
        handle.call_soon(|| {});
    }
    turn(&mut event_loop);
    let found = stalls.take();
    let [stall] = &found[..] else { panic!("one stall, not one per slice: {found:?}") };
    assert_eq!(stall.suspects.len(), 32, "a slice");
}

#[test]
fn the_first_and_the_last_batch_of_a_run_are_timed_too() {
    let (mut event_loop, handle, clock, stalls) = watched(|_| {});
    let line = slow(&handle, &clock, 150);
    handle.call_soon(support::stopper(&handle));
    event_loop.run_forever().unwrap();
    let found = stalls.take();
    let [stall] = &found[..] else { panic!("one stall: {found:?}") };
    assert_eq!(stall.suspects[0].site.line(), line);
}

#[test]
fn waiting_is_nobody_s_stall() {
    let (mut event_loop, handle, _clock, stalls) = watched(|_| {});
    for n in 1..10 {
        handle.call_later(n * 1000 * MS, || {});
    }
    handle.call_later(10_000 * MS, support::stopper(&handle));
    event_loop.run_forever().unwrap();
    assert!(stalls.take().is_empty());
}

#[test]
fn what_happens_between_two_runs_is_nobody_s_stall() {
    let (mut event_loop, handle, clock, stalls) = watched(|_| {});
    for _ in 0..3 {
        handle.call_soon(support::stopper(&handle));
        event_loop.run_forever().unwrap();
        clock.advance(5000 * MS);
    }
    assert!(stalls.take().is_empty());
}

#[test]
fn the_watch_can_be_switched_off_and_its_budget_changed() {
    let (mut event_loop, handle, clock, stalls) = watched(|config| config.debug = true);
    assert_eq!(handle.slow_callback(), Some(100 * MS), "asyncio's default");
    handle.set_slow_callback(None);
    slow(&handle, &clock, 5000);
    turn(&mut event_loop);
    assert!(stalls.take().is_empty());
    handle.set_slow_callback(Some(10 * MS));
    turn(&mut event_loop);
    slow(&handle, &clock, 1); // begins the timing
    slow(&handle, &clock, 10);
    turn(&mut event_loop);
    assert_eq!(stalls.take().len(), 1);
}

// spec: LPD-08
#[test]
fn debug_mode_takes_effect_while_the_loop_runs() {
    let (mut event_loop, handle, clock, stalls) = watched(|config| config.debug = false);
    handle.call_soon({
        let handle = handle.clone();
        move || {
            handle.set_debug(true);
            assert!(handle.is_debug());
        }
    });
    handle.call_soon(|| {});
    let line = slow(&handle, &clock, 200);
    handle.call_soon(|| {});
    handle.call_soon(support::stopper(&handle));
    event_loop.run_forever().unwrap();
    let found = stalls.take();
    let [stall] = &found[..] else { panic!("one stall: {found:?}") };
    assert_eq!(stall.suspects.len(), 1, "timed alone: {stall}");
    assert_eq!(stall.suspects[0].site.line(), line);
}

// spec: LPD-01
#[test]
fn debug_mode_is_switched_on_by_the_environment_the_config_or_a_call() {
    const CHILD: &str = "ROUNDEL_DEBUG_CHILD";
    let (_event_loop, handle) = support::event_loop();
    if let Some(expected) = std::env::var_os(CHILD) {
        assert_eq!(handle.is_debug(), expected == "on");
        return;
    }
    for (value, expected) in [(Some("1"), "on"), (Some(""), "off"), (None, "off")] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "debug_mode_is_switched_on_by_the_environment_the_config_or_a_call"]);
        child.env(CHILD, expected).env_remove("ROUNDEL_DEBUG");
        child.envs(value.map(|value| ("ROUNDEL_DEBUG", value)));
        let output = child.output().unwrap();
        assert!(output.status.success(), "ROUNDEL_DEBUG={value:?}: {output:?}");
    }
    handle.set_debug(true);
    assert!(handle.is_debug());
    let (_event_loop, handle, _clock) = virtual_loop_with(|config| config.debug = true);
    assert!(handle.is_debug());
}

#[test]
fn a_stall_reads_well() {
    let site = std::panic::Location::caller();
    let (mut event_loop, handle, clock, stalls) = watched(|config| config.debug = true);
    let line = slow(&handle, &clock, 1);
    slow(&handle, &clock, 300);
    turn(&mut event_loop);
    let text = stalls.take()[0].to_string();
    assert_eq!(text, format!("the call-back scheduled at {}:{line}:12 took 300ms", site.file()));
}

#[test]
fn a_handler_that_finds_the_loop_something_to_do_is_not_slept_over() {
    let (mut event_loop, handle, clock) = virtual_loop_with(|_| {});
    handle.set_unhandled_handler(Some(Rc::new({
        let handle = handle.clone();
        move |_: &Unhandled| {
            handle.stop();
            Verdict::Continue
        }
    })));
    handle.call_later(3_600_000 * MS, || {});
    slow(&handle, &clock, 150);
    event_loop.run_forever().unwrap();
    assert_eq!(clock.elapsed(), 150 * MS);
}

#[test]
fn a_main_future_that_stalls_is_named() {
    let (mut event_loop, _handle, clock, stalls) = watched(|config| config.debug = true);
    let line = line!() + 2;
    event_loop.run_until_complete(async { clock.advance(200 * MS) }).unwrap();
    let found = stalls.take();
    let [stall] = &found[..] else { panic!("one stall: {found:?}") };
    assert!(stall.suspects[0].site.line().abs_diff(line) <= 1, "{stall}");
}
