//! `TlsStream`: both ends of a stream over TLS, and what its handshake has settled.

use roundel_stream::{Duplex, StreamReader, StreamWriter};

use crate::Session;

/// Both ends of a stream over TLS: a reader and a writer as of any stream.
#[derive(Debug)]
pub struct TlsStream {
    /// What is read from.
    pub reader: StreamReader,
    /// What is written to.
    pub writer: StreamWriter,
    /// What the handshake has settled.
    pub session: Session,
}

/// For what reads and writes one object: the traits of futures, tokio and hyper.
impl From<TlsStream> for Duplex {
    fn from(stream: TlsStream) -> Self {
        Self { reader: stream.reader, writer: stream.writer }
    }
}
