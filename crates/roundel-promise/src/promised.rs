//! The reading end of the pair across threads: awaited, blocked on, called back, cancelled.
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::claim::Claim;
use crate::error::{Broken, ResultTimeoutError};
use crate::inspection::Inspection;
use crate::leftover::Look;
use crate::pair::{Loan, Pair};
use crate::shared::SharedPair;
use crate::state::State;
use crate::sync::{Arc, Thread, current, park, park_timeout};
use crate::waiters::Until;

/// The reading end: whoever holds it has a claim to the value.
///
/// It is a [`Future`] for any executor, and [`result`](Promised::result) blocks a thread until the
/// value is there. Either way the value is handed over. If it can be cloned, so can the claim, and
/// each claim is honoured with a clone of its own (the last one with the value itself); wrap what
/// cannot be cloned in an [`Arc`](std::sync::Arc).
///
/// Dropping it gives up the claim. It does not cancel: that is [`cancel`](Promised::cancel).
///
/// ```
/// use futures::executor::block_on;
/// use roundel_promise::promise;
///
/// let (promise, promised) = promise();
/// let other = promised.clone();
/// promise.set("one value")?;
/// assert_eq!(block_on(promised), Ok("one value"));
/// assert_eq!(other.result(), Ok("one value"));
/// # Ok::<(), roundel_promise::SetError<&str>>(())
/// ```
///
/// # Cancel safety
///
/// Awaiting `&mut promised` loses nothing when it is dropped: await again. Dropping a future that
/// owns the `Promised` gives up that claim; other claims, call-backs and the writer do not notice.
#[doc(alias = "Future")]
#[must_use = "a promised value that nobody reads is lost"]
pub struct Promised<T> {
    claim: Claim<SharedPair<T>>,
}

impl<T> Promised<T> {
    /// The reading end that a pair is born with.
    #[inline]
    pub(crate) fn first(pair: SharedPair<T>) -> Self {
        Promised { claim: Claim::first(pair) }
    }

    /// Where the promise is in its life.
    #[must_use]
    pub fn state(&self) -> State {
        self.claim.pair().state()
    }

