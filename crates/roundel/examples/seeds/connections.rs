//! S3-E11: a server, and clients that take their time.

use std::{error::Error, net::SocketAddr};

use futures::StreamExt;
use roundel::{
    net::{Connection, Listener, connect, serve},
    spawn,
};

use super::{seed::Played, stage::Stage};

/// The server and two clients, which come when they came as the note was written.
pub(crate) fn both_roles(stage: &Stage) -> Played {
    stage.run_networked(async |stage| {
        let listener = Listener::bind("127.0.0.1:0").await?;
        let address = address_of(&listener);
        let clients = [(0.4, 3), (2.0, 2)].map(|(when, repetitions)| {
            let stage = stage.clone();
            spawn(async move {
                stage.sleep(when).await;
                client(&stage, address, repetitions).await
            })
        });
        server(&stage, listener, stage.sleep(5.0)).await;
        for client in clients {
            client.await??;
        }
        Ok(())
    })
}

pub(crate) fn address_of(listener: &Listener) -> SocketAddr {
    listener.local_addresses()[0].inet().expect("it listens for TCP connections")
}

/// Serves until `end`, then closes, and waits until all is closed.
pub(crate) async fn server(stage: &Stage, listener: Listener, end: impl Future) {
    let start_time = stage.time();
    let stage = stage.clone();
    let server = serve(listener, async move |connection| {
        handle_connection(&stage, start_time, connection).await
    });
    server.serve_until(end).await;
}

async fn handle_connection(
    stage: &Stage,
    start_time: f64,
    connection: Connection,
) -> Result<(), Box<dyn Error>> {
    let client_address = as_tuple(connection.peer().inet().ok_or("a client without a port")?);
    let (mut reader, mut writer) = connection.open();
    printer(stage, start_time, &format!("Client connected {client_address}"));
    // Send over the server start time to get consistent timestamps
    writer.write(format!("{start_time:.2}\n").into_bytes()).await?;

    let repetitions: u32 = str::from_utf8(reader.read_line().await?)?.trim().parse()?;
    printer(stage, start_time, &format!("Started sending to {client_address}"));
    for i in 0..repetitions {
        let message = format!("client: {client_address}, {i}");
        printer(stage, start_time, &message);
        writer.write((message + "\n").into_bytes()).await?;
    }
    printer(stage, start_time, &format!("Finished sending to {client_address}"));
    writer.close();
    Ok(())
}

pub(crate) async fn client(stage: &Stage, address: SocketAddr, repetitions: u32) -> Played {
    let (mut reader, mut writer) = connect(address).await?.open();
    let start_time: f64 = str::from_utf8(reader.read_line().await?)?.trim().parse()?;
    writer.write(format!("{repetitions}\n").into_bytes()).await?;

    let mut lines = reader.lines();
    while let Some(line) = lines.next().await {
        // Sleeping a little to emulate processing time and make
        // it easier to add more simultaneous clients
        stage.sleep(1.0).await;
        let line = String::from_utf8(line?)?;
        printer(stage, start_time, &format!("Got line: {}", line.trim_end()));
        // Python's client closes its writer here, and still prints what follows, because its reader
        // takes in unasked whatever comes. Ours takes what it is asked for; so only the direction
        // that is done ends here, and nothing can be lost.
        writer.write_eof().await?;
    }
    Ok(())
}

/// Simple function to print a message prefixed with the
/// time relative to the given start_time
fn printer(stage: &Stage, start_time: f64, message: &str) {
    stage.say(format!("{:.1} {message}", stage.time() - start_time));
}

/// An address as Python prints it.
fn as_tuple(address: SocketAddr) -> String {
    format!("('{}', {})", address.ip(), address.port())
}
