//! The simulated world: echo between hosts in pairs, beside turmoil.
//!
//! Both are given a latency of a millisecond and nothing that goes wrong. Turmoil goes on in ticks,
//! here of a millisecond too, and lets every host run in each; we jump from one packet to the next.
//! So with hosts that mostly wait the difference is one of kind, and the row of two hosts, which
//! never wait long, is the one that compares the costs of an event.

use std::time::{Duration, Instant};

use crate::{
    groups::Group,
    machine::SERVER_CORE,
    plan::Plan,
    row::{Figure, ROUNDEL, Row, Target, Unit},
};

mod on_turmoil;
mod on_world;

/// The groups of this page.
pub const GROUPS: [Group; 1] = [Group {
    name: "world",
    subject: "Simulated hosts in pairs, echo over TCP, a millisecond each way",
    core: SERVER_CORE,
    rows,
}];

const TURMOIL: &str = "turmoil";

/// It keeps a link for every pair of hosts: a thousand take it minutes to set up.
const TURMOILS_MOST: usize = 100;

/// The one-way latency, and turmoil's tick.
const LATENCY: Duration = Duration::from_millis(1);

/// What goes to and fro.
const MESSAGE: [u8; 64] = [7; 64];

/// So many hosts, half of which ask the other half, so often each.
#[derive(Clone, Copy)]
struct Task {
    hosts: usize,
    rounds: usize,
    /// Between two questions of a client.
    pause: Duration,
}

impl Task {
    fn pairs(self) -> usize {
        self.hosts / 2
    }

    /// Wall time of a round trip, and virtual seconds per second of it.
    fn figures(self, work: impl FnOnce(Self) -> Duration) -> Vec<f64> {
        let begin = Instant::now();
        let simulated = work(self);
        let took = begin.elapsed().as_secs_f64();
        let round_trips = (self.pairs() * self.rounds) as f64;
        vec![took * 1e9 / round_trips, simulated.as_secs_f64() / took]
    }
}

fn rows(plan: &Plan) -> Vec<Row> {
    let busy = |hosts, rounds| Task { hosts, rounds, pause: Duration::ZERO };
    let idle = |hosts, rounds| Task { hosts, rounds, pause: Duration::from_secs(1) };
    let rows = [
        ("2 hosts, one question after the other", busy(2, plan.scaled(20_000))),
        ("100 hosts, one question after the other", busy(100, plan.scaled(200))),
        ("1000 hosts, one question after the other", busy(1000, plan.scaled(40))),
        ("10 000 hosts, one question after the other", busy(10_000, plan.scaled(40))),
        ("100 hosts, a question a second", idle(100, plan.scaled(5))),
    ];
    // Five times its events per second.
    let target = Target::Times(0.2, &[TURMOIL]);
    let row = |(title, task): (&str, Task)| {
        let figures = [
            Figure::new("wall time per round trip", Unit::Nanoseconds).target(target.clone()),
            Figure::new("virtual seconds", Unit::PerSecond),
        ];
        let row = Row::new(title, figures).peer(ROUNDEL, move || task.figures(on_world::run));
        if task.hosts > TURMOILS_MOST {
            return row;
        }
        row.peer(TURMOIL, move || task.figures(on_turmoil::run))
    };
    rows.into_iter().map(row).collect()
}
