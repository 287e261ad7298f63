//! The handshake over a live stream, and the change to what comes behind it.

use std::mem;

use roundel_executor::timeout;
use roundel_stream::{Filter, StreamReader, StreamWriter, filter};
use rustls::Connection;

use crate::{Limits, Session, TlsError, records::Records};

/// Shakes hands; from then on all bytes of the stream go through TLS.
pub(crate) async fn start(
    session: Connection,
    limits: Limits,
    reader: &mut StreamReader,
    writer: &mut StreamWriter,
) -> Result<Session, TlsError> {
    if !reader.pairs_with(writer) {
        return Err(TlsError::NotOneStream);
    }
    let mut records = Records::new(session, limits.shutdown());
    let unharmed = AbortOnDrop(writer);
    let shaken = timeout(limits.handshake(), handshake(&mut records, reader, unharmed.0)).await;
    let shaken = shaken.map_err(|_| TlsError::Elapsed { limit: limits.handshake() })?;
    if let Err(error) = shaken {
        // The alert, if there is one, goes out before the end.
        let alert = records.take_wire();
        let _ = unharmed.0.write_buffered(&alert);
        unharmed.0.close();
        mem::forget(unharmed);
        return Err(error);
    }
    let settled = Session::of(records.session());
    filter(reader, unharmed.0, records).map_err(TlsError::Io)?;
    mem::forget(unharmed);
    Ok(settled)
}

async fn handshake(
    records: &mut Records,
    reader: &mut StreamReader,
    writer: &mut StreamWriter,
) -> Result<(), TlsError> {
    loop {
        writer.write(records.take_wire()).await.map_err(TlsError::Io)?;
        if !records.session().is_handshaking() {
            // What is still unsent is not to go through TLS.
            return writer.flush().await.map_err(TlsError::Io);
        }
        let wire = reader.read_chunk().await.map_err(TlsError::Io)?.ok_or(TlsError::Ended)?;
        records.shake(&wire).map_err(TlsError::of_handshake)?;
    }
}

/// A stream in the middle of a handshake is of no use to anybody.
struct AbortOnDrop<'a>(&'a mut StreamWriter);

impl Drop for AbortOnDrop<'_> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
