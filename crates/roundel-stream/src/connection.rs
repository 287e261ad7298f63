//! `Connection`: what reader and writer of a stream share: the carrier, and what is to be sent.
//!
//! The carrier sends on call-backs, as asyncio's does, so that what was accepted goes out whether
//! or not anybody waits for it: one send is under way, what comes meanwhile queues behind it and
//! goes with the next. A send that the kernel takes at once involves none of this.

use std::{
    cell::{Cell, OnceCell, RefCell},
    fmt,
    io::{self, IoSlice},
    mem,
    rc::{Rc, Weak},
    task::{Context, Poll},
};

use roundel_driver::{Buffer, Completion, Socket};
use roundel_loop::{LoopHandle, PendingOperation, Receipts, Submission, buggify};

use crate::{
    Carrier, Lease, WaterMarks,
    error::Failure,
    filtered::Filtered,
    outgoing::{Batch, Outgoing, Stage, Until},
};

/// What is lent to the kernel first, and only taken over if it does not take it: of more it may take
/// a part, and the rest would have to be copied.
const MOST_LENT: usize = 16 << 10;

/// How many the kernel takes in one call: Linux's UIO_MAXIOV; the others have the same.
const MOST_SLICES: usize = 1024;

pub(crate) struct Connection {
    /// None once it is closed.
    carrier: RefCell<Option<Carrier>>,
    outgoing: RefCell<Outgoing>,
    /// What all bytes go through; few streams have one.
    pub(crate) filtered: OnceCell<Box<Filtered>>,
    /// A call-back will flush what small writes have left.
    flush_is_due: Cell<bool>,
    /// Told what a call-back of the connection's has changed.
    told: RefCell<Option<Weak<dyn Progress>>>,
}

/// Who is told that something was sent, or that sending failed or ended.
pub(crate) trait Progress {
    fn progress(self: Rc<Self>);
}

impl Connection {
    pub(crate) fn new(carrier: Carrier) -> Rc<Self> {
        let lender = carrier.lender();
        let connection = Rc::new(Self {
            carrier: RefCell::new(Some(carrier)),
            outgoing: RefCell::default(),
            filtered: OnceCell::new(),
            flush_is_due: Cell::new(false),
            told: RefCell::default(),
        });
        if let Some(lender) = lender {
            lender.lent(Lease::of(&connection));
        }
        connection
    }

    /// Whom to tell from now on.
    pub(crate) fn tell(&self, told: Weak<dyn Progress>) {
        self.told.replace(Some(told));
    }

    /// Asks the carrier, unless it is closed.
    pub(crate) fn with<R>(&self, ask: impl FnOnce(&Carrier) -> R) -> Option<R> {
        self.carrier.borrow().as_ref().map(ask)
    }

    pub(crate) fn ask<R>(&self, ask: impl FnOnce(&Carrier) -> io::Result<R>) -> io::Result<R> {
        self.with(ask).unwrap_or_else(|| Err(closed()))
    }

    pub(crate) fn receive(&self, at_most: usize) -> Option<Submission> {
        self.with(|carrier| carrier.receive(at_most))
    }

    /// As [`receive`](Self::receive), again and again, where the carrier can.
    pub(crate) fn receive_many(&self, at_most: usize) -> Option<Receipts> {
        self.with(|carrier| carrier.receive_many(at_most)).flatten()
    }

    #[inline]
    pub(crate) fn filtered(&self) -> Option<&Filtered> {
        self.filtered.get().map(|filtered| &**filtered)
    }

    /// Asks the socket for something that a filter would not see; none if there is one, or the
    /// stream runs over no socket.
    pub(crate) fn past_no_filter<R>(&self, ask: impl FnOnce(&Socket) -> R) -> Option<R> {
        match self.filtered() {
            None => self.with(|carrier| carrier.socket().ok().map(ask)).flatten(),
            Some(_) => None,
        }
    }

    /// Hands bytes of the program to the carrier, unless it is closed.
    #[inline]
    fn hand_over(&self, batch: Batch) -> Option<Submission> {
        match self.filtered() {
            None => self.with(|carrier| carrier.send(batch)),
            Some(filtered) => self.seal_and_send(filtered, batch),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.carrier.borrow().is_none()
    }

    /// # Errors
    /// Nothing can be written: the writer failed, or was ended.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.outgoing.borrow_mut().check()
    }

    pub(crate) fn can_end_sending(&self) -> bool {
        self.with(Carrier::can_end_sending).unwrap_or(false)
    }

    /// Looks at what is unsent.
    pub(crate) fn outgoing<R>(&self, look: impl FnOnce(&Outgoing) -> R) -> R {
        look(&self.outgoing.borrow())
    }

