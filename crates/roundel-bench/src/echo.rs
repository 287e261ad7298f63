//! TCP echo: what a request costs the server, and how many a second it answers.
//!
//! Once by call-backs, and once as our users write it: a reader and a writer in a task for each
//! connection. Peers are the same.

pub mod server;

mod by_hand;
mod by_hand_uring;
mod on_compio;
mod on_loop;
mod on_monoio;
mod on_smol;
mod on_streams;
mod on_tokio;

use self::server::Server;
use crate::{
    load::{Cores, Program, exchange::Exchange, figures, loaded},
    plan::Plan,
    row::{ROUNDEL, Row, TOKIO, Target},
};

/// A loop over epoll that can do nothing else.
pub(crate) const EPOLL: &str = "epoll by hand";
/// The same, its system calls in a function.
pub(crate) const EPOLL_CALLED: &str = "epoll by hand, in a function";
/// The same over io_uring.
pub(crate) const URING: &str = "io_uring by hand";
/// Ours over io_uring.
pub(crate) const ROUNDEL_URING: &str = "roundel, io_uring";
/// A reader and a writer, over epoll.
pub(crate) const STREAMS: &str = "roundel, streams";
/// The same over io_uring.
pub(crate) const STREAMS_URING: &str = "roundel, streams, io_uring";
pub(crate) const SMOL: &str = "smol";
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
pub(crate) const CONNECTIONS: [usize; 3] = [1, 64, 1000];

/// The rows of call-backs.
pub fn rows(plan: &Plan) -> Vec<Row> {
    rows_of(&CALL_BACKS, Cores::Two, plan)
}

/// The same, server and client on one core.
pub fn rows_on_one_core(plan: &Plan) -> Vec<Row> {
    rows_of(&CALL_BACKS, Cores::One, plan)
}

/// The rows of streams.
pub fn stream_rows(plan: &Plan) -> Vec<Row> {
    rows_of(&BY_STREAMS, Cores::Two, plan)
}

/// The same, server and client on one core.
pub fn stream_rows_on_one_core(plan: &Plan) -> Vec<Row> {
    rows_of(&BY_STREAMS, Cores::One, plan)
}

type Ours = [(&'static str, Server); 2];
const CALL_BACKS: Ours = [(ROUNDEL, Server::OnLoop), (ROUNDEL_URING, Server::OnUring)];
const BY_STREAMS: Ours = [(ROUNDEL, Server::OnStreams), (ROUNDEL_URING, Server::OnStreamsUring)];

/// Those of ADR 18.
const TARGETS: [Target; 5] = [
    Target::Pair(1.0, ROUNDEL, TOKIO),
    Target::Pair(1.1, ROUNDEL, EPOLL_CALLED),
    Target::Pair(1.1, ROUNDEL_URING, URING),
    Target::Pair(1.0, ROUNDEL_URING, MONOIO),
    Target::Pair(1.0, ROUNDEL_URING, COMPIO),
];

const PEERS: [Server; 7] = [
    Server::OnTokio,
    Server::OnSmol,
    Server::OnMonoio,
    Server::OnCompio,
    Server::ByHand,
    Server::ByHandCalled,
    Server::ByHandUring,
];

fn rows_of(ours: &Ours, cores: Cores, plan: &Plan) -> Vec<Row> {
    let mut rows = Vec::new();
    for (bytes, room, size) in SIZES {
        for connections in CONNECTIONS {
            let (connections, s) =
                (plan.scaled(connections), if connections > 1 { "s" } else { "" });
            let title = format!("{size} messages, {connections} connection{s}");
            let theirs = PEERS.map(|server| (server.name(), server));
            let row = Row::new(title, figures(TARGETS));
            rows.push(ours.iter().copied().chain(theirs).fold(row, |row, (name, server)| {
                let arguments = [server.word(), "--room", &room.to_string()].map(str::to_owned);
                let mut arguments = Vec::from(arguments);
                arguments.extend((cores == Cores::One).then(|| "--one-core".to_owned()));
                let program = Program { name: "echo-server", arguments };
                row.peer(name, loaded(program, connections, Exchange::echo, bytes, cores, plan))
            }));
        }
    }
    rows
}
