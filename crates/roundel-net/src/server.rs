//! `Server`: a listener and its connections, as a group that ends together.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    mem,
    pin::Pin,
    rc::Rc,
    task::{Poll, Waker, ready},
    time::Duration,
};

use roundel_executor::{AsyncExit, Builder, JoinError, Task, timeout, with};
use roundel_loop::{Address, LoopHandle, Submission, Unhandled};

use crate::{
    Connection, Handled, Listener, ServeOptions, accept::accept_and_begin, serve::in_full,
};

/// A server at work. It owns its connections: it ends by [`drain`](Self::drain) or
/// [`abort`](Self::abort), and dropping it cancels every handler.
///
/// ```text
///  serve(listener, handler)
///        │ accepting, handling
///        ├── stop_accepting()   the listener is closed, connections go on
///        ├── drain(limit)       … handlers are asked to stop, and cancelled when the limit is over
///        └── abort()            … handlers are cancelled, and waited for
/// ```
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
    /// Connections whose handlers came to their ends.
    pub finished: usize,
    /// Connections whose handlers were cancelled.
    pub aborted: usize,
}

/// What a server has to tell of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStatistics {
    /// Connections now being handled.
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
        self.group.listener.borrow().as_ref().map_or_else(Vec::new, Listener::local_addresses)
    }

    /// Whether it accepts connections.
    #[doc(alias = "is_serving")]
    pub fn is_accepting(&self) -> bool {
        self.group.is_open()
    }

    /// How many connections are being handled, and more.
    pub fn statistics(&self) -> ServerStatistics {
        self.group.statistics()
    }

    /// Closes the listener, at once. Connections go on; those that have not begun are closed. A
    /// second call does nothing.
    #[doc(alias = "close")]
    pub fn stop_accepting(&self) {
        let listener = self.group.listener.take();
        drop(listener);
        self.end(self.acceptors.take());
        self.group.tell();
    }

    /// Waits until it has stopped accepting, and every connection has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost; call it again.
    #[doc(alias = "wait_closed")]
    pub async fn closed(&self) {
        self.group.until(|group| !group.is_open()).await;
        self.group.until(|group| group.connections.borrow().is_empty()).await;
        self.ended().await;
    }

    /// Stops accepting, asks the handlers to stop
    /// ([`stop_requested`](roundel_executor::stop_requested)), gives them until the limit, and
    /// cancels those that still run. When it returns, every connection has ended.
    ///
    /// # Cancel safety
    /// It has stopped accepting, and the handlers have been asked; they go on.
    #[doc(alias = "close_clients")]
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.stop_accepting();
        let connections = self.group.connections.borrow().len();
        self.group.connections.borrow().values().for_each(Task::request_stop);
        let aborted = match timeout(limit, self.closed()).await {
            Ok(()) => 0,
            Err(_) => self.abort().await,
        };
        Drained { finished: connections - aborted, aborted }
    }

    /// Stops accepting, cancels every handler, and waits until they have ended, their clean-up
    /// included. Returns how many there were.
    ///
    /// # Cancel safety
    /// Everything is cancelled all the same; only the wait for it is given up, and
    /// [`closed`](Self::closed) takes it up again.
    #[doc(alias = "abort_clients")]
    pub async fn abort(&self) -> usize {
        self.stop_accepting();
        let handlers = self.group.connections.take();
        let aborted = handlers.len();
        self.end(handlers.into_values());
        self.ended().await;
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
        self.end(self.group.connections.take().into_values());
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listener", &self.group.listener.borrow())
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}

/// Who waits for a task has its panic; here nobody could use it.
fn report_panic(ended: Result<(), JoinError>) {
    let Some(error) = ended.err().filter(JoinError::is_panic) else { return };
    LoopHandle::current().report(&Unhandled::new(error.to_string()));
}

/// What the server, its acceptors and its connections share.
pub(crate) struct Group {
    pub(crate) options: ServeOptions,
    /// None once it has stopped.
    listener: RefCell<Option<Listener>>,
    connections: RefCell<BTreeMap<u64, Task<()>>>,
    counted: Cell<ServerStatistics>,
    /// Who waits for room, or for the end.
    waiting: RefCell<Vec<Waker>>,
}

impl Group {
    fn new(options: ServeOptions, listener: Listener) -> Self {
        Self {
            options,
            listener: RefCell::new(Some(listener)),
            connections: RefCell::default(),
            counted: Cell::default(),
            waiting: RefCell::default(),
        }
    }

    fn is_open(&self) -> bool {
        self.listener.borrow().is_some()
    }

    fn statistics(&self) -> ServerStatistics {
        let connections = self.connections.borrow().len();
        ServerStatistics { connections, ..self.counted.get() }
    }

    pub(crate) fn count(&self, step: impl FnOnce(&mut ServerStatistics)) {
        let mut counted = self.counted.get();
        step(&mut counted);
        self.counted.set(counted);
    }

    /// Begins to accept on one of the sockets; none if the server has stopped.
    pub(crate) fn accept(&self, nth: usize) -> Option<Submission> {
        self.listener.borrow().as_ref().map(|listener| listener.sockets()[nth].accept())
    }

    /// What the listener says; none if the server has stopped.
    pub(crate) fn with_listener<R>(&self, ask: impl FnOnce(&Listener) -> R) -> Option<R> {
        self.listener.borrow().as_ref().map(ask)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.options.limit.is_none_or(|limit| self.connections.borrow().len() < limit)
    }

    /// Waits until `holds`, which is asked again after every change.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        poll_fn(|context| {
            if holds(self) {
                return Poll::Ready(());
            }
            let mut waiting = self.waiting.borrow_mut();
            if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// A connection ended, or the server stopped.
    fn tell(&self) {
        let waiting = mem::take(&mut *self.waiting.borrow_mut());
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Runs the handler in a task of its own.
    pub(crate) fn handle<H, R>(self: &Rc<Self>, connection: Connection, handler: Rc<H>)
    where
        H: AsyncFn(Connection) -> R + 'static,
        R: Handled + 'static,
    {
        self.count(|counted| counted.accepted += 1);
        let number = self.counted.get().accepted;
        let seat = Seat { group: Rc::clone(self), number };
        let name = format!("connection from {}", connection.peer());
        let handler = Builder::new().name(name).spawn(async move {
            // Given up last, when the handler has dropped what it had.
            let seat = seat;
            let peer = connection.peer().clone();
            if let Some(error) = (*handler)(connection).await.failure() {
                seat.group.count(|counted| counted.failed += 1);
                let report = Unhandled::new("the handler of a connection failed");
                let report = report.detail("peer", peer).detail("error", in_full(&*error));
                LoopHandle::current().report(&report);
            }
        });
        self.connections.borrow_mut().insert(number, handler);
    }
}

/// A connection's place in the table.
struct Seat {
    group: Rc<Group>,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Whoever aborts has taken it out, to wait for its clean-up.
        let handler = self.group.connections.borrow_mut().remove(&self.number);
        drop(handler);
        self.group.tell();
    }
}
