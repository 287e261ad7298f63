//! `TlsConnector`: the client's side.

use std::sync::Arc;

use roundel_net::{Connection, Target};
use roundel_stream::{StreamReader, StreamWriter};
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};

use crate::{Limits, Session, TlsError, TlsStream, start::start};

/// The client's side of TLS. Made once, for many connections.
///
/// ```no_run
/// use std::sync::Arc;
/// use roundel_tls::{TlsConnector, rustls};
///
/// # let roots = rustls::RootCertStore::empty();
/// // Whom to trust: the system's roots, or one's own.
/// let config = rustls::ClientConfig::builder()
///     .with_root_certificates(roots)
///     .with_no_client_auth();
/// let connector = TlsConnector::new(Arc::new(config));
/// # let mut event_loop = roundel_loop::EventLoop::new()?;
/// # let task = roundel_executor::spawn_on(&event_loop.handle(), async move {
/// let mut stream = connector.connect("example.org:443").await?;
/// stream.writer.write(b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n").await?;
/// let status = stream.reader.read_line().await?;
/// # let _ = status;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # });
/// # event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "SSLContext")]
#[derive(Clone, Debug)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    limits: Limits,
}

impl TlsConnector {
    /// A client with rustls' configuration: whom to trust, one's own certificate, the protocols on
    /// offer by ALPN.
    pub fn new(config: Arc<ClientConfig>) -> Self {
        Self { config, limits: Limits::default() }
    }

    /// As it is, with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Connects to a host over TCP, and begins TLS. The host, by name or address, is also whom the
    /// server's certificate is to be for.
    ///
    /// # Errors
    /// The host can be no server's name, there is no connection, or the handshake failed.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// Every socket is closed.
    #[doc(alias = "open_connection")]
    #[doc(alias = "create_connection")]
    pub async fn connect(&self, target: impl Into<Target>) -> Result<TlsStream, TlsError> {
        let target = target.into();
        let host = target.host();
        let server = ServerName::try_from(host.clone());
        let server = server.map_err(|source| TlsError::ServerName { host, source })?;
        self.open(server, roundel_net::connect(target).await?).await
    }

    /// Begins TLS over a connection: one with options of its own, or over a Unix socket. `server` is
    /// whom the certificate is to be for.
    ///
    /// # Errors
    /// The handshake failed.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// The connection is closed.
    #[doc(alias = "server_hostname")]
    pub async fn open(
        &self,
        server: ServerName<'static>,
        connection: Connection,
    ) -> Result<TlsStream, TlsError> {
        let (mut reader, mut writer) = connection.open();
        let session = self.start(server, &mut reader, &mut writer).await?;
        Ok(TlsStream { reader, writer, session })
    }

    /// Begins TLS over a live stream, which may be over TLS itself: what is written and read from
    /// then on goes through TLS. `server` is whom the certificate is to be for.
    ///
    /// # Errors
    /// The handshake failed, and the stream is closed; or reader and writer are not of one stream, or
    /// the configuration does not serve, and nothing has happened.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// The stream is closed, unless it was not polled yet.
    #[doc(alias = "start_tls")]
    pub async fn start(
        &self,
        server: ServerName<'static>,
        reader: &mut StreamReader,
        writer: &mut StreamWriter,
    ) -> Result<Session, TlsError> {
        let session = ClientConnection::new(Arc::clone(&self.config), server);
        start(session.map_err(TlsError::Config)?.into(), self.limits, reader, writer).await
    }
}
