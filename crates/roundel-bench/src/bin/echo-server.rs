//! `echo-server`: one of the servers alone, for the benchmark's client, strace and profilers.

use std::error::Error;

use lexopt::prelude::*;
use roundel_bench::{
    echo::server::Server,
    load::listen,
    machine::{SERVER_CORE, give_way, pin, raise_descriptor_limit},
};

const HELP: &str = "\
echo-server NAME [--port N] [--room BYTES] [--one-core]
    NAME is roundel, roundel-uring, roundel-streams, roundel-streams-uring, tokio, smol, monoio,
    compio, epoll, epoll-called or uring.
    Answers every message with itself, on 127.0.0.1; prints its address first. Without a port it
    takes any that is free. Room is how much it reads at a time, 4096 unless told. With --one-core it
    has the lowest priority, for a client on the same core.";

fn main() -> Result<(), Box<dyn Error>> {
    let (mut server, mut port, mut room) = (None, 0, 4096);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("port") => port = arguments.value()?.parse()?,
            Long("one-core") => give_way()?,
            Long("room") => room = arguments.value()?.parse()?,
            Value(name) => server = Server::named(&name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let server = server.ok_or(HELP)?;
    raise_descriptor_limit()?;
    pin(SERVER_CORE)?;
    let listener = listen(port)?;
    println!("{} at {}", server.name(), listener.local_addr()?);
    Ok(server.serve(listener, room)?)
}
