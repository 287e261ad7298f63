//! `Submission`: an operation handed to the driver; awaited, or called back, or given up.

use std::{
    fmt,
    future::Future,
    io,
    panic::Location,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};

use roundel_driver::{BlockingCall, Completion, Key, Operation, OperationError, Submitted};

use crate::{
    Handle, LoopHandle,
    core::{Core, Phase},
    ready::{Job, ReadyQueue, Site, Work},
};

/// A call-back for an outcome.
type OutcomeCall = Box<dyn FnOnce(Completion)>;

/// Who waits for an operation.
pub(crate) enum Waiter {
    Waker(Waker),
    /// A task of the layer above.
    Ticket(usize),
    Call(OutcomeCall, Site),
    Job(Rc<dyn Job>, Site),
    /// Who keeps the seat, for one outcome after the other.
    Standing(Rc<dyn Job>, Site),
    /// The same of a task.
    StandingTicket(usize),
    /// Nobody yet, and the outcome is there.
    Arrived,
}

/// Whom the loop has to wake, where it holds no borrow.
pub(crate) enum Wake {
    Waker(Waker),
    Ticket(usize),
}

/// Who waits for which operation, beside the driver's own table and under the same numbers.
#[derive(Default)]
pub(crate) struct Waiters(Vec<Option<(Key, Waiter)>>);

impl Waiters {
    fn seat_of(&mut self, key: Key) -> &mut Option<(Key, Waiter)> {
        if self.0.len() <= key.index() {
            self.0.resize_with(key.index() + 1, || None);
        }
        &mut self.0[key.index()]
    }

    /// Seats a waiter; the one before it, if any, comes back to be dropped without a borrow. If the
    /// outcome came first, the waiter is queued at once.
    #[must_use]
    fn wait(&mut self, key: Key, waiter: Waiter, ready: &mut ReadyQueue) -> Option<(Key, Waiter)> {
        let before = self.seat(key, waiter);
        if matches!(&before, Some((seated, Waiter::Arrived)) if *seated == key) {
            let wake = self.completed(key, ready);
            debug_assert!(wake.is_none(), "who polls has looked before");
        }
        before
    }

    /// Seats a waiter, where the outcome is known not to be there. Who sat there comes back.
    #[must_use]
    pub(crate) fn seat(&mut self, key: Key, waiter: Waiter) -> Option<(Key, Waiter)> {
        self.seat_of(key).replace((key, waiter))
    }

    /// Everybody, for the loop's end.
    pub(crate) fn keys(&self) -> Vec<Key> {
        self.0.iter().flatten().map(|(key, _)| *key).collect()
    }

    /// As [`seat`](Self::seat), for a task that keeps its seat, and mostly has it already.
    #[inline]
    pub(crate) fn keep_seat(&mut self, key: Key, ticket: usize) -> Option<(Key, Waiter)> {
        match self.0.get(key.index()) {
            Some(Some((seated, Waiter::StandingTicket(standing))))
                if *seated == key && *standing == ticket =>
            {
                None
            }
            _ => self.seat(key, Waiter::StandingTicket(ticket)),
        }
    }

    pub(crate) fn leave(&mut self, key: Key) -> Option<Waiter> {
        let seat = self.0.get_mut(key.index())?;
        seat.take_if(|(seated, _)| *seated == key).map(|(_, waiter)| waiter)
    }

    /// The operation is done: queues whoever waits by call-back, returns whom of those
    /// who poll to wake.
    pub(crate) fn completed(&mut self, key: Key, ready: &mut ReadyQueue) -> Option<Wake> {
        let seat = self.seat_of(key);
        match seat.as_ref() {
            Some((seated, _)) if *seated == key => {}
            None | Some((_, Waiter::Arrived)) => {
                *seat = Some((key, Waiter::Arrived));
                return None;
            }
            // A source was detached, the outcome taken at once, and the seat is another operation's
            // by now, which waits.
            Some(_) => return None,
        }
        match seat.as_ref()? {
            (_, Waiter::Call(..)) => {
                ready.push(|| Work::Completion(key));
                None
            }
            (_, Waiter::Standing(job, site)) => {
                let (job, site) = (Rc::clone(job), *site);
                ready.push(|| Work::Job(job, site));
                None
            }
            (_, Waiter::StandingTicket(ticket)) => Some(Wake::Ticket(*ticket)),
            _ => match seat.replace((key, Waiter::Arrived)) {
                Some((_, Waiter::Waker(waker))) => Some(Wake::Waker(waker)),
                Some((_, Waiter::Ticket(ticket))) => Some(Wake::Ticket(ticket)),
                Some((_, Waiter::Job(job, site))) => {
                    ready.push(|| Work::Job(job, site));
                    None
                }
                _ => None,
            },
        }
    }

