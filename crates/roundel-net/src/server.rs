//! `Server`: a listener and its connections, as a group that ends together.

use std::{
    cell::RefCell,
    fmt,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    task::{Poll, ready},
    time::Duration,
};

use roundel_executor::{AsyncExit, Builder, JoinError, Task, timeout, with};
use roundel_loop::{Address, LoopHandle, Unhandled};

use crate::{Connection, Handled, Listener, ServeOptions, accept::accept_and_begin, group::Group};

/// A server at work. It owns its connections: it ends by [`drain`](Self::drain) or
/// [`abort`](Self::abort), and dropping it cancels every handler and closes every connection.
///
/// ```text
///  serve(listener, handler)
///        │ accepting, handling
///        ├── stop_accepting()   the listener is closed, connections go on
///        ├── drain(limit)       … handlers are asked to stop; what they leave unsent is waited for;
///        │                        what is left when the limit is over is aborted
///        └── abort()            … what is unsent is dropped, connections are closed, handlers are
///                                 cancelled, and waited for
/// ```
///
/// A connection is the server's from its acceptance until its descriptor is closed. What a handler
/// has written and the peer has not taken when it returns goes out behind it, and until then the
/// connection keeps its place within the [limit](ServeOptions::limit): a peer that never reads keeps it
/// until it goes, or the server ends. A handler that will not have that puts a
/// [`timeout`](roundel_executor::timeout) around a [`flush`](roundel_stream::StreamWriter::flush), and
/// [aborts](roundel_stream::StreamWriter::abort).
#[doc(alias = "AbstractServer")]
#[must_use = "dropping a server ends it"]
pub struct Server {
    group: Rc<Group>,
    acceptors: RefCell<Vec<Task<()>>>,
    /// Acceptors and handlers that were cancelled.
    ending: RefCell<Vec<Task<()>>>,
}

/// How a [`drain`](Server::drain) went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Connections whose handlers came to their ends, and whose bytes went out.
    pub finished: usize,
    /// Connections whose handlers were cancelled, or whose bytes were dropped.
    pub aborted: usize,
}

/// What a server has to tell of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStatistics {
    /// Connections now being handled, or open behind their handlers to send what those have left.
    pub connections: usize,
    /// Connections handled from the beginning on.
    pub accepted: u64,
    /// Handlers that returned an error.
    pub failed: u64,
    /// Times that accepting had to pause, for want of descriptors or memory.
    pub pauses: u64,
}

impl Server {
    pub(crate) fn begin<H, R>(options: ServeOptions, listener: Listener, handler: H) -> Self
    where
        H: AsyncFn(Connection) -> R + 'static,
        R: Handled + 'static,
    {
        let sockets = listener.sockets().len();
        let group = Rc::new(Group::new(options, listener));
        let handler = Rc::new(handler);
        let acceptor = |nth| {
            let accepting = accept_and_begin(Rc::clone(&group), nth, Rc::clone(&handler));
            Builder::new().name("acceptor").spawn(accepting)
        };
        let acceptors = RefCell::new((0..sockets).map(acceptor).collect());
        Self { group, acceptors, ending: RefCell::default() }
    }

    /// Where it listens; nothing any more when it has stopped.
    #[doc(alias = "sockets")]
    pub fn addresses(&self) -> Vec<Address> {
        self.group.with_listener(Listener::local_addresses).unwrap_or_default()
    }

    /// Whether it accepts connections.
    #[doc(alias = "is_serving")]
    pub fn is_accepting(&self) -> bool {
        self.group.is_open()
    }

    /// How many connections there are, and more.
    pub fn statistics(&self) -> ServerStatistics {
        self.group.statistics()
    }

    /// Closes the listener, at once. Connections go on; those that have not begun are closed. A
    /// second call does nothing.
    #[doc(alias = "close")]
    pub fn stop_accepting(&self) {
        self.group.close();
        self.end(self.acceptors.take());
        self.group.tell();
    }

    /// Waits until it has stopped accepting, every handler has ended, and every connection is closed.
    ///
    /// # Cancel safety
    /// Nothing is lost; call it again.
    #[doc(alias = "wait_closed")]
    pub async fn closed(&self) {
        self.group.until(|group| !group.is_open()).await;
        self.group.until(|group| group.connections() == 0).await;
        self.ended().await;
    }

    /// Stops accepting, asks the handlers to stop
    /// ([`stop_requested`](roundel_executor::stop_requested)), and waits for them and for what they
    /// leave unsent. When the limit is over, it [aborts](Self::abort) the rest.
    ///
    /// # Cancel safety
    /// It has stopped accepting, and the handlers have been asked; they go on.
    #[doc(alias = "close_clients")]
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.stop_accepting();
        let connections = self.group.connections();
        self.group.request_stop();
        let aborted = match timeout(limit, self.closed()).await {
            Ok(()) => 0,
            Err(_) => self.abort().await,
        };
        Drained { finished: connections - aborted, aborted }
    }

    /// Stops accepting, drops what is unsent and closes every connection, cancels every handler, and
    /// waits until they have ended, their clean-up included: which finds its stream closed, so it can
    /// say no goodbye. Returns how many connections there were.
    ///
    /// When it returns, every descriptor is closed, with one exception: what a handler has given to
    /// somebody else as a bare [`Connection`] or [socket](Connection::into_socket) is for that one to
    /// close.
    ///
    /// # Cancel safety
    /// Everything is cancelled all the same; only the wait for it is given up, and
    /// [`closed`](Self::closed) takes it up again.
    #[doc(alias = "abort_clients")]
    pub async fn abort(&self) -> usize {
        self.stop_accepting();
        let (aborted, handlers) = self.group.abort();
        self.end(handlers);
        self.ended().await;
        // What a clean-up has made of its connection.
        self.group.abort();
        aborted
    }

    /// Cancels tasks, to be waited for.
    fn end(&self, tasks: impl IntoIterator<Item = Task<()>>) {
        let mut ending = self.ending.borrow_mut();
        let before = ending.len();
        ending.extend(tasks);
        for task in &ending[before..] {
            task.cancel();
        }
    }

    /// Waits for what was cancelled. Each stays in the list until it has ended, so that whoever
    /// gives up waiting leaves it to the next.
    async fn ended(&self) {
        poll_fn(|context| {
            let mut ending = self.ending.borrow_mut();
            while let Some(last) = ending.last_mut() {
                report_panic(ready!(Pin::new(last).poll(context)));
                ending.pop();
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Serves until `signal` is ready (Ctrl-C, a timer, a message), then [drains](Self::drain) the
    /// connections within [`ServeOptions::grace`]. Python's `serve_forever` is this with a signal that
    /// never comes.
    ///
    /// # Cancel safety
    /// The server is [aborted](Self::abort), and whoever cancels waits for that.
    #[doc(alias = "serve_forever")]
    pub async fn serve_until<S: Future>(self, signal: S) -> Drained {
        with(self, async |server| {
            signal.await;
            server.drain(server.group.options.grace).await
        })
        .await
    }
}

/// Leaving [`with`] aborts: drain it before, if connections are to come to their ends.
impl AsyncExit for Server {
    async fn exit(self) {
        self.abort().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop_accepting();
        self.end(self.group.abort().1);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses())
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

/// Who waits for a task has its panic; here nobody could use it.
fn report_panic(ended: Result<(), JoinError>) {
    let Some(error) = ended.err().filter(JoinError::is_panic) else { return };
    LoopHandle::current().report(&Unhandled::new(error.to_string()));
}
