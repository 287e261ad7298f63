//! Bugs of the kinds that this library has to live without, each planted in a small component, and
//! each found by seeds; without the bug, the same test finds nothing.
//!
//! The list with the seeds is in `docs/simulation.md`.

#[path = "../support/mod.rs"]
mod support;

mod accept_loop;
mod lease;
mod log;
mod missed_end;
mod permits;
mod signal;
mod slots;

use roundel_world::{World, try_check};

/// Within so many seeds a bug has to be found.
const SEEDS: u64 = 10_000;

/// And so many find nothing where there is none.
const SOUND: u64 = 200;

/// Whether the bug is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    Broken,
    Sound,
}

impl Code {
    fn is_broken(self) -> bool {
        self == Self::Broken
    }
}

/// Runs a test with its bug, which has to be found, and without.
fn find(what: &str, body: impl AsyncFn(World, Code) + Clone + 'static) {
    let sound = body.clone();
    try_check(SOUND, async move |world| sound(world, Code::Sound).await)
        .unwrap_or_else(|found| panic!("found where there is nothing: {found}"));
    let found = try_check(SEEDS, async move |world| body(world, Code::Broken).await)
        .expect_err("the bug is not found");
    let fewest = found.faults.unwrap_or(found.failure.faults);
    let cause = found.failure.cause.to_string();
    let cause = cause.lines().next().unwrap_or_default();
    println!("{what}: seed {}, {fewest} faults: {cause}", found.failure.seed);
}

#[test]
fn a_lost_wake() {
    find("a lost wake", signal::body);
}

#[test]
fn a_missed_end() {
    find("a missed end", missed_end::body);
}

#[test]
fn a_slot_freed_twice() {
    find("a slot freed twice", slots::body);
}

#[test]
fn a_cancelled_waiter_that_keeps_its_permit() {
    find("a cancelled waiter that keeps its permit", permits::body);
}

#[test]
fn a_timer_that_fires_early() {
    find("a timer that fires early", lease::body);
}

#[test]
fn an_accept_loop_that_dies() {
    find("an accept loop that dies", accept_loop::body);
}

#[test]
fn an_answer_before_the_disk_has_it() {
    find("an answer before the disk has it", log::body);
}
