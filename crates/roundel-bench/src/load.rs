//! Load: a server in a process of its own on one core, and one client for all on the other or the same.
//!
//! A server's time on the CPU is read while it rests, between rounds. On two cores it is as it is in
//! life, and depends on who of the two waits for the other and on lines of the cache that go to and fro.
//! On one core it is what the server's own work costs: turns are the same for all servers, and figures
//! agree within some percent between runs.

pub mod client;
pub mod exchange;

mod process;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use rustix::net::sockopt::set_tcp_congestion;

use self::{
    client::{Client, Load},
    exchange::Exchange,
    process::ServerProcess,
};
use crate::{
    plan::Plan,
    row::{Figure, Target, Unit},
};

/// How every socket here paces itself: not at all. BBR, where it is the default, holds packets back
/// by timers of its own and differs from connection to connection more than servers do.
const CONGESTION: &str = "reno";

/// A listener on loopback, on any port if it is 0; its connections inherit its options.
///
/// # Errors
/// The port is taken.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    set_tcp_congestion(&listener, CONGESTION)?;
    Ok(listener)
}

/// What a server under load is asked for.
pub(crate) fn figures(targets: impl IntoIterator<Item = Target>) -> [Figure; 2] {
    let cost = Figure::new("server CPU per request", Unit::Nanoseconds);
    [targets.into_iter().fold(cost, Figure::target), Figure::new("requests", Unit::PerSecond)]
}

/// A program that serves, as it is called.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) arguments: Vec<String>,
}

/// Where server and client run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cores {
    /// Each on its own.
    Two,
    /// Both on the server's, which has the lowest priority: it runs when the client has nothing to do.
    One,
}

/// A server with its client, asked for a round at a time; both stay for all rounds of a row.
pub(crate) fn loaded(
    program: Program,
    connections: usize,
    exchange: fn(SocketAddr, usize) -> io::Result<Exchange>,
    size: usize,
    cores: Cores,
    plan: &Plan,
) -> impl FnMut() -> Vec<f64> + use<> {
    let round = Duration::from_millis(if plan.quick { 10 } else { 400 });
    let mut pair = None;
    move || {
        let (process, client) = pair.get_or_insert_with(|| {
            let process = ServerProcess::start(&program).expect("the server starts");
            let address = SocketAddr::from(([127, 0, 0, 1], process.port()));
            let exchange = exchange(address, size).expect("the server answers");
            let client = Client::connect(address, connections, exchange);
            let client = client.expect("the server answers");
            (process, if cores == Cores::One { client.giving_way() } else { client })
        });
        let before = process.cpu_at_rest().expect("the server lives");
        let run = client.run(Load::For(round)).expect("the server answers");
        let cpu = process.cpu_at_rest().expect("the server lives") - before;
        let requests = run.requests as f64;
        vec![cpu.as_nanos() as f64 / requests, requests / run.elapsed.as_secs_f64()]
    }
}
