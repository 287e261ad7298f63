//! `Records`: a session of rustls as a stream's filter. It performs no I/O, as rustls does not.

use std::{
    io::{self, BufRead, Write},
    mem,
    ops::ControlFlow,
    time::Duration,
};

use roundel_stream::Filter;
use rustls::Connection;

pub(crate) struct Records {
    session: Connection,
    /// What came with the end of the handshake.
    early: Vec<u8>,
    patience: Duration,
}

impl Records {
    pub(crate) fn new(mut session: Connection, patience: Duration) -> Self {
        // The stream's water marks say how much may be unsent; here nothing stays.
        session.set_buffer_limit(None);
        Self { session, early: Vec::new(), patience }
    }

    pub(crate) fn session(&self) -> &Connection {
        &self.session
    }

    /// Takes in what comes during the handshake.
    pub(crate) fn shake(&mut self, wire: &[u8]) -> Result<(), rustls::Error> {
        let mut early = mem::take(&mut self.early);
        let opened = self.open(wire, &mut early);
        self.early = early;
        opened.map(drop)
    }

    fn open(
        &mut self,
        mut wire: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<ControlFlow<()>, rustls::Error> {
        loop {
            // A read of nothing would be the wire's end.
            let taken = match wire {
                [] => Ok(0),
                _ => self.session.read_tls(&mut wire),
            };
            let state = self.session.process_new_packets();
            // rustls holds a record's worth at most: taken out between reads, and before an error.
            let mut reader = self.session.reader();
            while let Ok(part @ [_, ..]) = reader.fill_buf() {
                plain.extend_from_slice(part);
                let len = part.len();
                reader.consume(len);
            }
            if state?.peer_has_closed() {
                return Ok(ControlFlow::Break(()));
            }
            taken.map_err(|error| rustls::Error::General(error.to_string()))?;
            if wire.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }
}

impl Filter for Records {
    fn receive(&mut self, wire: Option<&[u8]>, plain: &mut Vec<u8>) -> io::Result<ControlFlow<()>> {
        plain.append(&mut self.early);
        let opened = self.open(wire.unwrap_or_default(), plain);
        let opened = opened.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        match (wire, opened) {
            (None, ControlFlow::Continue(())) => {
                let why = "the peer ended the connection without ending TLS";
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, why))
            }
            _ => Ok(opened),
        }
    }

    fn send(&mut self, plain: &[u8]) {
        // Without a limit it takes everything.
        let taken = self.session.writer().write_all(plain);
        debug_assert!(taken.is_ok(), "{taken:?}");
    }

    fn end(&mut self) {
        self.session.send_close_notify();
    }

    fn take_wire(&mut self) -> Vec<u8> {
        let mut wire = Vec::new();
        while self.session.wants_write() {
            // A vector takes everything.
            let written = self.session.write_tls(&mut wire);
            debug_assert!(written.is_ok(), "{written:?}");
        }
        wire
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}
