//! The loop: an operation is handed over with a call-back, which gets what has come of it.

use std::{net::TcpListener, rc::Rc};

use roundel::{Attached, Outcome, event_loop::Socket};

use crate::accept;

pub(crate) fn serve(listener: TcpListener, driver: &str) -> anyhow::Result<()> {
    accept::serve(listener, driver, |client| receive(Rc::new(client)))
}

/// Receives once. The call-back owns the client: when there is none any more, the socket closes.
fn receive(client: Rc<Attached<Socket>>) {
    client.recv(16 << 10).then(move |outcome| match outcome {
        Ok(Outcome::Received(data)) if !data.is_empty() => {
            // The buffer that was received is the one that is sent; nothing is copied. Nothing is
            // received before it has gone out, so a client that does not read costs one buffer.
            client.send(data).then(move |sent| {
                if sent.is_ok() {
                    receive(client);
                }
            });
        }
        // At its end, or broken.
        _ => drop(client),
    });
}
