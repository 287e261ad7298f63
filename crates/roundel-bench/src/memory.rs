//! Memory of what waits: a pending timer, an idle connection, a sleeping task.
//!
//! Each figure comes from a process of its own, `memory-probe`, whose allocator counts; the
//! benchmarks proper do not pay for the counting.

use std::{
    cell::Cell,
    error::Error,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use fastrand::Rng;
use roundel_loop::EventLoop;

use crate::{
    echo::{ROUNDEL_URING, server::Server},
    machine::{resident_bytes, sibling},
    plan::Plan,
    row::{Figure, ROUNDEL, Row, TOKIO, Target, Unit},
    soon::{Call, tokio_runtime},
    tasks::{self, Programs},
    timers::{Heap, Queue},
};

/// What waits, and where.
#[derive(Clone, Copy, Debug)]
pub enum Waiting {
    /// A timer with its call-back; on tokio a sleeping task.
    Timers(Server),
    /// A connection on which one 64-byte message was answered.
    Connections(Server),
    /// A sleeping task.
    Tasks(Programs),
}

impl Waiting {
    /// As on `memory-probe`'s command line.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::Timers(server) => ["timers", server.word()],
            Self::Connections(server) => ["connections", server.word()],
            Self::Tasks(programs) => ["tasks", programs.name],
        }
    }

    /// What the words stand for.
    pub fn named(what: &str, who: &str) -> Option<Self> {
        match what {
            "timers" => Server::named(who).map(Self::Timers),
            "connections" => Server::named(who).map(Self::Connections),
            "tasks" => tasks::named(who).map(Self::Tasks),
            _ => None,
        }
    }
}

/// The rows of this group.
pub fn rows(plan: &Plan) -> Vec<Row> {
    type On = fn(Server) -> Waiting;
    let rows: [(_, On, _); 2] = [
        ("a pending timer (tokio: a sleeping task)", Waiting::Timers, plan.scaled(100_000)),
        ("an idle connection", Waiting::Connections, plan.scaled(5000)),
    ];
    let ask = |(title, waiting, count): (_, On, _)| {
        let figures = [Figure::new("allocated", Unit::Bytes), Figure::new("resident", Unit::Bytes)];
        let row = Row::new(title, figures);
        // A timer is the loop's, whatever it stands on.
        let has = |server: &Server| match waiting(*server) {
            Waiting::Timers(server) => Server::WITH_TIMERS.contains(&server),
            _ => true,
        };
        Server::ALL.into_iter().filter(has).fold(row, |row, server| {
            // The hand-written loop goes by one name for both.
            row.peer(server.name(), move || probe(waiting(server), count).expect("the probe runs"))
        })
    };
    rows.into_iter().map(ask).collect()
}

/// The row of streams: with a reader and a writer beside a task with a buffer.
pub fn idle_streams(plan: &Plan) -> Vec<Row> {
    let count = plan.scaled(5000);
    let figures = [
        Figure::new("resident", Unit::Bytes).target(Target::Times(0.15, &[TOKIO])),
        Figure::new("allocated", Unit::Bytes).target(Target::Times(0.15, &[TOKIO])),
    ];
    let ours = [(ROUNDEL, Server::OnStreams), (ROUNDEL_URING, Server::OnStreamsUring)];
    let theirs = [Server::OnTokio, Server::OnSmol, Server::OnMonoio, Server::OnCompio];
    let all = ours.into_iter().chain(theirs.map(|server| (server.name(), server)));
    let row = Row::new("an idle connection, after a message of 64 B", figures);
    vec![all.fold(row, |row, (name, server)| {
        row.peer(name, move || {
            let mut figures = probe(Waiting::Connections(server), count).expect("the probe runs");
            figures.reverse();
            figures
        })
    })]
}

/// Lets the probe say how many bytes each of `count` takes: allocated, and resident.
pub(crate) fn probe(waiting: Waiting, count: usize) -> Result<Vec<f64>, Box<dyn Error>> {
    let output = Command::new(sibling("memory-probe")?)
        .args(waiting.words())
        .arg(count.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    let numbers = String::from_utf8(output.stdout)?;
    let numbers = numbers.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    match numbers.len() {
        2 => Ok(numbers),
        _ => Err("the probe told no figures".into()),
    }
}

/// What the process uses.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// By the allocator's count.
    pub allocated: usize,
    /// By the kernel's.
    pub resident: usize,
}

