//! `TlsError`: why there is no TLS.

use std::{io, time::Duration};

use roundel_net::ConnectError;
use rustls::{AlertDescription, CertificateError, pki_types::InvalidDnsNameError};

/// TLS did not come about. As an [`io::Error`] it has the kinds of asyncio's errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is no connection to begin with.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The host can be no server's name in a certificate.
    #[error("TLS with {host:?}: no name of a server")]
    ServerName {
        /// The host.
        host: String,
        /// Why not.
        source: InvalidDnsNameError,
    },
    /// The configuration does not serve. Nothing has been sent.
    #[error("beginning TLS")]
    Config(#[source] rustls::Error),
    /// Reader and writer are of two streams. Nothing has been sent.
    #[error("beginning TLS: reader and writer are not of one stream")]
    NotOneStream,
    /// The peer's certificate is not accepted, for this reason.
    #[error("TLS handshake: the peer's certificate is not accepted: {0}")]
    #[doc(alias = "SSLCertVerificationError")]
    Certificate(CertificateError),
    /// The peer has given up, for this reason.
    #[error("TLS handshake: the peer gives up: {0:?}")]
    Alert(AlertDescription),
    /// What the peer says is not TLS, or none that both know.
    #[error("TLS handshake")]
    #[doc(alias = "SSLError")]
    Protocol(#[source] rustls::Error),
    /// The handshake took too long.
    #[error("TLS handshake: not done within {limit:?}")]
    Elapsed {
        /// [`Limits::handshake`](crate::Limits::handshake).
        limit: Duration,
    },
    /// The peer ended the connection in the middle.
    #[error("TLS handshake: the peer ended the connection")]
    Ended,
    /// The stream failed.
    #[error("TLS handshake")]
    Io(#[source] io::Error),
}

impl TlsError {
    pub(crate) fn of_handshake(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::Certificate(error),
            rustls::Error::AlertReceived(alert) => Self::Alert(alert),
            error => Self::Protocol(error),
        }
    }

    /// The kind of the reason.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Connect(error) => error.kind(),
            Self::ServerName { .. } | Self::Config(_) | Self::NotOneStream => {
                io::ErrorKind::InvalidInput
            }
            Self::Certificate(_) | Self::Alert(_) | Self::Protocol(_) => io::ErrorKind::InvalidData,
            Self::Elapsed { .. } => io::ErrorKind::ConnectionAborted,
            Self::Ended => io::ErrorKind::ConnectionReset,
            Self::Io(error) => error.kind(),
        }
    }
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(error.kind(), error)
    }
}
