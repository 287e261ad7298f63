//! The pair on one thread: the same verbs in a `RefCell`, without atomics and without blocking.
//!
//! Use it where both ends live on one loop. What is said of [`crate::Promise`] and
//! [`crate::Promised`] holds here too; the ends just cannot leave their thread:
//!
//! ```compile_fail,E0277
//! let (promise, _promised) = roundel_promise::local::promise::<u32>();
//! std::thread::spawn(move || promise.set(1));
//! ```
use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::claim::Claim;
use crate::error::{Broken, Cancelled, SetError};
use crate::inspection::Inspection;
use crate::middle::Middle;
use crate::pair::Pair;
use crate::state::State;
use crate::sync::ThreadId;

type Callback<T> = Box<dyn FnOnce(Result<&T, Broken>)>;

type LocalPair<T> = Rc<RefCell<Middle<T, Callback<T>>>>;

impl<T> Pair for LocalPair<T> {
    type Value = T;
    type Callback = Callback<T>;

    #[inline]
    fn with<R>(&self, step: impl FnOnce(&mut Middle<T, Callback<T>>) -> R) -> R {
        step(&mut self.borrow_mut())
    }

    #[inline]
    fn state(&self) -> State {
        self.borrow().state()
    }

    #[inline]
    fn is_alone(&self) -> bool {
        Rc::strong_count(self) == 1
    }

    fn borrower() -> Option<ThreadId> {
        None
    }
}

/// Makes a promise that stays on this thread. One allocation, in which both ends can
/// wait; no atomics.
///
/// ```
/// use futures::{executor::block_on, future::join};
/// use roundel_promise::local;
///
/// let (promise, promised) = local::promise();
/// let write = async { promise.set("hello").is_ok() };
/// assert_eq!(block_on(join(promised, write)), (Ok("hello"), true));
/// ```
#[doc(alias = "create_future")]
#[inline]
pub fn promise<T>() -> (Promise<T>, Promised<T>) {
    // Made in place; `Rc::new` would copy it there.
    let pair = LocalPair::default();
    let promised = Promised { claim: Claim::first(Rc::clone(&pair)) };
    (Promise { pair: Some(pair) }, promised)
}

/// The writing end, on one thread. See [`crate::Promise`].
#[doc(alias = "Future")]
pub struct Promise<T> {
    /// Empty only once the value is set.
    pair: Option<LocalPair<T>>,
}

impl<T> Promise<T> {
    fn pair(&self) -> &LocalPair<T> {
        self.pair.as_ref().expect("a promise has its pair until its value is set")
    }

    /// Keeps the promise: sets the value, wakes who waits, and runs the call-backs.
    ///
    /// # Errors
    ///
    /// [`SetError`] brings the value back if the promise was cancelled.
    #[doc(alias = "set_result")]
    #[doc(alias = "set_exception")]
    #[inline]
    pub fn set(mut self, value: T) -> Result<(), SetError<T>> {
        let pair = self.pair.take().expect("a promise has its pair until its value is set");
        pair.set(value)
    }

    /// Says that the work begins. From here on the promise cannot be cancelled.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] if it was cancelled before: do not begin.
    ///
    /// # Panics
    ///
    /// If the work was started before.
    #[doc(alias = "set_running_or_notify_cancel")]
    #[track_caller]
    pub fn start(&mut self) -> Result<(), Cancelled> {
        self.pair().start()
    }

    /// Whether a reader has cancelled.
    #[doc(alias = "cancelled")]
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.pair().state().is_cancelled()
    }

    /// Is ready once a reader has cancelled. See [`crate::Promise::poll_cancelled`].
    #[inline]
    pub fn poll_cancelled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.pair().poll_cancelled(cx)
    }

    /// Waits until a reader has cancelled. See [`crate::Promise::cancelled`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when this is dropped: a cancel is not forgotten. Call it again.
    ///
    /// ```
    /// use futures::{executor::block_on, future::join};
    /// use roundel_promise::local;
    ///
    /// let (mut promise, promised) = local::promise::<u32>();
    /// let cancel = async { promised.cancel() };
    /// assert_eq!(block_on(join(promise.cancelled(), cancel)), ((), true));
    /// ```
    #[doc(alias = "closed")]
    #[doc(alias = "add_done_callback")]
    pub async fn cancelled(&mut self) {
        poll_fn(|cx| self.poll_cancelled(cx)).await;
    }
}

impl<T> Drop for Promise<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(pair) = self.pair.take() {
            pair.abandon();
        }
    }
}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promise")
            .field("state", &format_args!("{}", self.pair().state()))
            .finish_non_exhaustive()
    }
}

/// The reading end, on one thread. See [`crate::Promised`].
///
/// # Cancel safety
///
/// Awaiting `&mut promised` loses nothing when it is dropped: await again. Dropping a future that
/// owns the `Promised` gives up that claim; other claims, call-backs and the writer do not notice.
#[doc(alias = "Future")]
#[must_use = "a promised value that nobody reads is lost"]
pub struct Promised<T> {
    claim: Claim<LocalPair<T>>,
}

impl<T> Promised<T> {
    /// Where the promise is in its life.
    #[must_use]
    pub fn state(&self) -> State {
        self.claim.pair().state()
    }

    /// Whether the outcome is decided: set, cancelled or abandoned.
    #[doc(alias = "done")]
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state().is_done()
    }

    /// Whether the writer has [started](Promise::start) and not ended.
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
    pub fn cancel(&self) -> bool {
        self.claim.pair().cancel()
    }

    /// Has `callback` run once the outcome is decided, with the value lent to it. If the outcome is
    /// decided already, it runs at once.
    ///
    /// # Panics
    ///
    /// If this claim was honoured before. A panic in a call-back is reported by the panic hook and
    /// goes no further.
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// let seen = Rc::new(Cell::new(0));
    /// let (promise, promised) = roundel_promise::local::promise();
    /// promised.on_done({
    ///     let seen = Rc::clone(&seen);
    ///     move |outcome| seen.set(*outcome.expect("it is set below"))
    /// });
    /// promise.set(5)?;
    /// assert_eq!(seen.get(), 5);
    /// # Ok::<(), roundel_promise::SetError<i32>>(())
    /// ```
    #[doc(alias = "add_done_callback")]
    #[track_caller]
    pub fn on_done<F>(&self, callback: F)
    where
        F: FnOnce(Result<&T, Broken>) + 'static,
    {
        self.claim.assert_unspent();
        self.claim.pair().on_done(std::any::type_name::<F>(), Box::new(callback));
    }

    /// Looks at the outcome without taking it.
    ///
    /// None if nothing is decided yet, if somebody else is looking at this moment, or if the value
    /// was handed over.
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