/// How many bytes more each of `count` waiting things takes, asking `allocated` for the
/// allocator's count.
///
/// # Errors
/// The kernel refuses sockets, or does not tell.
pub fn usage_of(
    waiting: Waiting,
    count: usize,
    allocated: impl Fn() -> usize,
) -> Result<[f64; 2], Box<dyn Error>> {
    let usage = || -> Result<Usage, Box<dyn Error>> {
        Ok(Usage { allocated: allocated(), resident: resident_bytes()? })
    };
    let [before, after] = match waiting {
        Waiting::Connections(server) => connections(server, count, usage)?,
        Waiting::Timers(Server::OnLoop) => timers_on_loop(count, usage)?,
        Waiting::Timers(Server::OnTokio) => timers_on_tokio(count, usage)?,
        Waiting::Timers(Server::ByHand) => timers_by_hand(count, usage)?,
        Waiting::Timers(other) => return Err(format!("{} has no timers here", other.name()).into()),
        Waiting::Tasks(programs) => (programs.asleep)(count, &usage)?,
    };
    let per_item = |before: usize, after: usize| (after as f64 - before as f64) / count as f64;
    Ok([per_item(before.allocated, after.allocated), per_item(before.resident, after.resident)])
}

/// Before, and while it waits.
pub(crate) type Measured = Result<[Usage; 2], Box<dyn Error>>;

/// Somewhere between ten and twenty seconds, as timeouts are.
pub(crate) fn delays(count: usize) -> impl Iterator<Item = Duration> {
    let mut random = Rng::with_seed(17);
    (0..count).map(move |_| Duration::from_secs(10).mul_f64(1.0 + random.f64()))
}

fn timers_on_loop(count: usize, usage: impl Fn() -> Result<Usage, Box<dyn Error>>) -> Measured {
    let mut event_loop = EventLoop::new()?;
    let handle = event_loop.handle();
    let fired = Rc::new(Cell::new(0));
    let before = usage()?;
    for delay in delays(count) {
        let fired = Rc::clone(&fired);
        handle.call_later(delay, move || fired.set(fired.get() + 1));
    }
    // One turn: the queue has to look for the next deadline.
    handle.stop();
    event_loop.run_forever()?;
    Ok([before, usage()?])
}

fn timers_on_tokio(count: usize, usage: impl Fn() -> Result<Usage, Box<dyn Error>>) -> Measured {
    let runtime = tokio_runtime();
    runtime.block_on(async {
        let before = usage()?;
        for delay in delays(count) {
            tokio::spawn(tokio::time::sleep(delay));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok([before, usage()?])
    })
}

fn timers_by_hand(count: usize, usage: impl Fn() -> Result<Usage, Box<dyn Error>>) -> Measured {
    let mut queue: Heap<Call> = Heap::default();
    let fired = Rc::new(Cell::new(0));
    let before = usage()?;
    for delay in delays(count) {
        let fired = Rc::clone(&fired);
        let call = Box::new(move || fired.set(fired.get() + 1));
        queue.insert(Instant::now() + delay, call);
    }
    Ok([before, usage()?])
}

/// The client's ends lie in this process too, but take nothing of its memory that is counted:
/// their table is made before.
fn connections(
    server: Server,
    count: usize,
    usage: impl Fn() -> Result<Usage, Box<dyn Error>>,
) -> Measured {
    let address = server.serve_beside(4096)?;
    let mut clients = Vec::with_capacity(count + 1);
    let mut connect = || -> Result<(), Box<dyn Error>> {
        let mut client = TcpStream::connect(address)?;
        let mut message = [7; 64];
        client.write_all(&message)?;
        client.read_exact(&mut message)?;
        clients.push(client);
        Ok(())
    };
    // The first has the server make everything that it makes once.
    connect()?;
    let before = usage()?;
    for _ in 0..count {
        connect()?;
    }
    Ok([before, usage()?])
}