    pub(crate) fn set_marks(&self, marks: WaterMarks) {
        let mut outgoing = self.outgoing.borrow_mut();
        let unsent = outgoing.unsent();
        outgoing.flow.set_marks(marks, unsent);
        drop(outgoing);
        self.wake();
    }

    /// Sends as much as goes at once and keeps the rest. What goes at once is not taken over, so
    /// that lent bytes need not be copied.
    pub(crate) fn write(self: &Rc<Self>, data: impl AsRef<[u8]> + Into<Buffer>) -> io::Result<()> {
        let mut outgoing = self.outgoing.borrow_mut();
        outgoing.check()?;
        let bytes = data.as_ref();
        if bytes.is_empty() {
            return Ok(());
        }
        if outgoing.is_busy() || !outgoing.is_empty() {
            outgoing.push(data.into());
            drop(outgoing);
            self.flush();
            return Ok(());
        }
        if buggify("writer: sends a turn later") {
            outgoing.push(data.into());
            drop(outgoing);
            self.flush_soon();
            return Ok(());
        }
        drop(outgoing);
        let sent = match bytes.len() <= MOST_LENT {
            true => self.send_now(&[IoSlice::new(bytes)])?,
            false => 0,
        };
        match sent {
            sent if sent == bytes.len() => Ok(()),
            0 => self.send(data.into()),
            sent => self.send(bytes[sent..].into()),
        }
    }

    /// Sends as much as goes at once, or else takes everything over; tells how much that was.
    pub(crate) fn write_some(self: &Rc<Self>, data: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut outgoing = self.outgoing.borrow_mut();
        outgoing.check()?;
        let is_free = !outgoing.is_busy() && outgoing.is_empty();
        drop(outgoing);
        if is_free {
            let sent = self.send_now(&data[..data.len().min(MOST_SLICES)])?;
            if sent > 0 {
                return Ok(sent);
            }
        }
        let len = data.iter().map(|piece| piece.len()).sum();
        let mut all = Vec::with_capacity(len);
        data.iter().for_each(|piece| all.extend_from_slice(piece));
        self.write(all)?;
        Ok(len)
    }

    /// Nothing goes at once that a filter has to see before.
    #[inline]
    fn send_now(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.filtered().is_some() {
            return Ok(0);
        }
        match self.with(|carrier| carrier.send_now(data)) {
            Some(Ok(sent)) => Ok(sent),
            Some(Err(error)) => Err(self.fail_with(error)),
            None => Err(closed()),
        }
    }

