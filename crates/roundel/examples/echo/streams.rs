//! The streams: a task for each connection, which waits for what comes and until it has gone.

use std::{io, net::TcpListener};

use futures::StreamExt;
use roundel::{
    Runner, SignalKind,
    event_loop::Socket,
    net::{Connection, Listener, serve as serve_connections},
    signal,
};

pub(crate) fn serve(listener: TcpListener, driver: &str) -> anyhow::Result<()> {
    let mut runner = Runner::builder().backend(driver).build()?;
    runner.run(async {
        let mut ctrl_c = signal(SignalKind::INTERRUPT)?;
        println!("listening at {}", listener.local_addr()?);
        let server = serve_connections(Listener::from_sockets([Socket::new(listener)]), echo);
        server.serve_until(ctrl_c.next()).await;
        Ok(())
    })?
}

/// One client, until it has no more to say. An error is reported, and hurts nobody else.
async fn echo(client: Connection) -> io::Result<()> {
    let (mut reader, mut writer) = client.open();
    while let Some(chunk) = reader.read_chunk().await? {
        // Waits while too much is unsent; then nothing is received either.
        writer.write(chunk).await?;
    }
    Ok(())
}
