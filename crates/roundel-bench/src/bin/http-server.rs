//! `http-server`: one of the HTTP servers alone, for the benchmark's client and profilers.

use std::error::Error;

use lexopt::prelude::*;
use roundel_bench::{
    http::server::HttpServer,
    load::listen,
    machine::{SERVER_CORE, pin, raise_descriptor_limit},
};

const HELP: &str = "\
http-server NAME [--port N]
    NAME is roundel, roundel-uring or tokio.
    Answers GET /N with N bytes, on 127.0.0.1; prints its address first. Without a port it takes any
    that is free.";

fn main() -> Result<(), Box<dyn Error>> {
    let (mut server, mut port) = (None, 0);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("port") => port = arguments.value()?.parse()?,
            Value(name) => server = HttpServer::named(&name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let server = server.ok_or(HELP)?;
    raise_descriptor_limit()?;
    pin(SERVER_CORE)?;
    let listener = listen(port)?;
    println!("{} at {}", server.name(), listener.local_addr()?);
    Ok(server.serve(listener)?)
}
