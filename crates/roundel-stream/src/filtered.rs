//! `Filtered`: a connection's filter, and what it takes to close behind it.
//!
//! ```text
//! program ──write──▶ unsent ──▶ Filter::send ────▶ carrier
//!         ◀──read───────────── Filter::receive ◀── carrier
//! ```
//!
//! Bytes are filtered as they go to the carrier, not as they are written: what is unsent is the
//! program's, small writes have become one by then, and what the filter has to say for itself goes out
//! in order between them.
//!
//! A receive that waits belongs to the connection here, not to the reader: when the connection
//! closes it goes on to hear the peer's end, whatever has become of the reader.

use std::{
    cell::RefCell,
    future::Future,
    io,
    ops::ControlFlow,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use roundel_driver::{Buffer, Completion, Outcome};
use roundel_loop::{LoopHandle, PendingOperation, Submission, TimerHandle};

use crate::{
    Carrier, Filter,
    connection::Connection,
    error::Failure,
    filter::Stack,
    outgoing::{Batch, Stage},
};

/// What a receive brings at most while the connection closes.
const AT_MOST: usize = 16 << 10;

pub(crate) struct Filtered(RefCell<State>);

struct State {
    /// None only while another one is put on it.
    filter: Option<Box<dyn Filter>>,
    /// A receive that the reader waits for, and how to tell it that there is nothing to wait for.
    pending: Option<PendingOperation>,
    reader: Option<Waker>,
    /// The filter will hear nothing more.
    is_over: bool,
    /// The filter knows that the program sends no more.
    has_ended: bool,
    /// Set while the connection waits for the peer's end; it keeps the connection alive for that.
    parting: Option<TimerHandle>,
}

impl Filtered {
    fn new(filter: Box<dyn Filter>, pending: Option<PendingOperation>) -> Self {
        Self(RefCell::new(State {
            filter: Some(filter),
            pending,
            reader: None,
            is_over: false,
            has_ended: false,
            parting: None,
        }))
    }

    /// Puts another filter on the program's side.
    fn put_on(&self, inner: Box<dyn Filter>) {
        let mut state = self.0.borrow_mut();
        state.filter = match state.filter.take() {
            Some(outer) => Some(Box::new(Stack { inner, outer })),
            None => Some(inner),
        };
    }

    fn with<R>(&self, ask: impl FnOnce(&mut Box<dyn Filter>) -> R) -> Option<R> {
        self.0.borrow_mut().filter.as_mut().map(ask)
    }

    /// The bytes of the wire for those of the program, behind what the filter has for itself.
    fn seal(&self, batch: Batch) -> Batch {
        let wire = self.with(|filter| {
            match &batch {
                Batch::One(data) => filter.send(data),
                Batch::Several(data) => data.iter().for_each(|part| filter.send(part)),
            }
            filter.take_wire()
        });
        Batch::One(wire.unwrap_or_default().into())
    }

    /// What the filter has for the wire by itself, and behind everything else its end; nothing
    /// behind that.
    fn take_wire(&self, is_ending: bool) -> Option<Buffer> {
        let mut state = self.0.borrow_mut();
        if state.has_ended {
            return None;
        }
        state.has_ended = is_ending;
        let filter = state.filter.as_mut()?;
        if is_ending {
            filter.end();
        }
        Some(filter.take_wire()).filter(|wire| !wire.is_empty()).map(Into::into)
    }

    fn is_over(&self) -> bool {
        self.0.borrow().is_over
    }

    pub(crate) fn is_parting(&self) -> bool {
        self.0.borrow().parting.is_some()
    }

    /// The connection closes: nobody need be told any more, and nobody kept alive.
    pub(crate) fn close(&self) {
        let mut state = self.0.borrow_mut();
        let parting = state.parting.take();
        let reader = state.reader.take();
        drop(state);
        if let Some(timer) = parting {
            timer.cancel();
        }
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Connection {
    /// Receives from the wire, for the reader; nothing at its end, and when it is closed here.
    pub(crate) fn poll_wire(
        &self,
        filtered: &Filtered,
        context: &mut Context<'_>,
        at_most: usize,
    ) -> Poll<Completion> {
        let closed = Poll::Ready(Ok(Outcome::Received(Buffer::default())));
        if filtered.is_parting() {
            return closed;
        }
        let pending = filtered.0.borrow_mut().pending.take();
        let mut pending = match pending {
            Some(pending) => pending,
            None => match self.receive(at_most).map(|submission| submission.try_now()) {
                Some(Ok(completion)) => return Poll::Ready(completion),
                Some(Err(pending)) => pending,
                None => return closed,
            },
        };
        let polled = Pin::new(&mut pending).poll(context);
        if polled.is_pending() {
            let waker = context.waker().clone();
            let mut state = filtered.0.borrow_mut();
            state.pending = Some(pending);
            let before = state.reader.replace(waker);
            drop(state);
            drop(before);
        }
        polled
    }

    /// Lets all bytes go through `filter`, beginning with `wire`, which has come already. `pending`
    /// is a receive that the reader has begun.
    pub(crate) fn begin_filter(
        self: &Rc<Self>,
        mut filter: Box<dyn Filter>,
        pending: Option<PendingOperation>,
        wire: &[u8],
        plain: &mut Vec<u8>,
    ) -> io::Result<ControlFlow<()>> {
        let opened = filter.receive(Some(wire), plain);
        let filtered = match self.filtered() {
            Some(filtered) => {
                filtered.put_on(filter);
                filtered
            }
            None => self.filtered.get_or_init(|| Box::new(Filtered::new(filter, pending))),
        };
        self.opened(filtered, opened, true)
    }

    /// Lets the filter have what came from the wire, and the wire what it says to that.
    pub(crate) fn open(
        self: &Rc<Self>,
        filtered: &Filtered,
        wire: Option<&[u8]>,
        plain: &mut Vec<u8>,
    ) -> io::Result<ControlFlow<()>> {
        let opened = filtered.with(|filter| filter.receive(wire, plain));
        self.opened(filtered, opened.unwrap_or(Ok(ControlFlow::Break(()))), wire.is_some())
    }

    fn opened(
        self: &Rc<Self>,
        filtered: &Filtered,
        opened: io::Result<ControlFlow<()>>,
        is_wire_open: bool,
    ) -> io::Result<ControlFlow<()>> {
        if !matches!(opened, Ok(ControlFlow::Continue(()))) {
            filtered.0.borrow_mut().is_over = true;
        }
        if let (Err(error), true) = (&opened, is_wire_open) {
            self.fail(Failure::new(error.kind().into()));
        }
        self.flush();
        opened
    }

    #[cold]
    pub(crate) fn seal_and_send(&self, filtered: &Filtered, batch: Batch) -> Option<Submission> {
        let wire = filtered.seal(batch);
        self.with(|carrier| carrier.send(wire))
    }

    /// Sends what the filter has by itself; false while that waits for the kernel.
    pub(crate) fn flush_filter(self: &Rc<Self>, filtered: &Filtered) -> bool {
        let is_ending =
            self.outgoing(|outgoing| outgoing.stage != Stage::Open && !outgoing.has_failed());
        while let Some(wire) = filtered.take_wire(is_ending) {
            let Some(sending) = self.with(|carrier| carrier.send(Batch::One(wire))) else { break };
            match sending.try_now() {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => self.fail(Failure::new(error.into())),
                Err(pending) => {
                    self.go_on(pending, 0, true);
                    return false;
                }
            }
        }
        true
    }

    /// Everything is sent, the end too: waits for the peer's, and then closes. False if there is
    /// nothing to wait for.
    pub(crate) fn part(self: &Rc<Self>) -> bool {
        let Some(filtered) = self.filtered() else { return false };
        if filtered.is_parting() {
            return true;
        }
        let handle = LoopHandle::try_current().filter(|handle| !handle.is_closed());
        let has_failed = self.outgoing(|outgoing| outgoing.has_failed());
        let (Some(handle), false) = (handle, has_failed || filtered.is_over()) else {
            return false;
        };
        // The end is sent already; what tells the peer once more may fail.
        let _ = self.with(Carrier::end_sending);
        let connection = Rc::clone(self);
        let patience = filtered.with(|filter| filter.patience()).unwrap_or_default();
        let timer = handle.call_later(patience, move || connection.part_without_the_peer());
        let mut state = filtered.0.borrow_mut();
        state.parting = Some(timer);
        let (pending, reader) = (state.pending.take(), state.reader.take());
        drop(state);
        self.hear(pending);
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }

    /// Listens for the peer's end, in a call-back for each receive.
    fn hear(self: &Rc<Self>, begun: Option<PendingOperation>) {
        let connection = Rc::downgrade(self);
        let heard = move |completion| {
            if let Some(connection) = connection.upgrade() {
                connection.heard(completion);
            }
        };
        match begun {
            Some(pending) => drop(pending.then(heard)),
            None => drop(self.receive(AT_MOST).map(|submission| submission.then(heard))),
        }
    }

    fn heard(self: &Rc<Self>, completion: Completion) {
        let Some(filtered) = self.filtered().filter(|filtered| filtered.is_parting()) else {
            return;
        };
        let opened = match completion {
            Ok(Outcome::Received(wire)) if !wire.is_empty() => {
                self.open(filtered, Some(&wire), &mut Vec::new())
            }
            // A peer that closes has ended, with or without a word.
            _ => Ok(ControlFlow::Break(())),
        };
        match opened {
            Ok(ControlFlow::Continue(())) => self.hear(None),
            _ => self.close_and_wake(),
        }
    }

    fn part_without_the_peer(self: &Rc<Self>) {
        let why = "the peer has not ended its direction in time";
        self.fail(Failure::new(io::Error::new(io::ErrorKind::TimedOut, why)));
        self.close_and_wake();
    }
}
