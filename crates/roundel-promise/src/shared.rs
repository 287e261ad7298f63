//! The pair across threads, and its writing end.
//!
//! The middle of the pair sits behind one mutex, and its state is mirrored in one atomic beside it,
//! so that asking (`is_done`, and the guess at the start of a poll) costs a load. Why that is right:
//!
//! 1. *The mutex is the truth.* Every transition happens under it; whoever acts on an answer of the
//!    atomic takes the mutex and looks again. A stale answer costs a turn, never a wake-up.
//! 2. *The atomic is stored with `Release` before the mutex opens, and loaded with `Acquire`.* So
//!    whoever sees "done" without the lock also sees all the writer did before it set the value,
//!    just as if it had taken the lock. Programs rely on that: `if promised.is_done() { read the
//!    file the job wrote }`.
//! 3. *It only moves forward.* All stores are made under the mutex, hence in the order of the
//!    transitions; storing an unchanged state again changes nothing.
//! 4. *Whoever is alone needs neither.* Ends come from ends only, so whoever counts one owner has
//!    the pair to itself. `Arc::get_mut` has the last word on that, and orders what it sees after
//!    all that the others did before they left. A writer leaves before it wakes its reader, so the
//!    reader that waited takes its value without the lock.
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::error::{Broken, Cancelled, SetError};
use crate::middle::Middle;
use crate::pair::Pair;
use crate::promised::Promised;
use crate::state::State;
use crate::sync::{Arc, AtomicU8, Mutex, Ordering, ThreadId, current, lock, lock_alone};

/// A call-back that may be run by any thread.
pub(crate) type Callback<T> = Box<dyn FnOnce(Result<&T, Broken>) + Send>;

/// What each end holds.
pub(crate) type SharedPair<T> = Arc<Shared<T>>;

pub(crate) struct Shared<T> {
    state: AtomicU8,
    middle: Mutex<Middle<T, Callback<T>>>,
}

impl<T> Default for Shared<T> {
    #[inline]
    fn default() -> Self {
        let middle = Middle::default();
        Shared { state: AtomicU8::new(middle.state() as u8), middle: Mutex::new(middle) }
    }
}

/// Steps are put where they are taken: else what they capture, and a value they move, would go
/// through memory.
impl<T> Pair for SharedPair<T> {
    type Value = T;
    type Callback = Callback<T>;

    #[inline(always)]
    fn with<R>(&self, step: impl FnOnce(&mut Middle<T, Callback<T>>) -> R) -> R {
        let mut middle = lock(&self.middle);
        let result = step(&mut middle);
        self.state.store(middle.state() as u8, Ordering::Release);
        result
    }

    #[inline(always)]
    fn with_mut<R>(&mut self, step: impl FnOnce(&mut Middle<T, Callback<T>>) -> R) -> R {
        // Counting first costs a load; trying in vain would cost more.
        if self.is_alone()
            && let Some(alone) = Arc::get_mut(self)
        {
            return step(lock_alone(&mut alone.middle));
        }
        with_others(self, step)
    }

    #[inline]
    fn state(&self) -> State {
        State::from_u8(self.state.load(Ordering::Acquire))
    }

    #[inline]
    fn is_alone(&self) -> bool {
        Arc::strong_count(self) == 1
    }

    fn borrower() -> Option<ThreadId> {
        Some(current().id())
    }
}

/// Out of line, because a reader mostly finds itself alone.
#[cold]
fn with_others<T, R>(
    pair: &SharedPair<T>,
    step: impl FnOnce(&mut Middle<T, Callback<T>>) -> R,
) -> R {
    pair.with(step)
}

/// Makes a promise: the end that sets the value, and the end that gets it.
///
/// One allocation, in which both ends can wait. The two may part ways to different threads if `T`
/// is [`Send`]; [`local::promise`](crate::local::promise) is the cheaper pair for one thread.
///
/// ```
/// let (promise, promised) = roundel_promise::promise();
/// std::thread::spawn(move || promise.set(6 * 7));
/// assert_eq!(promised.result(), Ok(42));
/// ```
#[doc(alias = "Future")]
#[doc(alias = "oneshot")]
#[inline]
pub fn promise<T>() -> (Promise<T>, Promised<T>) {
    // Made in place; `Arc::new` would copy it there.
    let pair = SharedPair::default();
    (Promise { pair: Some(Arc::clone(&pair)) }, Promised::first(pair))
}

