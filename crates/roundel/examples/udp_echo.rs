//! Every datagram goes back to where it came from.
//!
//! ```text
//! cargo run --example udp_echo -- 127.0.0.1:7007
//! ```

use std::error::Error;

use roundel::net::DatagramSocket;

fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7007".to_owned());
    roundel::run(async move {
        let socket = DatagramSocket::bind(target).await?;
        println!("listening at {}", socket.local());
        loop {
            // As large as a datagram can be; the buffer is the driver's, and only while one is here.
            let datagram = socket.recv_from(65_535).await?;
            if let Err(error) = socket.send_to(datagram.data, datagram.from).await {
                eprintln!("{error}");
            }
        }
    })?
}
