//! A chat server: what one says, all others hear.
//!
//! ```text
//! cargo run --example chat -- 127.0.0.1:7000
//! nc 127.0.0.1 7000
//! ```
//!
//! Each connection is a handler, with its writer in a table that all of them share: they live in
//! one thread, so no lock stands between. A reader who does not read is left out while his socket is
//! full, rather than holding up the others. Ctrl-C shows everybody out.

use std::{cell::RefCell, collections::BTreeMap, env, pin::pin, process::ExitCode, rc::Rc};

use anyhow::ensure;
use futures::{
    StreamExt,
    future::{Either, select},
};
use roundel::{
    SignalKind, StreamWriter,
    net::{Connection, Listener, serve},
    signal, stop_requested,
    stream::ReadError,
};

const USAGE: &str = "usage: chat [HOST:PORT]    (127.0.0.1:7000 unless given)";

/// More than this unsent, and a guest misses what is said.
const PATIENCE_BYTES: usize = 1 << 20;

type Guests = Rc<RefCell<BTreeMap<String, StreamWriter>>>;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chat: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let mut words = env::args().skip(1);
    let address = words.next().unwrap_or_else(|| "127.0.0.1:7000".to_owned());
    ensure!(words.next().is_none() && !address.starts_with('-'), USAGE);
    roundel::run(async move {
        let guests = Guests::default();
        let listener = Listener::bind(address).await?;
        let mut ctrl_c = signal(SignalKind::INTERRUPT)?;
        println!("listening at {}", listener.local_addresses()[0]);
        let server = serve(listener, async move |connection| {
            let name = connection.peer().to_string();
            let ended = attend(connection, &name, &guests).await;
            guests.borrow_mut().remove(&name);
            tell(&guests, &name, b"has left");
            ended
        });
        server.serve_until(ctrl_c.next()).await;
        Ok(())
    })?
}
/// One guest, from the greeting to the end of the line, or of the chat.
async fn attend(connection: Connection, name: &str, guests: &Guests) -> Result<(), ReadError> {
    let (mut reader, writer) = connection.open();
    guests.borrow_mut().insert(name.to_owned(), writer);
    tell(guests, name, b"has come");
    let talk = async {
        loop {
            let line = reader.read_line().await?;
            if line.is_empty() {
                return Ok(());
            }
            tell(guests, name, line.trim_ascii_end());
        }
    };
    match select(pin!(talk), pin!(stop_requested())).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => Ok(()),
    }
}

fn tell(guests: &Guests, name: &str, what: &[u8]) {
    let line = [name.as_bytes(), b": ", what, b"\n"].concat();
    for (_, writer) in guests.borrow_mut().iter_mut().filter(|(guest, _)| *guest != name) {
        if writer.buffered_bytes() < PATIENCE_BYTES {
            // One who has gone is removed by his own handler.
            let _ = writer.write_buffered(&line);
        }
    }
}