/// The writing end: whoever holds it owes a value.
///
/// Setting the value consumes it, so a second value cannot be set:
///
/// ```compile_fail,E0382
/// let (promise, _promised) = roundel_promise::promise();
/// let _ = promise.set(1);
/// let _ = promise.set(2);
/// ```
///
/// Dropping it unset breaks the promise: readers get [`Broken::Abandoned`] instead of waiting for
/// ever.
///
/// ```
/// use roundel_promise::{Broken, promise};
///
/// let (promise, promised) = promise::<String>();
/// std::thread::spawn(move || {
///     let _owed = promise;
///     // … and the work fails here.
/// });
/// assert_eq!(promised.result(), Err(Broken::Abandoned));
/// ```
#[doc(alias = "Future")]
pub struct Promise<T> {
    /// Empty only once the value is set.
    pair: Option<SharedPair<T>>,
}

impl<T> Promise<T> {
    fn pair(&self) -> &SharedPair<T> {
        self.pair.as_ref().expect("a promise has its pair until its value is set")
    }

    /// Keeps the promise: sets the value, wakes who waits, and runs the call-backs in this thread.
    ///
    /// Legal whether or not the work was [started](Promise::start). To hand over failures, let `T`
    /// be a [`Result`].
    ///
    /// # Errors
    ///
    /// [`SetError`] brings the value back if the promise was cancelled.
    ///
    /// ```
    /// let (promise, promised) = roundel_promise::promise::<Result<u16, std::num::ParseIntError>>();
    /// promise.set("8080".parse())?;
    /// assert_eq!(promised.result(), Ok(Ok(8080)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// [`Cancelled`] if it was cancelled before: do not begin. Those who
    /// [`wait`](crate::wait) for the promise are told now, because now the writer knows.
    ///
    /// # Panics
    ///
    /// If the work was started before.
    ///
    /// ```
    /// use roundel_promise::promise;
    ///
    /// let (mut wanted, promised) = promise::<u32>();
    /// wanted.start()?;
    /// assert!(!promised.cancel(), "too late");
    ///
    /// let (mut unwanted, promised) = promise::<u32>();
    /// promised.cancel();
    /// assert!(unwanted.start().is_err());
    /// # Ok::<(), roundel_promise::Cancelled>(())
    /// ```
    #[doc(alias = "set_running_or_notify_cancel")]
    #[track_caller]
    pub fn start(&mut self) -> Result<(), Cancelled> {
        self.pair().start()
    }

    /// Whether a reader has cancelled. Asking is not [being notified](Promise::start).
    #[doc(alias = "cancelled")]
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.pair().state().is_cancelled()
    }

    /// Is ready once a reader has cancelled; until then, a cancel wakes the waker of the last call.
    ///
    /// Hearing of a cancel is not [being notified](Promise::start) of it: the promise settles when
    /// the writer has put its work away and calls [`start`](Promise::start) or [`set`](Promise::set)
    /// or is dropped. Dropping a reading end cancels nothing, so when they are all gone, or the work
    /// has [started](Promise::start), this stays pending. It allocates nothing.
    #[inline]
    pub fn poll_cancelled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.pair().poll_cancelled(cx)
    }

    /// Waits until a reader has cancelled.
    ///
    /// To be awaited beside the work, which is dropped when this is ready first. What is said of
    /// [`poll_cancelled`](Promise::poll_cancelled) holds here too.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when this is dropped: a cancel is not forgotten. Call it again.
    ///
    /// ```
    /// use futures::executor::block_on;
    ///
    /// let (mut promise, promised) = roundel_promise::promise::<u32>();
    /// std::thread::spawn(move || promised.cancel());
    /// block_on(promise.cancelled());
    /// assert!(promise.set(1).is_err());
    /// ```
    #[doc(alias = "closed")]
    #[doc(alias = "add_done_callback")]
    pub async fn cancelled(&mut self) {
        poll_fn(|cx| self.poll_cancelled(cx)).await;
    }
}

impl<T> Drop for Promise<T> {
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
