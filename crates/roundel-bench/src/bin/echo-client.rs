//! `echo-client`: the benchmark's client alone, with a fixed number of requests, for strace.

use std::{error::Error, net::SocketAddr};

use lexopt::prelude::*;
use roundel_bench::{
    load::{
        client::{Client, Load},
        exchange::Exchange,
    },
    machine::{CLIENT_CORE, SERVER_CORE, pin, raise_descriptor_limit},
};

const HELP: &str = "\
echo-client ADDRESS [--connections N] [--bytes N] [--requests N] [--one-core] [--http]
    Sends messages to an echo server and reads them back: 64 connections, 64 bytes, 100000
    requests unless told, and one more for each connection before. With --one-core it runs on the
    server's core, and gives way to it. With --http it asks an http-server for bodies of so many
    bytes.";

fn main() -> Result<(), Box<dyn Error>> {
    let (mut address, mut connections, mut bytes, mut requests) = (None, 64, 64, 100_000);
    let mut exchange: fn(_, _) -> _ = Exchange::echo;
    let mut one_core = false;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("connections") => connections = arguments.value()?.parse()?,
            Long("bytes") => bytes = arguments.value()?.parse()?,
            Long("one-core") => one_core = true,
            Long("http") => exchange = Exchange::http,
            Long("requests") => requests = arguments.value()?.parse()?,
            Value(text) => address = Some(text.parse::<SocketAddr>()?),
            other => return Err(other.unexpected().into()),
        }
    }
    raise_descriptor_limit()?;
    pin(if one_core { SERVER_CORE } else { CLIENT_CORE })?;
    let address = address.ok_or(HELP)?;
    let mut client = Client::connect(address, connections, exchange(address, bytes)?)?;
    if one_core {
        client = client.giving_way();
    }
    let run = client.run(Load::Requests(requests))?;
    println!("{} requests in {:?}", run.requests, run.elapsed);
    Ok(())
}