    /// Whether the outcome is decided: set, cancelled or abandoned.
    ///
    /// If so, all that the writer did before is visible here.
    #[doc(alias = "done")]
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state().is_done()
    }

    /// Whether the writer has [started](crate::Promise::start) and not ended.
    #[doc(alias = "running")]
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state().is_running()
    }

    /// Whether a reader has cancelled in time.
    #[doc(alias = "cancelled")]
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state().is_cancelled()
    }

    /// Cancels, unless the work has started; says whether the promise is cancelled now.
    ///
    /// The first call that succeeds wakes the readers and runs the call-backs, in this thread. It
    /// never blocks, and it stops no work: the writer learns of it when it wants to start.
    ///
    /// ```
    /// use roundel_promise::{Broken, promise};
    ///
    /// let (_promise, promised) = promise::<u32>();
    /// assert!(promised.cancel());
    /// assert!(promised.cancel(), "cancelled already");
    /// assert_eq!(promised.result(), Err(Broken::Cancelled));
    /// ```
    pub fn cancel(&self) -> bool {
        self.claim.pair().cancel()
    }

    /// Blocks this thread until the value is there, and takes it.
    ///
    /// # Errors
    ///
    /// [`Broken`] says why there will never be a value. If `T` is itself a [`Result`], its errors
    /// are values here: an error is handed over, whatever it is.
    ///
    /// # Panics
    ///
    /// If this claim was honoured before; and if it is called from a call-back of this very promise
    /// that was given the value, for it would wait for itself.
    #[track_caller]
    pub fn result(mut self) -> Result<T, Broken> {
        self.block(None).expect("without a deadline it ends with an outcome")
    }

    /// Blocks like [`result`](Promised::result), but for `limit` at most. Zero does not block.
    ///
    /// # Errors
    ///
    /// [`ResultTimeoutError::TimedOut`] if nothing is decided in time, which changes nothing;
    /// otherwise why there will never be a value.
    ///
    /// # Panics
    ///
    /// Like [`result`](Promised::result).
    ///
    /// ```
    /// use std::time::Duration;
    /// use roundel_promise::{ResultTimeoutError, promise};
    ///
    /// let (promise, mut promised) = promise();
    /// assert_eq!(promised.result_timeout(Duration::ZERO), Err(ResultTimeoutError::TimedOut));
    /// promise.set(5)?;
    /// assert_eq!(promised.result_timeout(Duration::ZERO), Ok(5));
    /// # Ok::<(), roundel_promise::SetError<u32>>(())
    /// ```
    #[doc(alias = "result")]
    #[track_caller]
    pub fn result_timeout(&mut self, limit: Duration) -> Result<T, ResultTimeoutError> {
        // A deadline that cannot be expressed will not be lived to see.
        let outcome = match Instant::now().checked_add(limit) {
            Some(deadline) => self.block(Some(deadline)),
            None => self.block(None),
        };
        outcome.ok_or(ResultTimeoutError::TimedOut)?.map_err(ResultTimeoutError::from)
    }

    /// Has `callback` run once the outcome is decided, with the value lent to it.
    ///
    /// Call-backs run in the order they were added, in the thread that decides the outcome (sets,
    /// abandons or cancels), after the new state is visible and without a lock. If the outcome is
    /// decided already, `callback` runs at once, in this thread. It is kept in the list that
    /// [`inspect`](Promised::inspect) shows, under its type's name.
    ///
    /// While the value is lent, readers wait for it and `is_done` says true; a call-back that is
    /// added meanwhile is run by the borrower next. So a call-back should not block.
    ///
    /// A panic in a call-back ends that call-back only. It is reported by the panic hook
    /// ([`std::panic::set_hook`]) like any other, and goes no further.
    ///
    /// # Panics
    ///
    /// If this claim was honoured before.
    ///
    /// ```
    /// let (promise, promised) = roundel_promise::promise();
    /// let (sender, lengths) = std::sync::mpsc::channel();
    /// promised.on_done(move |outcome| {
    ///     sender.send(outcome.map(|text: &String| text.len())).expect("somebody listens");
    /// });
    /// promise.set(String::from("HELLO"))?;
    /// assert_eq!(lengths.recv()?, Ok(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "add_done_callback")]
    #[track_caller]
    pub fn on_done<F>(&self, callback: F)
    where
        F: FnOnce(Result<&T, Broken>) + Send + 'static,
    {
        self.claim.assert_unspent();
        self.claim.pair().on_done(std::any::type_name::<F>(), Box::new(callback));
    }

    /// Looks at the outcome without taking it.
    ///
    /// None if nothing is decided yet, if somebody else is looking at this moment, or if the value
    /// was handed over.
    ///
    /// ```
    /// let (promise, promised) = roundel_promise::promise();
    /// assert_eq!(promised.peek(|_| ()), None);
    /// promise.set(vec![1, 2, 3])?;
    /// assert_eq!(promised.peek(|outcome| outcome.map(Vec::len)), Some(Ok(3)));
    /// # Ok::<(), roundel_promise::SetError<Vec<i32>>>(())
    /// ```
    #[doc(alias = "exception")]
    pub fn peek<R>(&self, look: impl FnOnce(Result<&T, Broken>) -> R) -> Option<R> {
        self.claim.pair().peek(look)
    }

    /// What can be seen from outside.
    #[must_use]
    pub fn inspect(&self) -> Inspection
    where
        T: fmt::Debug,
    {
        self.claim.pair().inspect()
    }

    #[track_caller]
    fn block(&mut self, deadline: Option<Instant>) -> Option<Result<T, Broken>> {
        self.claim.assert_unspent();
        // What is there already needs no waker of ours, which would cost an allocation.
        if self.is_done()
            && let Poll::Ready(outcome) = self.poll_with(Waker::noop())
        {
            return Some(outcome);
        }
        let waker = Waker::from(StdArc::new(Unpark(current())));
        loop {
            if let Poll::Ready(outcome) = self.poll_with(&waker) {
                return Some(outcome);
            }
            self.assert_not_lent_here();
            match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => park(),
                Some(Duration::ZERO) => break,
                Some(left) => park_timeout(left),
            }
        }
        self.unwatch();
        None
    }

    /// What this thread has borrowed will not come back while this thread sleeps.
    #[track_caller]
    pub(crate) fn assert_not_lent_here(&self) {
        let lent_here =
            self.is_done() && self.claim.pair().with(|middle| middle.is_lent_to(current().id()));
        assert!(!lent_here, "a call-back waits for the very promise whose value it was given");
    }

    fn poll_with(&mut self, waker: &Waker) -> Poll<Result<T, Broken>> {
        self.claim.poll(&Context::from_waker(waker))
    }

    // ----- for `wait` and `as_completed`

    /// Tells reading ends of one promise from those of another.
    pub(crate) fn identity(&self) -> *const () {
        Arc::as_ptr(self.claim.pair()).cast()
    }

    pub(crate) fn look(&self) -> Look<Loan<'_, SharedPair<T>>> {
        self.claim.pair().look()
    }

    /// Has `waker` woken at `until`; false if there is nothing to wait for.
    pub(crate) fn watch(&self, until: Until, waker: &Waker) -> bool {
        self.claim.pair().wait(self.claim.key(), until, waker)
    }

    pub(crate) fn unwatch(&self) {
        // The waker is dropped with the lock open.
        let _waker = self.claim.pair().with(|middle| middle.unwait(self.claim.key()));
    }
}

impl<T> Future for Promised<T> {
    type Output = Result<T, Broken>;

    /// # Panics
    ///
    /// If the value was handed over before.
    #[track_caller]
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.claim.poll(cx)
    }
}

impl<T: Clone> Clone for Promised<T> {
    /// Makes another claim to the value. The clone of a claim that was honoured is spent too.
    fn clone(&self) -> Self {
        Promised { claim: self.claim.clone() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Promised<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inspect().fmt_as("Promised", f)
    }
}

/// Wakes a thread that sleeps in `block`.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: StdArc<Self>) {
        self.0.unpark();
    }
}
