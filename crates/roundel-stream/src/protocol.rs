//! `Protocol`: what a call-back for a connection looks like.

use std::io;

use crate::{Chunk, Transport};

/// What a connection calls back: asyncio's lower layer, without a task and without waiting.
///
/// The calls come in this order: made, data again and again, the end of what the peer sends, lost.
/// Each gets the [`Transport`], so that a protocol need not keep one.
///
/// A protocol that panics is dropped and its connection aborted; the loop reports the panic.
pub trait Protocol {
    /// The connection is there. Called once, before all others, in a call-back of its own.
    fn connection_made(&mut self, transport: &Transport) {
        let _ = transport;
    }

    /// The peer has sent this, 256 KiB at most.
    fn data_received(&mut self, transport: &Transport, data: Chunk);

    /// The peer will send no more. Returns whether the connection stays open for what is to be sent;
    /// then it is the protocol's to close. A pipe or terminal closes in any case.
    fn eof_received(&mut self, transport: &Transport) -> bool {
        let _ = transport;
        false
    }

    /// More than the high water mark is unsent. Called once until writing
    /// [resumes](Self::resume_writing): as soon as the call that wrote too much has returned, or at
    /// once, if that was none of the protocol's.
    fn pause_writing(&mut self, transport: &Transport) {
        let _ = transport;
    }

    /// No more than the low water mark is unsent.
    fn resume_writing(&mut self, transport: &Transport) {
        let _ = transport;
    }

    /// The connection has ended, by an error or on somebody's word. Called once, after all others,
    /// in a call-back of its own.
    fn connection_lost(&mut self, error: Option<io::Error>) {
        let _ = error;
    }
}
