//! The ground: a loop of one's own over a selector. Nothing calls back, nothing waits but `select`.

use std::{
    cell::RefCell,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    rc::Rc,
    sync::Arc,
    thread,
    time::Duration,
};

use roundel::selector::{Interest, Selector, SelectorMap, Source, by_name};

/// A connection, and what has come of it and is not sent back yet.
struct Client {
    socket: Arc<TcpStream>,
    unsent: Vec<u8>,
}

/// What is kept with each socket: its client, or nothing with the listener.
type Data = Option<Rc<RefCell<Client>>>;
type Sockets = SelectorMap<Data, Box<dyn Selector + Send>>;

/// Serves until the program is ended: without a loop Ctrl-C does what the system makes of it.
pub(crate) fn serve(listener: TcpListener, driver: &str) -> anyhow::Result<()> {
    let driver = if driver == "auto" { "default" } else { driver };
    let mut sockets = SelectorMap::with_selector(by_name(driver)?);
    let listener = Arc::new(listener);
    listener.set_nonblocking(true)?;
    sockets.register(Source::shared(listener.clone()), Interest::READ, None)?;
    println!("listening at {}", listener.local_addr()?);
    loop {
        // Taken out of the map first, for what is done with them changes it.
        let ready = sockets.select(None)?.into_iter().map(|(key, _)| key.data().clone());
        for client in ready.collect::<Vec<_>>() {
            match client {
                Some(client) => echo(&mut sockets, client)?,
                None => accept(&mut sockets, &listener)?,
            }
        }
    }
}

fn accept(sockets: &mut Sockets, listener: &TcpListener) -> anyhow::Result<()> {
    let socket = match listener.accept() {
        Ok((socket, _)) => Arc::new(socket),
        // The client has gone again.
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
        Err(error) => {
            // No more descriptors, say. The client waits in the kernel and keeps the listener
            // ready: without a pause this would be tried for ever.
            eprintln!("accepting: {error}");
            thread::sleep(Duration::from_millis(100));
            return Ok(());
        }
    };
    socket.set_nonblocking(true)?;
    let source = Source::shared(socket.clone());
    let client = Client { socket, unsent: Vec::new() };
    sockets.register(source, Interest::READ, Some(Rc::new(RefCell::new(client))))?;
    Ok(())
}

/// Makes one step with a client that is ready. What it sent is sent back before more is read, so a
/// client that does not read costs no more than one buffer.
fn echo(sockets: &mut Sockets, client: Rc<RefCell<Client>>) -> anyhow::Result<()> {
    let Client { socket, unsent } = &mut *client.borrow_mut();
    match step(socket, unsent) {
        Ok(true) => {
            let interest = if unsent.is_empty() { Interest::READ } else { Interest::WRITE };
            sockets.modify(&**socket, interest, Some(client.clone()))?;
        }
        // At its end, or broken: dropping the last of it closes the socket.
        Ok(false) | Err(_) => drop(sockets.unregister(&**socket)?),
    }
    Ok(())
}

/// Receives, unless something is unsent; then sends. False at the end of the client's stream.
fn step(mut socket: &TcpStream, unsent: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut room = [0; 16 << 10];
    if unsent.is_empty() {
        match socket.read(&mut room) {
            Ok(0) => return Ok(false),
            Ok(len) => unsent.extend_from_slice(&room[..len]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    match socket.write(unsent) {
        Ok(len) => drop(unsent.drain(..len)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(error) => return Err(error),
    }
    Ok(true)
}
