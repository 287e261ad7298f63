//! `Receiving`: the reader's side of a connection.
//!
//! From a socket it receives by one operation that goes on to the end, from a pipe by one after the
//! other. A receive that waits belongs to the reader, not to the future that asked for it: a read
//! that is dropped leaves it under way, and what it brings is for the next read.

use std::{
    future::Future,
    io, mem,
    ops::ControlFlow,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use roundel_driver::{Buffer, Completion, Outcome};
use roundel_loop::{PendingOperation, Receipts, buggify};

use crate::{Filter, connection::Connection, error::Failure};

/// How much a receive asks for at first, at least, and at most: the sizes of the driver's buffers.
/// asyncio's most is the same.
const LEAST: usize = 4 << 10;
const MOST: usize = 256 << 10;

/// Receives in a row that found data at once, after which the others on the loop have their turn.
const IN_A_ROW: u8 = 64;

#[derive(Debug)]
pub(crate) struct Receiving {
    connection: Option<Rc<Connection>>,
    under_way: UnderWay,
    /// How much a single receive asks for.
    at_most: usize,
    in_a_row: u8,
    ended: bool,
    failure: Option<Failure>,
}

#[derive(Debug)]
enum UnderWay {
    Nothing,
    One(PendingOperation),
    Many(Receipts),
}

impl Receiving {
    /// None has ended already.
    pub(crate) fn new(connection: Option<Rc<Connection>>) -> Self {
        let ended = connection.is_none();
        let at_most = LEAST;
        Self {
            connection,
            under_way: UnderWay::Nothing,
            at_most,
            in_a_row: 0,
            ended,
            failure: None,
        }
    }

    pub(crate) fn connection(&self) -> Option<&Rc<Connection>> {
        self.connection.as_ref()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Receives; what is asked for once at a time, of a size to which the last ones came, or `hint` if
    /// more than that is wanted. None at the end of the stream. `before_wait` is called if nothing is there yet.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        context: &mut Context<'_>,
        hint: usize,
        before_wait: impl FnOnce(),
    ) -> Poll<io::Result<Option<Buffer>>> {
        if let Some(failure) = &mut self.failure {
            return Poll::Ready(Err(failure.tell()));
        }
        if self.ended {
            return Poll::Ready(Ok(None));
        }
        if self.connection.as_ref().is_some_and(|it| it.filtered().is_some()) {
            // What is left of the program's bytes is copied once, whether anything waits or not.
            before_wait();
            return self.poll_filtered(context, hint);
        }
        match &mut self.under_way {
            UnderWay::Many(receipts) => {
                if self.in_a_row == IN_A_ROW || buggify("reader: gives way first") {
                    self.in_a_row = 0;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                match receipts.poll_next(context) {
                    Poll::Ready(completion) => {
                        self.in_a_row += 1;
                        if buggify("reader: begins anew") {
                            self.under_way = UnderWay::Nothing;
                        }
                        match completion {
                            Ok(Outcome::Received(data)) if !data.is_empty() => {
                                Poll::Ready(Ok(Some(data)))
                            }
                            completion => Poll::Ready(self.taken(completion)),
                        }
                    }
                    Poll::Pending => {
                        self.in_a_row = 0;
                        before_wait();
                        Poll::Pending
                    }
                }
            }
            UnderWay::One(pending) => {
                let completion = ready!(Pin::new(pending).poll(context));
                self.under_way = UnderWay::Nothing;
                self.in_a_row = 0;
                Poll::Ready(self.taken(completion))
            }
            UnderWay::Nothing => {
                if self.begin_many() {
                    return self.poll(context, hint, before_wait);
                }
                let completion = ready!(self.begin(context, hint, before_wait));
                Poll::Ready(self.taken(completion))
            }
        }
    }

    /// Begins the operation that goes on, if there is one.
    #[cold]
    fn begin_many(&mut self) -> bool {
        if buggify("reader: one receive at a time") {
            return false;
        }
        let receipts = self.connection.as_ref().and_then(|it| it.receive_many(MOST));
        match receipts {
            Some(receipts) => self.under_way = UnderWay::Many(receipts),
            None => return false,
        }
        true
    }

    /// As [`poll`](Self::poll), through the connection's filter.
    #[cold]
    fn poll_filtered(
        &mut self,
        context: &mut Context<'_>,
        hint: usize,
    ) -> Poll<io::Result<Option<Buffer>>> {
        let Some(connection) = self.connection.clone() else { return Poll::Ready(Ok(None)) };
        let Some(filtered) = connection.filtered() else { return Poll::Ready(Ok(None)) };
        loop {
            // A peer may send much that is nothing to the program.
            self.in_a_row += 1;
            if self.in_a_row > IN_A_ROW {
                self.in_a_row = 0;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let at_most = self.at_most.max(hint.min(MOST));
            let Poll::Ready(completion) = connection.poll_wire(filtered, context, at_most) else {
                self.in_a_row = 0;
                return Poll::Pending;
            };
            let wire = self.taken(completion)?;
            if wire.is_none() && (connection.is_closed() || filtered.is_parting()) {
                return Poll::Ready(Ok(None));
            }
            let mut plain = Vec::new();
            let opened = connection.open(filtered, wire.as_deref(), &mut plain);
            if let Some(plain) = self.opened(opened, plain) {
                return Poll::Ready(Ok(Some(plain)));
            }
            if let Some(failure) = &mut self.failure {
                return Poll::Ready(Err(failure.tell()));
            }
            if self.ended {
                return Poll::Ready(Ok(None));
            }
        }
    }

    /// Keeps what a filter has said, to be told behind the bytes that came with it.
    fn opened(&mut self, opened: io::Result<ControlFlow<()>>, plain: Vec<u8>) -> Option<Buffer> {
        match opened {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => self.end(),
            Err(error) => self.failure = Some(Failure::new(error)),
        }
        Some(plain).filter(|plain| !plain.is_empty()).map(Into::into)
    }

    /// What comes from now on goes through `filter`, beginning with `wire`; returns what that is to
    /// the program.
    pub(crate) fn begin_filter(&mut self, filter: Box<dyn Filter>, wire: &[u8]) -> Option<Buffer> {
        let connection = self.connection.clone()?;
        let mut plain = Vec::new();
        let pending = match mem::replace(&mut self.under_way, UnderWay::Nothing) {
            UnderWay::One(pending) => Some(pending),
            // What they have brought is for the connection's receives.
            UnderWay::Nothing | UnderWay::Many(_) => None,
        };
        let opened = connection.begin_filter(filter, pending, wire, &mut plain);
        self.opened(opened, plain)
    }

    fn begin(
        &mut self,
        context: &mut Context<'_>,
        hint: usize,
        before_wait: impl FnOnce(),
    ) -> Poll<Completion> {
        if self.in_a_row == IN_A_ROW || buggify("reader: gives way first") {
            self.in_a_row = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let one = buggify("reader: a byte at a time");
        let at_most = if one { 1 } else { self.at_most.max(hint.min(MOST)) };
        let submission = self.connection.as_ref().and_then(|it| it.receive(at_most));
        let Some(submission) = submission else {
            // Closed here: the end, as if the peer had ended it.
            return Poll::Ready(Ok(Outcome::Received(Buffer::default())));
        };
        match submission.now_or_wake(context) {
            Ok(completion) => {
                self.in_a_row += 1;
                Poll::Ready(completion)
            }
            Err(pending) => {
                before_wait();
                self.under_way = UnderWay::One(pending);
                Poll::Pending
            }
        }
    }

    #[inline(never)]
    fn taken(&mut self, completion: Completion) -> io::Result<Option<Buffer>> {
        match completion {
            Ok(Outcome::Received(data)) if !data.is_empty() => {
                self.note(data.len());
                Ok(Some(data))
            }
            Ok(_) => {
                self.end();
                Ok(None)
            }
            Err(_) if self.connection.as_ref().is_some_and(|it| it.is_closed()) => {
                self.end();
                Ok(None)
            }
            // The other end of a pseudo-terminal hung up; Linux's word for the end of it.
            Err(error) if is_hang_up(error.raw_os_error()) && self.is_no_socket() => {
                self.end();
                Ok(None)
            }
            Err(error) => {
                let mut failure = Failure::new(error.into());
                let told = failure.tell();
                self.failure = Some(failure);
                Err(told)
            }
        }
    }

    fn is_no_socket(&self) -> bool {
        self.connection.as_ref().is_some_and(|it| !it.can_end_sending())
    }

    fn end(&mut self) {
        self.ended = true;
    }

    /// Full buffers ask for larger ones, nearly empty ones for smaller.
    fn note(&mut self, received: usize) {
        if received >= self.at_most {
            self.at_most = (self.at_most * 4).min(MOST);
        } else if received < self.at_most / 4 {
            self.at_most = (self.at_most / 4).max(LEAST);
        }
    }
}

/// Linux's EIO; the number is the same everywhere.
fn is_hang_up(number: Option<i32>) -> bool {
    number == Some(5)
}
