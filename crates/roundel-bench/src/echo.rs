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
    load::{Program, exchange::Exchange, figures, loaded},
    plan::Plan,
    row::{ROUNDEL, Row, TOKIO, Target},
};

/// A loop over epoll that can do nothing else.
pub(crate) const EPOLL: &str = "epoll by hand";
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
    let targets = [Target::Times(1.0, &[TOKIO, EPOLL])];
    let ours = [(ROUNDEL, Server::OnLoop), (ROUNDEL_URING, Server::OnUring)];
    rows_of(&ours, &targets, plan)
}

/// The rows of streams.
pub fn stream_rows(plan: &Plan) -> Vec<Row> {
    let targets = [
        Target::Times(1.1, &[EPOLL]),
        Target::Pair(1.1, ROUNDEL_URING, URING),
        Target::Times(1.0, &[TOKIO, SMOL, MONOIO, COMPIO]),
    ];
    let ours = [(ROUNDEL, Server::OnStreams), (ROUNDEL_URING, Server::OnStreamsUring)];
    rows_of(&ours, &targets, plan)
}

const PEERS: [Server; 6] = [
    Server::OnTokio,
    Server::OnSmol,
    Server::OnMonoio,
    Server::OnCompio,
    Server::ByHand,
    Server::ByHandUring,
];

fn rows_of(ours: &[(&'static str, Server)], targets: &[Target], plan: &Plan) -> Vec<Row> {
    let mut rows = Vec::new();
    for (bytes, room, size) in SIZES {
        for connections in CONNECTIONS {
            let (connections, s) =
                (plan.scaled(connections), if connections > 1 { "s" } else { "" });
            let title = format!("{size} messages, {connections} connection{s}");
            let theirs = PEERS.map(|server| (server.name(), server));
            let row = Row::new(title, figures(targets.iter().cloned()));
            rows.push(ours.iter().copied().chain(theirs).fold(row, |row, (name, server)| {
                let arguments = [server.word(), "--room", &room.to_string()].map(str::to_owned);
                let program = Program { name: "echo-server", arguments: arguments.into() };
                row.peer(name, loaded(program, connections, Exchange::echo, bytes, plan))
            }));
        }
    }
    rows
}
