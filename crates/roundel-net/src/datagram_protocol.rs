//! `DatagramProtocol`: what a call-back for datagrams looks like.

use roundel_loop::{Datagram, OperationError};

use crate::DatagramTransport;

/// What a [`DatagramTransport`] calls back, without a task and without waiting.
///
/// Each call gets the transport, so that a protocol need not keep one. A protocol that panics is
/// dropped and its transport aborted; the loop reports the panic.
pub trait DatagramProtocol {
    /// The transport is there. Called once, before all others, in a call-back of its own.
    fn connection_made(&mut self, transport: &DatagramTransport) {
        let _ = transport;
    }

    /// A message has come.
    fn datagram_received(&mut self, transport: &DatagramTransport, datagram: Datagram);

    /// A message could not be sent, or did not reach anybody, as the error says. The transport goes
    /// on.
    fn error_received(&mut self, transport: &DatagramTransport, error: OperationError) {
        let _ = (transport, error);
    }

    /// More than the high water mark is unsent. Called once until writing
    /// [resumes](Self::resume_writing): as soon as the call that sent too much has returned, or at
    /// once, if that was none of the protocol's.
    fn pause_writing(&mut self, transport: &DatagramTransport) {
        let _ = transport;
    }

    /// No more than the low water mark is unsent.
    fn resume_writing(&mut self, transport: &DatagramTransport) {
        let _ = transport;
    }

    /// The transport was closed. Called once, after all others, in a call-back of its own.
    fn connection_lost(&mut self) {}
}
