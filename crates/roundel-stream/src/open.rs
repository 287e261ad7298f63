//! `open`: both ends of a stream over one carrier.

use std::rc::Rc;

use crate::{Carrier, StreamReader, StreamWriter, connection::Connection};

/// A reader and a writer over one carrier: a connected socket, a terminal.
///
/// They may be given to different tasks. The carrier closes when both are dropped.
///
/// See the [crate's page](crate) for an example.
#[doc(alias = "open_connection")]
#[doc(alias = "split")]
pub fn open(carrier: impl Into<Carrier>) -> (StreamReader, StreamWriter) {
    let connection = Connection::new(carrier.into());
    (StreamReader::over(Some(Rc::clone(&connection))), StreamWriter::over(connection))
}
