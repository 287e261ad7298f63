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

use std::{cell::RefCell, collections::BTreeMap, error::Error, future::pending, rc::Rc};

use roundel::{
    StreamWriter,
    net::{Connection, Listener, serve},
};

/// More than this unsent, and a guest misses what is said.
const PATIENCE_BYTES: usize = 1 << 20;

type Guests = Rc<RefCell<BTreeMap<String, StreamWriter>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7000".to_owned());
    roundel::run(async move {
        let guests = Guests::default();
        let listener = Listener::bind(target).await?;
        println!("listening at {listener:?}");
        let server = serve(listener, async move |connection| {
            let name = connection.peer().to_string();
            let ended = attend(connection, &name, &guests).await;
            guests.borrow_mut().remove(&name);
            tell(&guests, &name, b"has left\n");
            ended
        });
        server.serve_until(pending::<()>()).await;
        Ok(())
    })?
}

/// One guest, from the greeting to the end of the line.
async fn attend(
    connection: Connection,
    name: &str,
    guests: &Guests,
) -> Result<(), roundel::stream::ReadError> {
    let (mut reader, writer) = connection.open();
    guests.borrow_mut().insert(name.to_owned(), writer);
    tell(guests, name, b"has come\n");
    loop {
        let line = reader.read_line().await?;
        if line.is_empty() {
            return Ok(());
        }
        tell(guests, name, line);
    }
}

fn tell(guests: &Guests, name: &str, what: &[u8]) {
    let line = [name.as_bytes(), b": ", what].concat();
    for (_, writer) in guests.borrow_mut().iter_mut().filter(|(guest, _)| *guest != name) {
        if writer.buffered_bytes() < PATIENCE_BYTES {
            // One who has gone is removed by his own handler.
            let _ = writer.write_buffered(&line);
        }
    }
}
