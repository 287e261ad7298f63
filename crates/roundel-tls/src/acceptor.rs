//! `TlsAcceptor`: the server's side.

use std::sync::Arc;

use roundel_net::Connection;
use roundel_stream::{StreamReader, StreamWriter};
use rustls::{ServerConfig, ServerConnection};

use crate::{Limits, Session, TlsError, TlsStream, start::start};

/// The server's side of TLS. Made once, for many connections: clones share one configuration, and
/// with it what lets clients resume their sessions.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use roundel_executor::spawn_on;
/// use roundel_net::{Listener, connect, serve};
/// use roundel_tls::{TlsAcceptor, TlsConnector, rustls};
///
/// // For a test, a certificate of our own making; the client trusts it and nobody else.
/// let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
/// let mut roots = rustls::RootCertStore::empty();
/// roots.add(made.cert.der().clone())?;
/// let server = rustls::ServerConfig::builder()
///     .with_no_client_auth()
///     .with_single_cert(vec![made.cert.der().clone()], key)?;
/// let client =
///     rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
///
/// let acceptor = TlsAcceptor::new(Arc::new(server));
/// let connector = TlsConnector::new(Arc::new(client));
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async move {
///     let server = serve(Listener::bind("127.0.0.1:0").await?, async move |connection| {
///         let mut stream = acceptor.accept(connection).await?;
///         let name = stream.reader.read_line().await?.to_vec();
///         stream.writer.write([&b"hello, "[..], &name].concat()).await?;
///         stream.writer.closed().await?;
///         Ok::<_, Box<dyn std::error::Error>>(())
///     });
///     let connection = connect(server.addresses()[0].inet().unwrap()).await?;
///     let mut stream = connector.open("localhost".try_into()?, connection).await?;
///     stream.writer.write(b"world\n").await?;
///     assert_eq!(stream.reader.read_to_end().await?, b"hello, world\n");
///     stream.writer.closed().await?;
///     server.drain(Duration::from_secs(5)).await;
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "SSLContext")]
#[derive(Clone, Debug)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    limits: Limits,
}

impl TlsAcceptor {
    /// A server with rustls' configuration: its certificates, whom of its clients to trust, the
    /// protocols on offer by ALPN.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self { config, limits: Limits::default() }
    }

    /// As it is, with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Begins TLS over a connection that was accepted: the first thing a server's handler does.
    ///
    /// # Errors
    /// The handshake failed: the client is none of TLS, trusts another, or is not trusted. A handler
    /// that returns the error has it reported, and the server goes on.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// The connection is closed.
    #[doc(alias = "start_server")]
    #[doc(alias = "create_server")]
    pub async fn accept(&self, connection: Connection) -> Result<TlsStream, TlsError> {
        let (mut reader, mut writer) = connection.open();
        let session = self.start(&mut reader, &mut writer).await?;
        Ok(TlsStream { reader, writer, session })
    }

    /// Begins TLS over a live stream, behind a `STARTTLS` for instance: what is written and read from
    /// then on goes through TLS, what was received ahead too.
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
        reader: &mut StreamReader,
        writer: &mut StreamWriter,
    ) -> Result<Session, TlsError> {
        let session = ServerConnection::new(Arc::clone(&self.config));
        start(session.map_err(TlsError::Config)?.into(), self.limits, reader, writer).await
    }
}