    pub(crate) fn take_call(&mut self, key: Key) -> Option<(OutcomeCall, Site)> {
        match self.leave(key)? {
            Waiter::Call(call, site) => Some((call, site)),
            other => {
                *self.seat_of(key) = Some((key, other));
                None
            }
        }
    }
}

/// An operation that was submitted: done on the spot, or under way.
///
/// Await it, or give it a call-back with [`then`](Self::then), or look with
/// [`try_now`](Self::try_now) whether it is done already, which on a busy socket it often is.
/// Dropping it gives the operation up.
///
/// # Cancel safety
/// Dropped before it is ready, a receive, read or accept loses nothing: what it may have taken goes
/// to the source's next operation of its kind. What a send or write has already handed to the
/// kernel stays sent. A file's operation may still come to its end; a file that is opened so is
/// closed again.
#[must_use = "a dropped submission is cancelled"]
pub struct Submission(Stage);

enum Stage {
    Done(Completion, LoopHandle),
    Pending(PendingOperation),
    Taken,
}

impl Submission {
    #[inline]
    pub(crate) fn new(core: &Rc<Core>, operation: Operation) -> Self {
        let core = Rc::clone(core);
        if core.phase.get() == Phase::Closed {
            return Self(Stage::Done(refused(operation), LoopHandle { core }));
        }
        let submitted = core.driver.borrow_mut().submit(operation);
        Self(match submitted {
            Submitted::Done(completion) => Stage::Done(completion, LoopHandle { core }),
            Submitted::Pending(key) => Stage::Pending(PendingOperation { core, key: Some(key) }),
            Submitted::Blocking(key, call) => {
                have_made(&core, call);
                Stage::Pending(PendingOperation { core, key: Some(key) })
            }
        })
    }

    /// The outcome if there is one already, else the operation under way, which will wake the
    /// task: for a future that keeps the operation and polls it when it is woken.
    ///
    /// # Errors
    /// It is under way; nothing failed.
    #[inline]
    pub fn now_or_wake(self, context: &mut Context<'_>) -> Result<Completion, PendingOperation> {
        let now = self.try_now();
        if let Err(pending) = &now {
            pending.wake(context);
        }
        now
    }

    /// The outcome if there is one already, else the operation under way.
    ///
    /// # Errors
    /// It is under way; nothing failed.
    #[inline]
    pub fn try_now(self) -> Result<Completion, PendingOperation> {
        match self.0 {
            Stage::Done(completion, _) => Ok(completion),
            Stage::Pending(pending) => Err(pending),
            Stage::Taken => panic!("a submission was looked at after it was ready"),
        }
    }

    /// Runs `call` with the outcome, always in a later call-back, never within this call. The
    /// handle cancels; dropping the handle does not.
    ///
    /// # Panics
    /// If the loop is closed, and if the outcome was taken by polling.
    #[track_caller]
    pub fn then(self, call: impl FnOnce(Completion) + 'static) -> OperationHandle {
        match self.0 {
            Stage::Done(completion, handle) => {
                let queued = handle.call_soon(move || call(completion));
                OperationHandle(Waiting::Queued(queued))
            }
            Stage::Pending(pending) => pending.then(call),
            Stage::Taken => panic!("a submission was given a call-back after it was ready"),
        }
    }
}

#[cold]
pub(crate) fn refused(mut operation: Operation) -> Completion {
    let closed = io::Error::new(io::ErrorKind::NotConnected, "the event loop is closed");
    Err(OperationError::new(&mut operation, 0, closed))
}

/// Sends a call that blocks where such calls are made. No borrow is held: a pool is user code.
fn have_made(core: &Core, call: BlockingCall) {
    let executor = core.executor.borrow().clone();
    match executor {
        Some(execute) => execute(call.into()),
        None => {
            let why = "files need an executor here: LoopHandle::set_default_executor";
            call.refuse(io::Error::new(io::ErrorKind::Unsupported, why));
        }
    }
}

