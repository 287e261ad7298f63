//! A TCP proxy with limits: so many connections at once, so long to connect, so long to drain.
//!
//! ```text
//! cargo run --example proxy -- 127.0.0.1:8080 example.org:80
//! ```

use std::{env, error::Error, io, time::Duration};

use roundel::{
    net::{ConnectOptions, Connection, Listener, ServeOptions, Target},
    stream::copy_bidirectional,
};

fn main() -> Result<(), Box<dyn Error>> {
    let [from, to] = [1, 2].map(|nth| env::args().nth(nth));
    let (Some(from), Some(to)) = (from, to) else {
        return Err("usage: proxy LISTEN-AT FORWARD-TO, each host:port".into());
    };
    roundel::run(async move {
        let mut options = ServeOptions::default();
        options.limit = Some(1000);
        options.grace = Duration::from_secs(30);
        let listener = Listener::bind(from).await?;
        println!("{listener:?} to {to}");
        let to = Target::from(to);
        let server = options.serve(listener, async move |client| forward(client, &to).await);
        server.closed().await;
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
