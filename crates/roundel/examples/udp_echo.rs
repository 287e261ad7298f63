//! Every datagram goes back to where it came from.
//!
//! ```text
//! cargo run --example udp_echo -- 127.0.0.1:7007
//! nc -u 127.0.0.1 7007
//! ```

use std::{env, process::ExitCode};

use anyhow::ensure;
use roundel::{RunError, net::DatagramSocket};

const USAGE: &str = "usage: udp_echo [HOST:PORT]    (127.0.0.1:7007 unless given)";

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("udp_echo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let mut words = env::args().skip(1);
    let address = words.next().unwrap_or_else(|| "127.0.0.1:7007".to_owned());
    ensure!(words.next().is_none() && !address.starts_with('-'), USAGE);
    match roundel::run(echo(address)) {
        // That is how it ends.
        Err(RunError::Interrupted) => Ok(()),
        ended => ended?,
    }
}

async fn echo(address: String) -> anyhow::Result<()> {
    let socket = DatagramSocket::bind(address).await?;
    println!("listening at {}", socket.local());
    loop {
        // As large as a datagram can be; the buffer is the driver's, and only while one is here.
        let datagram = socket.recv_from(65_535).await?;
        if let Err(error) = socket.send_to(datagram.data, datagram.from).await {
            eprintln!("{error}");
        }
    }
}
