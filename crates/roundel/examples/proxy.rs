//! A TCP proxy with limits: so many connections at once, so long to connect, so long to drain.
//!
//! ```text
//! cargo run --example proxy -- 127.0.0.1:8080 example.org:80
//! ```

use std::{env, io, process::ExitCode, time::Duration};

use anyhow::bail;
use futures::StreamExt;
use roundel::{
    SignalKind,
    net::{ConnectOptions, Connection, Listener, ServeOptions, Target, resolve},
    signal,
    stream::copy_bidirectional,
};

const USAGE: &str = "usage: proxy LISTEN-AT FORWARD-TO, each HOST:PORT";

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proxy: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let words: Vec<_> = env::args().skip(1).collect();
    let [from, to] = &words[..] else { bail!(USAGE) };
    let (from, to) = (Target::from(&**from), Target::from(&**to));
    roundel::run(async move {
        // What is wrong with it is better said now than to the first client.
        resolve(&to).await?;
        let listener = Listener::bind(from).await?;
        let mut ctrl_c = signal(SignalKind::INTERRUPT)?;
        println!("listening at {}, forwarding to {to}", listener.local_addresses()[0]);
        let mut options = ServeOptions::default();
        options.limit = Some(1000);
        // After Ctrl-C what is under way may go on for so long.
        options.grace = Duration::from_secs(10);
        let server = options.serve(listener, async move |client| forward(client, &to).await);
        let drained = server.serve_until(ctrl_c.next()).await;
        println!(
            "{} connections came to their ends, {} did not",
            drained.finished, drained.aborted
        );
        Ok(())
    })?
}

/// One connection, in both directions, until both are at their ends.
async fn forward(client: Connection, to: &Target) -> io::Result<()> {
    let mut options = ConnectOptions::default();
    options.limit = Some(Duration::from_secs(10));
    let server = options.connect(to).await?;
    let (mut from_client, mut to_client) = client.open();
    let (mut from_server, mut to_server) = server.open();
    let here = (&mut from_client, &mut to_client);
    let there = (&mut from_server, &mut to_server);
    copy_bidirectional(here, there).await?;
    Ok(())
}
