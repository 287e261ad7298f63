//! `SignalError`: why a signal cannot be listened to.

use std::io;

use crate::SignalKind;

/// A signal cannot be listened to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignalError {
    /// The system has no signal of this number.
    #[error("listening to {0}: there is no such signal")]
    Unknown(SignalKind),
    /// The system lets nobody handle it, or handling it would leave the program in a broken state.
    #[error("listening to {0}: it cannot be handled")]
    Forbidden(SignalKind),
    /// The program ignores the signal or handles it in its own way; see [`ctrl_c`](crate::ctrl_c).
    #[error("taking over {0}: the program ignores it or handles it already")]
    NotDefault(SignalKind),
    /// The system refused the handler.
    #[error("installing the handler of {kind}")]
    Install {
        /// Of which signal.
        kind: SignalKind,
        /// What the system said.
        source: io::Error,
    },
    /// The thread that hears the signals could not be started.
    #[error("starting the thread that hears the signals")]
    Thread(#[source] io::Error),
}
