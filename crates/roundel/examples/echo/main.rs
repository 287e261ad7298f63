//! An echo server on each level of Roundel: the same program four times, from the ground up.
//!
//! ```text
//! cargo run --example echo -- streams 127.0.0.1:7000
//! nc 127.0.0.1 7000
//! ```
//!
//! What a level adds can be seen by reading the files in this order:
//!
//! - `selector`: a `while` loop of one's own asks which sockets are ready. `roundel-selector` alone.
//! - `call_backs`: the loop does the work and calls back with what has come of it. `roundel-loop`.
//! - `protocol`: a connection calls an object back, and says when it is sent too much.
//!   `roundel-stream`.
//! - `streams`: a task for each connection, which waits. `roundel-net` and all below it.

mod accept;
mod call_backs;
mod protocol;
mod selector;
mod streams;

use std::{net::TcpListener, process::ExitCode};

use anyhow::{Context, bail};
use lexopt::prelude::*;

const USAGE: &str = "\
usage: echo selector | call-backs | protocol | streams [HOST:PORT] [--driver NAME]

    HOST:PORT       where to listen: 127.0.0.1:7000 unless given; with port 0 at any free one
    --driver NAME   select, poll, epoll, polling, uring … (default: the best)
";

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let (mut words, mut driver) = (Vec::new(), "auto".to_owned());
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => {
                print!("{USAGE}");
                return Ok(());
            }
            Long("driver") => driver = parser.value()?.string()?,
            Value(word) => words.push(word.string()?),
            other => bail!("{}\n{USAGE}", other.unexpected()),
        }
    }
    let (level, address) = match &words[..] {
        [level] => (level, "127.0.0.1:7000"),
        [level, address] => (level, &**address),
        _ => bail!("{USAGE}"),
    };
    let serve = match &**level {
        "selector" => selector::serve,
        "call-backs" => call_backs::serve,
        "protocol" => protocol::serve,
        "streams" => streams::serve,
        _ => bail!("there is no level {level}\n{USAGE}"),
    };
    let listener = TcpListener::bind(address).with_context(|| format!("listening at {address}"))?;
    serve(listener, &driver)
}
