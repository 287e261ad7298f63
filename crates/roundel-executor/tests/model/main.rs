//! Random programs of tasks, groups, gatherings, timeouts, resources, cancels and panics, each run
//! twice on virtual time and held against a model of what may happen.
//!
//! A program is made of its seed: every life in it draws what it does next (`program.rs`,
//! `scopes.rs`, `join.rs`) and tells the model (`ledger.rs`, `rules.rs`), which knows:
//!
//! - nobody is polled after a cancel or an end, nor outside its owner;
//! - nobody is dropped without a reason, and no part outlives its whole;
//! - each resource exits once, inner ones first, before its owner goes on;
//! - each result is the one that was returned, and each panic is told once;
//! - who is woken has the next turn, and who sleeps wakes in time;
//! - in the end nothing is left, and the second run is as the first.

mod join;
mod ledger;
mod program;
mod rules;
mod scopes;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::{env, ops::Range, rc::Rc, time::Duration};

use roundel_executor::{set_grace, spawn_on, statistics, task_tree_of};
use roundel_loop::{EventLoop, LoopHandle, Verdict};

use ledger::Event;
use support::virtual_loop;
use world::{World, number_of};

/// Everybody who waits at a gate is let through so often, so that no program waits for ever.
const TIDE: Duration = Duration::from_millis(20);

/// Beyond these a program hangs.
const MOST_TURNS: u64 = 10_000;
const LONGEST: Duration = Duration::from_secs(60);

/// What a program did, and which rules were broken.
struct Run {
    trace: Vec<Event>,
    violations: Vec<String>,
}

/// Runs the program of a seed.
fn run(seed: u64) -> Run {
    let (mut event_loop, handle, clock) = virtual_loop();
    set_grace(&handle, Duration::from_secs(1));
    let world = World::new(seed, clock.clone());
    hear(&handle, &world);
    spawn_on(&handle, program::first(&world)).detach();
    let closing = world.one_in(16).then(|| world.below(40));
    let mut tide = TIDE;
    let mut turns = 0;
    while statistics(&handle).tasks > 0 && closing.is_none_or(|turn| turns < turn) {
        if turns == MOST_TURNS || clock.elapsed() > LONGEST {
            let tree = task_tree_of(&handle);
            world.ledger().check(false, || format!("it hangs:\n{tree}"));
            break;
        }
        turn(&mut event_loop, tide.saturating_sub(clock.elapsed()));
        world.turn_over();
        turns += 1;
        if clock.elapsed() >= tide {
            tide += TIDE;
            (0..3).for_each(|gate| world.open_gate(gate));
        }
    }
    finish(event_loop, &handle, &world);
    let mut ledger = world.ledger();
    Run {
        trace: std::mem::take(&mut ledger.trace),
        violations: std::mem::take(&mut ledger.violations),
    }
}

/// Who tells of what nobody awaits.
fn hear(handle: &LoopHandle, world: &Rc<World>) {
    let world = Rc::clone(world);
    handle.set_unhandled_handler(Some(Rc::new(move |report| {
        match &report.panic {
            Some(payload) => {
                let number = number_of(&world, &**payload);
                world.ledger().told(number);
            }
            None => {
                let mut ledger = world.ledger();
                let known = report.message.contains("outlasted its grace");
                ledger.check(known, || format!("reported: {}", report.message));
                ledger.grace_over = Some(ledger.turn);
            }
        }
        Verdict::Continue
    })));
}

fn turn(event_loop: &mut EventLoop, limit: Duration) {
    event_loop.poll_events(Some(limit)).unwrap();
    event_loop.process_events().unwrap();
    event_loop.run_ready().unwrap();
}

/// Closes the loop and looks for what is left.
fn finish(mut event_loop: EventLoop, handle: &LoopHandle, world: &Rc<World>) {
    let (tasks, timers) = (statistics(handle).tasks, handle.statistics().pending_timers);
    world.ledger().closing = tasks > 0;
    if tasks == 0 {
        world.ledger().check(timers == 0, || format!("{timers} timers are left"));
        let pooled = world.pool.borrow().len();
        world.ledger().check(pooled == 0, || format!("{pooled} tasks were not joined"));
    }
    event_loop.close();
    drop(event_loop);
    let pooled = world.pool.take();
    drop(pooled);
    world.ledger().audit();
    handle.set_unhandled_handler(None);
    let held = Rc::strong_count(world);
    world.ledger().check(held == 1, || format!("{held} hold the world: a future is leaked"));
}

/// Runs a seed twice; what was wrong, and how to see it again.
fn failure(seed: u64) -> Option<String> {
    let (first, second) = (run(seed), run(seed));
    if env::var_os(SEED).is_some() {
        for (number, Event { at, turn, life, what }) in first.trace.iter().enumerate() {
            println!("{number:4}  {at:6} µs  turn {turn:4}  life {life:3}  {what:?}");
        }
    }
    let mut told = first.violations;
    if first.trace != second.trace {
        let same = first.trace.iter().zip(&second.trace).take_while(|(one, two)| one == two);
        told.push(format!("the second run differs from event {}", same.count()));
    }
    (!told.is_empty()).then(|| {
        let told = told.join("\n");
        let again = "cargo test -p roundel-executor --test model -- --nocapture";
        format!("seed {seed}:\n{told}\nagain: {SEED}={seed} {again}")
    })
}

/// After so many the search is over.
const MOST_FAILURES: usize = 10;

/// Which one seed to run, and to print what it does.
const SEED: &str = "ROUNDEL_SEED";

/// The seeds of this run: one that is given, or a good many.
fn seeds() -> Range<u64> {
    if let Ok(seed) = env::var(SEED) {
        let seed = seed.parse().expect("ROUNDEL_SEED is a number");
        return seed..seed + 1;
    }
    0..if env::var_os("ROUNDEL_DEEP").is_some() { 100_000 } else { 2_000 }
}

#[test]
fn programs_of_tasks_agree_with_the_model() {
    let failures: Vec<String> = seeds().filter_map(failure).take(MOST_FAILURES).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