    /// Sends by an operation.
    fn send(self: &Rc<Self>, data: Buffer) -> io::Result<()> {
        let unsent = data.len();
        let Some(submission) = self.hand_over(Batch::One(data)) else {
            return Err(closed());
        };
        match submission.try_now() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.fail_with(error)),
            Err(pending) => {
                self.go_on(pending, unsent, false);
                Ok(())
            }
        }
    }

    /// Sends several buffers, together where that can be.
    pub(crate) fn write_vectored(self: &Rc<Self>, data: Vec<Buffer>) -> io::Result<()> {
        let mut outgoing = self.outgoing.borrow_mut();
        outgoing.check()?;
        for part in data {
            if !part.is_empty() {
                outgoing.push(part);
            }
        }
        drop(outgoing);
        self.flush();
        Ok(())
    }

    /// Keeps a copy, to go out with whatever else is written in this turn of the loop.
    pub(crate) fn write_buffered(self: &Rc<Self>, data: &[u8]) -> io::Result<()> {
        let mut outgoing = self.outgoing.borrow_mut();
        outgoing.check()?;
        outgoing.push_copy(data);
        if outgoing.is_busy() || outgoing.is_empty() {
            return Ok(());
        }
        let flush_now = outgoing.flow.is_paused();
        drop(outgoing);
        if flush_now {
            self.flush();
        } else {
            self.flush_soon();
        }
        Ok(())
    }

    /// In the next turn, with whatever else is written until then.
    fn flush_soon(self: &Rc<Self>) {
        if self.flush_is_due.replace(true) {
            return;
        }
        let connection = Rc::clone(self);
        let flush = move || {
            connection.flush_is_due.set(false);
            connection.flush();
        };
        match LoopHandle::try_current() {
            Some(handle) => drop(handle.try_call_soon(flush)),
            None => flush(),
        }
    }

    /// Sends what is queued until the kernel takes no more; then ends what is to be ended.
    pub(crate) fn flush(self: &Rc<Self>) {
        let nothing = self.outgoing(|outgoing| outgoing.is_empty() && !outgoing.is_busy());
        if nothing && self.filtered().is_none() {
            return self.end_if_asked();
        }
        let several = self.with(Carrier::takes_several).unwrap_or(false);
        loop {
            let mut outgoing = self.outgoing.borrow_mut();
            if outgoing.is_busy() {
                return;
            }
            let Some(batch) = outgoing.next_batch(several) else { break };
            drop(outgoing);
            let len = batch.bytes();
            let Some(submission) = self.hand_over(batch) else { break };
            match submission.try_now() {
                Ok(Ok(_)) => self.outgoing.borrow_mut().sent(len),
                Ok(Err(error)) => self.fail(Failure::new(error.into())),
                Err(pending) => return self.go_on(pending, len, true),
            }
        }
        let is_flushed = self.filtered().is_none_or(|filtered| self.flush_filter(filtered));
        if is_flushed {
            self.end_if_asked();
        }
    }

    /// A send waits for the kernel.
    pub(crate) fn go_on(self: &Rc<Self>, pending: PendingOperation, len: usize, queued: bool) {
        let connection = Rc::clone(self);
        // Who is to be told what comes of it is kept until then: a transport that reads nothing in
        // the meantime may have nobody else to hold it.
        let told = self.told.borrow().as_ref().and_then(Weak::upgrade);
        let handle = pending.then(move |completion| {
            connection.sent(completion);
            drop(told);
        });
        self.outgoing.borrow_mut().begin(len, queued, handle);
    }

    /// The send under way has ended.
    fn sent(self: &Rc<Self>, completion: Completion) {
        self.outgoing.borrow_mut().done();
        match completion {
            Ok(sent) => drop(sent),
            Err(error) => self.fail(Failure::new(error.into())),
        }
        self.flush();
        self.wake();
    }

    /// Nothing more can be sent.
    pub(crate) fn fail(&self, failure: Failure) {
        let unsent = self.outgoing.borrow_mut().fail(failure);
        drop(unsent);
    }

    /// The error is told here.
    #[cold]
    pub(crate) fn fail_with(&self, error: impl Into<io::Error>) -> io::Error {
        let mut failure = Failure::new(error.into());
        let told = failure.tell();
        self.fail(failure);
        told
    }

    pub(crate) fn failure(&self) -> Option<io::Error> {
        self.outgoing.borrow_mut().failure()
    }

    fn wake(&self) {
        let waiter = self.outgoing.borrow_mut().waiter.take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        let told = self.told.borrow().as_ref().and_then(Weak::upgrade);
        if let Some(told) = told {
            told.progress();
        }
    }

    /// No more will be written.
    pub(crate) fn end(self: &Rc<Self>, stage: Stage) {
        let mut outgoing = self.outgoing.borrow_mut();
        if outgoing.stage >= stage {
            return;
        }
        outgoing.stage = stage;
        outgoing.ended = false;
        drop(outgoing);
        self.flush();
    }

    /// Everything is sent, or never will be: ends what was asked to end.
    fn end_if_asked(self: &Rc<Self>) {
        let outgoing = self.outgoing.borrow();
        let (stage, ended) = (outgoing.stage, outgoing.ended);
        drop(outgoing);
        match stage {
            Stage::Open => {}
            _ if ended => {}
            Stage::Ending if self.can_end_sending() => {
                match self.with(Carrier::end_sending) {
                    // A peer that has gone need not be told.
                    Some(Err(error)) if error.kind() != io::ErrorKind::NotConnected => {
                        self.fail(Failure::new(error.into()));
                    }
                    _ => {}
                }
                self.outgoing.borrow_mut().ended = true;
            }
            Stage::Ending | Stage::Closing if self.part() => {}
            Stage::Ending | Stage::Closing => self.close(),
        }
    }

    fn close(&self) {
        self.outgoing.borrow_mut().ended = true;
        let carrier = self.carrier.borrow_mut().take();
        drop(carrier);
        if let Some(filtered) = self.filtered() {
            filtered.close();
        }
    }

    pub(crate) fn close_and_wake(&self) {
        self.close();
        self.wake();
    }

    /// Drops what is unsent and closes the carrier now.
    pub(crate) fn abort(&self) {
        let (under_way, unsent) = self.outgoing.borrow_mut().abandon();
        if let Some(under_way) = under_way {
            under_way.cancel();
        }
        drop(unsent);
        self.close_and_wake();
    }

    /// Flushes, and waits.
    pub(crate) fn poll_until(
        self: &Rc<Self>,
        context: &mut Context<'_>,
        until: Until,
    ) -> Poll<io::Result<()>> {
        self.flush();
        let polled = self.outgoing.borrow_mut().poll(until);
        let waiter = polled.is_pending().then(|| context.waker().clone());
        let before = mem::replace(&mut self.outgoing.borrow_mut().waiter, waiter);
        drop(before);
        polled
    }
}

pub(crate) fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the stream is closed")
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.carrier.fmt(f)
    }
}
