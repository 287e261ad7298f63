//! `Receipts`: what a stream brings, piece by piece, by one operation that goes on.

use std::{
    fmt,
    future::poll_fn,
    panic::Location,
    rc::Rc,
    task::{Context, Poll},
};

use roundel_driver::{Buffer, Completion, Key, Operation, Outcome, Submitted};

use crate::{
    ReceiptsHandle,
    core::{Core, Phase},
    ready::{Job, Work},
    receipts_handle::Each,
    submission::{Waiter, give_up, refused},
};

/// What a socket receives, piece after piece; see [`Attached::recv_many`](crate::Attached::recv_many).
///
/// Await the [`next`](Self::next) piece, or have each go to a call-back with
/// [`for_each`](Self::for_each). An empty piece is the end of the stream; it and an error are the
/// last. Nothing is received that nobody takes, but for some kilobytes that a driver may hold.
/// Dropping it gives the operation up.
///
/// # Cancel safety
/// What had come and was not taken goes to the socket's next receive.
#[must_use = "receipts that are dropped are cancelled"]
pub struct Receipts {
    core: Rc<Core>,
    /// None once the last piece was taken.
    key: Option<Key>,
    /// An answer that was there at once: that there is nothing to receive from.
    refusal: Option<Completion>,
}

impl Receipts {
    #[inline]
    pub(crate) fn new(core: &Rc<Core>, operation: Operation) -> Self {
        let (key, refusal) = match core.phase.get() {
            Phase::Closed => (None, Some(refused(operation))),
            _ => match core.driver.borrow_mut().submit(operation) {
                Submitted::Pending(key) => (Some(key), None),
                Submitted::Done(completion) => (None, Some(completion)),
                Submitted::Blocking(..) => unreachable!("a receive blocks nowhere"),
            },
        };
        Self { core: Rc::clone(core), key, refusal }
    }

    /// The next piece; an empty one again and again behind the last.
    ///
    /// # Errors
    /// Receiving failed, which ends it.
    ///
    /// # Cancel safety
    /// A piece is taken only when it is returned.
    pub async fn next(&mut self) -> Completion {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// As [`next`](Self::next), for futures made by hand.
    #[inline]
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Completion> {
        let Some(key) = self.key else { return Poll::Ready(self.at_the_end()) };
        let taken = self.core.driver.borrow_mut().take(key);
        let Some(completion) = taken else {
            let before = match self.core.ticket(context) {
                Some(ticket) => self.core.waiters.borrow_mut().keep_seat(key, ticket),
                None => {
                    // Cloned first: a waker may be of anybody's making.
                    let waiter = Waiter::Waker(context.waker().clone());
                    self.core.waiters.borrow_mut().seat(key, waiter)
                }
            };
            drop(before);
            return Poll::Pending;
        };
        if is_last(&completion) {
            self.key = None;
            let waiter = self.core.waiters.borrow_mut().leave(key);
            drop(waiter);
        }
        Poll::Ready(completion)
    }

    #[cold]
    fn at_the_end(&mut self) -> Completion {
        self.refusal.take().unwrap_or_else(|| Ok(Outcome::Received(Buffer::default())))
    }

    /// Calls `call` with each piece, the last included, in call-backs of their own, never within
    /// this call. It is allocated once and not for each. The handle pauses and cancels, also from
    /// within `call`; dropping the handle does neither.
    ///
    /// A call-back that panics is reported by the loop, and called with the next piece.
    ///
    /// # Panics
    /// If the loop is closed.
    #[track_caller]
    pub fn for_each(mut self, call: impl FnMut(Completion) + 'static) -> ReceiptsHandle {
        self.core.demand_open("for_each");
        let site = Location::caller();
        let (key, refusal) = (self.key.take(), self.refusal.take());
        let each = Each::new(&self.core, key, refusal, Box::new(call), site);
        let handle = ReceiptsHandle::new(&each);
        if let Some(key) = key {
            let waiter = Waiter::Standing(Rc::clone(&each) as Rc<dyn Job>, site);
            let before = self.core.waiters.borrow_mut().seat(key, waiter);
            drop(before);
        }
        // It looks whether something is there already.
        self.core.ready.borrow_mut().push(|| Work::Job(each, site));
        handle
    }
}

/// Nothing follows an empty piece or an error.
pub(crate) fn is_last(completion: &Completion) -> bool {
    !completion.as_ref().is_ok_and(Outcome::is_data)
}

impl Drop for Receipts {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            give_up(&self.core, key);
        }
    }
}

impl fmt::Debug for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receipts").field(&self.key).finish()
    }
}
