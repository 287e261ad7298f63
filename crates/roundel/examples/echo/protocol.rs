//! The protocol: an object for each connection, which the connection calls.

use std::net::TcpListener;

use roundel::{
    LoopHandle,
    stream::{Chunk, Protocol, Transport},
};

use crate::accept;

pub(crate) fn serve(listener: TcpListener, driver: &str) -> anyhow::Result<()> {
    accept::serve(listener, driver, |client| {
        Transport::start(&LoopHandle::current(), client, Echo);
    })
}

/// Sends back what it is sent.
struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: Chunk) {
        // What fails here ends the connection, and `connection_lost` is told of it.
        let _ = transport.write(data);
    }

    // A transport keeps what does not go out at once. So that a client that does not read is not
    // kept in mind for ever, it is not listened to meanwhile.
    fn pause_writing(&mut self, transport: &Transport) {
        transport.pause_reading();
    }

    fn resume_writing(&mut self, transport: &Transport) {
        transport.resume_reading();
    }
}
