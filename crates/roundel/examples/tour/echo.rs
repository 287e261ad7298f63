//! The echo server: two call-backs a connection, each of which asks for the other.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    rc::Rc,
};

use roundel::{
    LoopHandle,
    event_loop::{Attached, Outcome, Source},
};

use crate::timeline::TimeLine;

/// The server takes what has come, but not more than this at once.
const AT_MOST: usize = 64 << 10;

/// Serves on a free port of the loopback interface for as long as the loop lives.
pub(crate) fn serve(handle: &LoopHandle, timeline: TimeLine) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let listener = handle.attach(Source::new(listener));
    handle.call_soon(move || {
        timeline.tell("server", format_args!("listens on {address}"));
        accept(listener, timeline);
    });
    Ok(address)
}

fn accept(listener: Attached, timeline: TimeLine) {
    listener.accept().then(move |completion| {
        match completion {
            Ok(Outcome::Accepted(socket)) => {
                timeline.tell("server", "accepts a connection");
                let socket = TcpStream::from(socket);
                // Echo at once; a failure to hurry is none to echo.
                let _ = socket.set_nodelay(true);
                receive(Rc::new(LoopHandle::current().attach(Source::new(socket))));
            }
            Ok(_) => unreachable!("an accept ends with a socket"),
            Err(error) => timeline.tell("server", error),
        }
        accept(listener, timeline);
    });
}

fn receive(peer: Rc<Attached>) {
    peer.recv(AT_MOST).then(move |completion| {
        // The connection closes when its last owner goes: at the end of the stream, or on an error.
        if let Ok(Outcome::Received(data)) = completion
            && !data.is_empty()
        {
            // The buffer that was received is the one that is sent; nothing is copied.
            peer.send(data).then(move |completion| {
                if completion.is_ok() {
                    receive(peer);
                }
            });
        }
    });
}
