//! TCP echo: what a request costs the server, and how many a second it answers.
//!
//! Each server is a process of its own on one core; one client, the same for all, loads it from
//! the other. A process's time on the CPU is read while it rests, between rounds.

pub mod client;
pub mod server;

mod by_hand;
mod by_hand_uring;
mod on_compio;
mod on_loop;
mod on_monoio;
mod on_streams;
mod on_tokio;
mod process;

use std::{net::SocketAddr, time::Duration};

use self::{
    client::{Client, Load},
    process::ServerProcess,
    server::Server,
};
use crate::{
    plan::Plan,
    row::{Figure, ROUNDEL, Row, TOKIO, Target, Unit},
};

/// A loop over epoll that can do nothing else.
pub(crate) const EPOLL: &str = "epoll by hand";
/// The same over io_uring.
pub(crate) const URING: &str = "io_uring by hand";
/// Our loop over io_uring.
pub(crate) const ROUNDEL_URING: &str = "roundel, io_uring";
/// A reader and a writer, over epoll.
pub(crate) const STREAMS: &str = "roundel, streams";
/// The same over io_uring.
pub(crate) const STREAMS_URING: &str = "roundel, streams, io_uring";
pub(crate) const MONOIO: &str = "monoio";
pub(crate) const COMPIO: &str = "compio";

/// Bytes of a message, and the room a server has for one. There is more room than message, so that
/// a read that is not full tells the server that the socket is empty.
const SIZES: [(usize, usize, &str); 4] = [
    (64, 4 << 10, "64 B"),
    (1 << 10, 4 << 10, "1 KiB"),
    (16 << 10, 32 << 10, "16 KiB"),
    (128 << 10, 256 << 10, "128 KiB"),
];
const CONNECTIONS: [usize; 3] = [1, 64, 1000];

/// The rows of this group.
pub fn rows(plan: &Plan) -> Vec<Row> {
    let target = Target::Times(1.0, &[TOKIO, EPOLL]);
    let figures = [
        Figure::new("server CPU per request", Unit::Nanoseconds).target(target),
        Figure::new("requests", Unit::PerSecond),
    ];
    let round = Duration::from_millis(if plan.quick { 10 } else { 400 });
    let mut rows = Vec::new();
    for (bytes, room, size) in SIZES {
        for connections in CONNECTIONS {
            let (connections, s) =
                (plan.scaled(connections), if connections > 1 { "s" } else { "" });
            let title = format!("{size} messages, {connections} connection{s}");
            let ask = |server| asked(server, Question { bytes, room, connections, round });
            let row = Row::new(title, figures.clone())
                .peer(ROUNDEL, ask(Server::OnLoop))
                .peer(ROUNDEL_URING, ask(Server::OnUring))
                .peer(STREAMS, ask(Server::OnStreams))
                .peer(STREAMS_URING, ask(Server::OnStreamsUring))
                .peer(TOKIO, ask(Server::OnTokio))
                .peer(MONOIO, ask(Server::OnMonoio))
                .peer(COMPIO, ask(Server::OnCompio))
                .peer(EPOLL, ask(Server::ByHand))
                .peer(URING, ask(Server::ByHandUring));
            rows.push(row);
        }
    }
    rows
}

struct Question {
    bytes: usize,
    room: usize,
    connections: usize,
    round: Duration,
}

/// A server with its client; both stay for all rounds of the row.
fn asked(server: Server, question: Question) -> impl FnMut() -> Vec<f64> {
    let mut pair = None;
    move || {
        let (process, client) = pair.get_or_insert_with(|| {
            let process = ServerProcess::start(server, question.room).expect("the server starts");
            let address = SocketAddr::from(([127, 0, 0, 1], process.port()));
            let client = Client::connect(address, question.connections, question.bytes);
            (process, client.expect("the server answers"))
        });
        let before = process.cpu_at_rest().expect("the server lives");
        let run = client.run(Load::For(question.round)).expect("the server answers");
        let cpu = process.cpu_at_rest().expect("the server lives") - before;
        let requests = run.requests as f64;
        vec![cpu.as_nanos() as f64 / requests, requests / run.elapsed.as_secs_f64()]
    }
}
