//! `serve`: a handler for each connection of a listener, and the options of that.

use std::{convert::Infallible, error::Error, fmt::Write, time::Duration};

use crate::{Connection, Listener, Server};

/// How to serve. [`serve`] does it with the defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServeOptions {
    /// How many connections there are at once at most, those included that only send what their
    /// handlers have left; those beyond wait in the kernel, up to
    /// [`ListenOptions::backlog`](crate::ListenOptions::backlog) of them, and one for each address.
    /// No limit unless changed.
    pub limit: Option<usize>,
    /// How long connections may go on after [`Server::serve_until`]'s signal: 5 s unless changed.
    pub grace: Duration,
    /// How long to wait when the system has no descriptors or no memory for a connection: 1 s
    /// unless changed, as in asyncio.
    #[doc(alias = "ACCEPT_RETRY_DELAY")]
    pub pause: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { limit: None, grace: Duration::from_secs(5), pause: Duration::from_secs(1) }
    }
}

/// Begins to serve: accepts connections, and runs `handler` for each in a task of its own.
///
/// A handler that returns an error or panics is reported to the loop's handler of unhandled
/// failures, with the peer's address, and hurts nobody else. The connection is closed when the
/// handler has dropped it and what is unsent has gone out; [`Server`] says more of that.
///
/// ```
/// use roundel_executor::spawn_on;
/// use roundel_loop::{OperationError, Outcome};
/// use roundel_net::{Connection, Listener, connect, serve};
///
/// async fn echo(connection: Connection) -> Result<(), OperationError> {
///     loop {
///         match connection.socket().recv(4096).await? {
///             Outcome::Received(data) if !data.is_empty() => connection.socket().send(data).await?,
///             _ => return Ok(()),
///         };
///     }
/// }
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let server = serve(Listener::bind("127.0.0.1:0").await?, echo);
///     let client = connect(server.addresses()[0].inet().unwrap()).await?;
///     client.socket().send(b"hello").await?;
///     let echoed = client.socket().recv(100).await?;
///     assert!(matches!(echoed, Outcome::Received(data) if &data[..] == b"hello"));
///     drop(client);
///     server.drain(std::time::Duration::from_secs(5)).await;
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If no loop runs in this thread.
#[doc(alias = "start_server")]
#[doc(alias = "start_unix_server")]
pub fn serve<H, R>(listener: Listener, handler: H) -> Server
where
    H: AsyncFn(Connection) -> R + 'static,
    R: Handled + 'static,
{
    ServeOptions::default().serve(listener, handler)
}

impl ServeOptions {
    /// Begins to serve; see [`serve`].
    ///
    /// # Panics
    /// If no loop runs in this thread, and if the limit is 0: nobody would ever be served.
    #[track_caller]
    pub fn serve<H, R>(&self, listener: Listener, handler: H) -> Server
    where
        H: AsyncFn(Connection) -> R + 'static,
        R: Handled + 'static,
    {
        assert!(self.limit != Some(0), "a server's limit is at least 1");
        Server::begin(self.clone(), listener, handler)
    }
}

/// What a handler may return: nothing, or a result whose error is reported.
pub trait Handled {
    /// The error to report.
    fn failure(self) -> Option<Box<dyn Error>>;
}

impl Handled for () {
    fn failure(self) -> Option<Box<dyn Error>> {
        None
    }
}

impl Handled for Infallible {
    fn failure(self) -> Option<Box<dyn Error>> {
        match self {}
    }
}

impl<E: Into<Box<dyn Error>>> Handled for Result<(), E> {
    fn failure(self) -> Option<Box<dyn Error>> {
        self.err().map(Into::into)
    }
}

/// An error and its causes, in one line.
pub(crate) fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a string takes everything");
        cause = error.source();
    }
    text
}