impl Future for Submission {
    type Output = Completion;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Completion> {
        match &mut self.0 {
            Stage::Pending(pending) => Pin::new(pending).poll(context),
            stage => match std::mem::replace(stage, Stage::Taken) {
                Stage::Done(completion, _) => Poll::Ready(completion),
                _ => panic!("a submission was polled after it was ready"),
            },
        }
    }
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage: &dyn fmt::Debug = match &self.0 {
            Stage::Done(completion, _) => completion,
            Stage::Pending(pending) => pending,
            Stage::Taken => &"taken",
        };
        f.debug_tuple("Submission").field(stage).finish()
    }
}

/// An operation under way. Dropping it gives the operation up.
#[must_use = "a dropped operation is cancelled"]
pub struct PendingOperation {
    core: Rc<Core>,
    /// None once the outcome was taken or the waiting handed on.
    key: Option<Key>,
}

impl PendingOperation {
    /// As [`Submission::then`].
    #[track_caller]
    pub fn then(mut self, call: impl FnOnce(Completion) + 'static) -> OperationHandle {
        self.core.demand_open("then");
        let key = self.key.take().expect("the outcome has not been taken");
        let site = Location::caller();
        self.seat(key, Waiter::Call(Box::new(call), site));
        OperationHandle(Waiting::Operation { core: Rc::downgrade(&self.core), key, site })
    }

    /// Queues `job` when the outcome is there; the job takes it from the driver by the key.
    pub(crate) fn then_job(mut self, job: Rc<dyn Job>, site: Site) -> Key {
        let key = self.key.take().expect("the outcome has not been taken");
        self.seat(key, Waiter::Job(job, site));
        key
    }

    /// Has the task woken when the outcome is there, which it is not yet.
    #[inline]
    fn wake(&self, context: &mut Context<'_>) {
        let Some(key) = self.key else { return };
        let waiter = match self.core.ticket(context) {
            Some(ticket) => Waiter::Ticket(ticket),
            None => Waiter::Waker(context.waker().clone()),
        };
        let before = self.core.waiters.borrow_mut().seat(key, waiter);
        drop(before);
    }

    fn seat(&self, key: Key, waiter: Waiter) {
        let mut ready = self.core.ready.borrow_mut();
        let before = self.core.waiters.borrow_mut().wait(key, waiter, &mut ready);
        drop(ready);
        drop(before);
    }
}

impl Future for PendingOperation {
    type Output = Completion;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Completion> {
        let key = self.key.expect("an operation is not polled after it was ready");
        let completion = self.core.driver.borrow_mut().take(key);
        if let Some(completion) = completion {
            self.key = None;
            let waiter = self.core.waiters.borrow_mut().leave(key);
            drop(waiter);
            return Poll::Ready(completion);
        }
        self.wake(context);
        Poll::Pending
    }
}

impl Drop for PendingOperation {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            give_up(&self.core, key);
        }
    }
}

impl fmt::Debug for PendingOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PendingOperation").field(&self.key).finish()
    }
}

/// Frees an operation and whoever waits for it. True if somebody still waited.
pub(crate) fn give_up(core: &Core, key: Key) -> bool {
    let waiter = core.waiters.borrow_mut().leave(key);
    core.driver.borrow_mut().cancel(key);
    waiter.is_some_and(|waiter| !matches!(waiter, Waiter::Arrived))
}

/// An operation whose outcome goes to a call-back. Dropping the handle does not cancel.
pub struct OperationHandle(Waiting);

enum Waiting {
    /// For the driver.
    Operation { core: Weak<Core>, key: Key, site: Site },
    /// For its turn: the outcome was there at once.
    Queued(Handle),
}

impl OperationHandle {
    /// Gives the operation up; its call-back is dropped and will not run. False if it is running
    /// or has run.
    pub fn cancel(&self) -> bool {
        match &self.0 {
            Waiting::Operation { core, key, .. } => {
                core.upgrade().is_some_and(|core| give_up(&core, *key))
            }
            Waiting::Queued(handle) => !handle.is_cancelled() && handle.cancel(),
        }
    }

    /// Where the call-back was given.
    pub fn site(&self) -> Site {
        match &self.0 {
            Waiting::Operation { site, .. } => site,
            Waiting::Queued(handle) => handle.site(),
        }
    }
}

impl fmt::Debug for OperationHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationHandle").field("site", &format_args!("{}", self.site())).finish()
    }
}
