//! `open`: both ends of a stream over one transport.

use std::rc::Rc;

use crate::{StreamReader, StreamWriter, Transport, connection::Connection};

/// A reader and a writer over one transport: a connected socket, a terminal.
///
/// They may be given to different tasks. The transport closes when both are dropped.
///
/// See the [crate's page](crate) for an example.
#[doc(alias = "open_connection")]
#[doc(alias = "split")]
pub fn open(transport: impl Into<Transport>) -> (StreamReader, StreamWriter) {
    let connection = Connection::new(transport.into());
    (StreamReader::over(Some(Rc::clone(&connection))), StreamWriter::over(connection))
}
