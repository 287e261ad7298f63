//! HTTP/1.1 with connections that stay: hyper on roundel beside hyper on tokio.
//!
//! The same service on both, answering a request with a body that lies ready. On tokio it is served
//! as hyper's guides have it, in a task for each connection on the current-thread runtime.

pub mod server;

mod on_roundel;
mod on_tokio;
mod service;

use self::server::HttpServer;
use crate::{
    echo::{CONNECTIONS, ROUNDEL_URING},
    load::{Cores, Program, exchange::Exchange, figures, loaded},
    plan::Plan,
    row::{Row, TOKIO, Target},
};

/// Bytes of the body.
const BODIES: [(usize, &str); 2] = [(12, "12 B"), (16 << 10, "16 KiB")];

/// The rows of this group.
pub fn rows(plan: &Plan) -> Vec<Row> {
    let targets = [Target::Times(1.0, &[TOKIO]), Target::Pair(1.0, ROUNDEL_URING, TOKIO)];
    let mut rows = Vec::new();
    for (bytes, size) in BODIES {
        for connections in CONNECTIONS {
            let (connections, s) =
                (plan.scaled(connections), if connections > 1 { "s" } else { "" });
            let title = format!("a body of {size}, {connections} connection{s}");
            let row = Row::new(title, figures(targets.iter().cloned()));
            rows.push(HttpServer::ALL.into_iter().fold(row, |row, server| {
                let arguments = vec![server.word().to_owned()];
                let program = Program { name: "http-server", arguments };
                let measure = loaded(program, connections, Exchange::http, bytes, Cores::Two, plan);
                row.peer(server.name(), measure)
            }));
        }
    }
    rows
}
