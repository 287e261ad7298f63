//! `Session`: what a handshake has settled.

use rustls::{CipherSuite, Connection, HandshakeKind, ProtocolVersion, pki_types::CertificateDer};

/// What a handshake has settled: who the peer is, and how one talks.
#[derive(Clone, Debug)]
pub struct Session {
    alpn: Option<Vec<u8>>,
    certificates: Vec<CertificateDer<'static>>,
    server_name: Option<String>,
    version: ProtocolVersion,
    suite: CipherSuite,
    is_resumed: bool,
}

impl Session {
    pub(crate) fn of(connection: &Connection) -> Self {
        let server_name = match connection {
            Connection::Client(_) => None,
            Connection::Server(server) => server.server_name().map(str::to_owned),
        };
        Self {
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            certificates: connection.peer_certificates().unwrap_or_default().to_vec(),
            server_name,
            version: connection.protocol_version().unwrap_or(ProtocolVersion::Unknown(0)),
            suite: connection
                .negotiated_cipher_suite()
                .map_or(CipherSuite::Unknown(0), |suite| suite.suite()),
            is_resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    /// The protocol that both sides offer, by ALPN (RFC 7301), such as `h2`; none if they were not
    /// asked, or do not offer the same.
    #[doc(alias = "selected_alpn_protocol")]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// The peer's certificates, its own first; empty if it was not asked for any.
    #[doc(alias = "peercert")]
    #[doc(alias = "getpeercert")]
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// The name that the client asked a server for; none at the client, and if it named none.
    #[doc(alias = "server_hostname")]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// TLS 1.2 or 1.3.
    pub fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// What it is encrypted with.
    #[doc(alias = "cipher")]
    pub fn cipher_suite(&self) -> CipherSuite {
        self.suite
    }

    /// Whether it goes on from an earlier session with the same peer.
    #[doc(alias = "session_reused")]
    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }
}
