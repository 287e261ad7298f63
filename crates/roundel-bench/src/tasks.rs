//! Tasks: spawned and joined, given turns, asleep, with a timeout, in a group, from another thread.
//!
//! Every runtime runs the same programs (`programs.rs`) as its own users run it: with timers and
//! sockets on, and ours with everything that it never switches off: sight, panics, cancelling and
//! the stall watch. What is measured is the CPU time of the whole process, as smol has a thread of
//! its own for timers. Executors by hand (`by_hand.rs`) stand for the limit.

mod afar;
mod by_hand;
mod programs;
mod runtimes;
mod scopes;

use self::programs::ALL;
pub use self::programs::{Programs, named};
use crate::{
    groups::Group,
    machine::SERVER_CORE,
    memory::{self, Waiting},
    plan::Plan,
    row::{Figure, Row, TOKIO, Target, Unit},
};

/// The groups of this page.
pub const GROUPS: [Group; 5] = [
    Group {
        name: "spawn",
        subject: "Tasks from spawn to their value",
        core: SERVER_CORE,
        rows: spawning,
    },
    Group {
        name: "turns",
        subject: "Turns: woken and polled again",
        core: SERVER_CORE,
        rows: turns,
    },
    Group {
        name: "waits",
        subject: "Tasks and time, and what a waiting task takes",
        core: SERVER_CORE,
        rows: waits,
    },
    Group {
        name: "scopes",
        subject: "Groups of children, in one task",
        core: SERVER_CORE,
        rows: scopes::rows,
    },
    Group {
        name: "afar",
        subject: "Tasks from another thread",
        core: SERVER_CORE,
        rows: afar::rows,
    },
];

const BY_HAND: &str = "slab by hand";

/// A row for all runtimes; `measure` picks the program and says how often.
/// Our target is so many `times` what tokio needs.
fn row(
    title: &str,
    figure: &'static str,
    times: f64,
    measure: impl Fn(&Programs) -> f64 + Copy + 'static,
) -> Row {
    let figure = Figure::new(figure, Unit::Nanoseconds).target(Target::Times(times, &[TOKIO]));
    let row = Row::new(title, [figure]);
    ALL.into_iter().fold(row, |row, programs| row.only(programs.name, move || measure(&programs)))
}

fn spawning(plan: &Plan) -> Vec<Row> {
    let few = plan.scaled(200_000) / 1000;
    let many = plan.scaled(1_000_000);
    let both = |title, target, at_once, rounds| {
        row(title, "CPU per task", target, move |programs| (programs.spawned)(at_once, rounds))
            .only(BY_HAND, move || by_hand::spawned(at_once, rounds))
    };
    vec![
        both("spawned and joined, 1000 in flight", 0.15, 1000, few),
        both("spawned and joined, a million at once", 0.22, many, 1),
    ]
}

fn turns(plan: &Plan) -> Vec<Row> {
    let turns = plan.scaled(400_000);
    let yields = |title, width| {
        let turns = turns / width;
        row(title, "CPU per yield", 0.45, move |programs| (programs.yields)(width, turns))
            .only(BY_HAND, move || by_hand::yields(width, turns))
    };
    let trips = plan.scaled(100_000);
    vec![
        yields("1000 tasks yield", 1000),
        yields("2 tasks yield", 2),
        row("2 tasks throw a ball through oneshots", "CPU per round trip", 0.6, move |programs| {
            (programs.ping_pong)(trips)
        }),
    ]
}

fn waits(plan: &Plan) -> Vec<Row> {
    let timeouts = |title, width| {
        let turns = plan.scaled(100_000) / width;
        row(title, "CPU per timeout", 0.4, move |programs| (programs.timeouts)(width, turns))
    };
    let (sleepers, tasks) = (plan.scaled(1_000_000), plan.scaled(100_000));
    let figures = [
        Figure::new("allocated", Unit::Bytes),
        Figure::new("resident", Unit::Bytes).target(Target::Times(0.45, &[TOKIO])),
    ];
    let memory = ALL.into_iter().fold(Row::new("a sleeping task", figures), |row, programs| {
        row.peer(programs.name, move || {
            memory::probe(Waiting::Tasks(programs), tasks).expect("the probe runs")
        })
    });
    vec![
        timeouts("a 10 s timeout around a yield, 1 task", 1),
        timeouts("a 10 s timeout around a yield, 1000 tasks", 1000),
        row("a million sleep, anywhere within a second", "CPU per task", 0.8, move |programs| {
            (programs.sleepers)(sleepers)
        }),
        memory,
    ]
}
