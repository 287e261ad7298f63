//! `Group`: the connections of a server, each from its acceptance until its descriptor is gone.
//!
//! ```text
//!  handler's task ──▶ Seat ──▶ Place ◀── Connection, or the carrier of the stream it became
//! ```
//!
//! Whoever of the two goes last gives the place up: a handler that has returned may have left bytes
//! that the peer has yet to take, and a handler that has closed its connection may go on.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::poll_fn,
    mem,
    rc::Rc,
    task::{Poll, Waker},
};

use roundel_executor::{Builder, Task};
use roundel_loop::{LoopHandle, Submission, Unhandled};
use roundel_stream::{Lease, Lender};

use crate::{Connection, Handled, Listener, ServeOptions, ServerStatistics, serve::in_full};

/// What is known of a connection.
#[derive(Default)]
struct Served {
    /// None when it has ended, or was taken out to be waited for.
    handler: Option<Task<()>>,
    /// The stream that the connection became, if it did.
    stream: Option<Lease>,
}

/// What the server, its acceptors and its connections share.
pub(crate) struct Group {
    pub(crate) options: ServeOptions,
    /// None once it has stopped.
    listener: RefCell<Option<Listener>>,
    connections: RefCell<BTreeMap<u64, Served>>,
    counted: Cell<ServerStatistics>,
    /// Who waits for room, or for the end.
    waiting: RefCell<Vec<Waker>>,
}

impl Group {
    pub(crate) fn new(options: ServeOptions, listener: Listener) -> Self {
        Self {
            options,
            listener: RefCell::new(Some(listener)),
            connections: RefCell::default(),
            counted: Cell::default(),
            waiting: RefCell::default(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.listener.borrow().is_some()
    }

    /// Closes the listener.
    pub(crate) fn close(&self) {
        let listener = self.listener.take();
        drop(listener);
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.borrow().len()
    }

    pub(crate) fn statistics(&self) -> ServerStatistics {
        ServerStatistics { connections: self.connections(), ..self.counted.get() }
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
        self.options.limit.is_none_or(|limit| self.connections() < limit)
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
    pub(crate) fn tell(&self) {
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
        self.connections.borrow_mut().insert(number, Served::default());
        let place = Rc::new(Place { group: Rc::clone(self), number });
        let connection = connection.at(Rc::clone(&place));
        let seat = Seat { place };
        let name = format!("connection from {}", connection.peer());
        let handler = Builder::new().name(name).spawn(async move {
            // Given up last, when the handler has dropped what it had.
            let seat = seat;
            let peer = connection.peer().clone();
            if let Some(error) = (*handler)(connection).await.failure() {
                seat.place.group.count(|counted| counted.failed += 1);
                let report = Unhandled::new("the handler of a connection failed");
                let report = report.detail("peer", peer).detail("error", in_full(&*error));
                LoopHandle::current().report(&report);
            }
        });
        if let Some(served) = self.connections.borrow_mut().get_mut(&number) {
            served.handler = Some(handler);
        }
    }

    /// Asks the handlers to stop.
    pub(crate) fn request_stop(&self) {
        let connections = self.connections.borrow();
        connections
            .values()
            .filter_map(|served| served.handler.as_ref())
            .for_each(Task::request_stop);
    }

    /// Closes every stream, whatever it has not sent, and takes the handlers out, to be cancelled.
    /// Tells how many connections these were.
    pub(crate) fn abort(&self) -> (usize, Vec<Task<()>>) {
        let mut served: Vec<Served> =
            self.connections.borrow_mut().values_mut().map(mem::take).collect();
        served.retain(|it| it.handler.is_some() || it.stream.is_some());
        // No borrow is held: a stream that closes may give its place up.
        served.iter().filter_map(|it| it.stream.as_ref()).for_each(Lease::abort);
        (served.len(), served.into_iter().filter_map(|it| it.handler).collect())
    }
}

/// A connection's place in the table, until its handler has ended and its descriptor is gone.
pub(crate) struct Place {
    group: Rc<Group>,
    number: u64,
}

impl Lender for Place {
    fn lent(&self, lease: Lease) {
        if let Some(served) = self.group.connections.borrow_mut().get_mut(&self.number) {
            served.stream = Some(lease);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let served = self.group.connections.borrow_mut().remove(&self.number);
        drop(served);
        self.group.tell();
    }
}

/// A handler at work, on a connection's place.
struct Seat {
    place: Rc<Place>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Nobody is to wait for it, so that its panic is reported; whoever aborts has taken it out, to
        // wait for its clean-up.
        let mut connections = self.place.group.connections.borrow_mut();
        let handler =
            connections.get_mut(&self.place.number).and_then(|served| served.handler.take());
        drop(connections);
        drop(handler);
    }
}
