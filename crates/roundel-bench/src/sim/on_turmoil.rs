//! The echo in turmoil.

use std::{net::Ipv4Addr, time::Duration};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use turmoil::net::{TcpListener, TcpStream};

use super::{LATENCY, MESSAGE, Task};

const PORT: u16 = 7;

pub(super) fn run(task: Task) -> Duration {
    let mut sim = turmoil::Builder::new()
        .simulation_duration(Duration::from_secs(1_000_000))
        .tick_duration(LATENCY)
        .min_message_latency(LATENCY)
        .max_message_latency(LATENCY)
        .build();
    for pair in 0..task.pairs() {
        sim.host(format!("server-{pair}"), || async {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
            let (mut connection, _) = listener.accept().await?;
            connection.set_nodelay(true)?;
            let mut buffer = [0; 4096];
            loop {
                match connection.read(&mut buffer).await? {
                    0 => return Ok(()),
                    count => connection.write_all(&buffer[..count]).await?,
                }
            }
        });
        sim.client(format!("client-{pair}"), async move {
            tokio::time::sleep(LATENCY).await;
            let mut connection = TcpStream::connect((format!("server-{pair}"), PORT)).await?;
            let mut buffer = [0; MESSAGE.len()];
            for _ in 0..task.rounds {
                connection.write_all(&MESSAGE).await?;
                connection.read_exact(&mut buffer).await?;
                if !task.pause.is_zero() {
                    tokio::time::sleep(task.pause).await;
                }
            }
            Ok(())
        });
    }
    sim.run().expect("the echo works");
    sim.elapsed()
}
