//! `timeout`: a future with a deadline, as a scope.

use std::{
    cell::Cell,
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use roundel_loop::{Deadline, LoopHandle};

use crate::{clean_up::drop_and_collect, sleep_until};

/// The deadline passed before the future was ready. The future has been dropped and its clean-up
/// awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed before the future was ready")]
#[doc(alias = "TimeoutError")]
pub struct Elapsed;

/// Gives a future `limit` from now, the time of the call. A value that is ready in the same turn
/// wins over the deadline. At the deadline the future is dropped, its clean-up is awaited, and only
/// then is the answer [`Elapsed`]: the whole may take longer by that.
///
/// ```
/// use std::time::Duration;
/// use roundel_executor::{Elapsed, sleep, spawn_on, timeout};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let slow = timeout(Duration::from_millis(1), sleep(Duration::from_secs(3600))).await;
///     assert_eq!(slow, Err(Elapsed));
///     timeout(Duration::from_secs(3600), async { "quick" }).await
/// });
/// assert_eq!(event_loop.run_until_complete(task)??, Ok("quick"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If no loop runs in this thread.
///
/// # Cancel safety
/// Dropping it drops the future; what the future loses then is its own affair.
#[doc(alias = "wait_for")]
#[track_caller]
pub fn timeout<F: Future>(
    limit: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    timeout_at(Deadline::after(LoopHandle::current().now(), limit), future)
}

/// Gives a future until a time by the loop's clock; else as [`timeout`].
///
/// # Panics
/// If no loop runs in this thread.
///
/// # Cancel safety
/// As [`timeout`].
#[track_caller]
pub fn timeout_at<F: Future>(
    deadline: impl Into<Deadline>,
    future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    timeout_scope(deadline, async move |_| future.await)
}

/// A deadline that its own body can see and move.
#[doc(alias = "Timeout")]
pub struct TimeoutScope {
    deadline: Cell<Deadline>,
    /// The timer does not know the deadline yet.
    moved: Cell<bool>,
    expired: Cell<bool>,
}

impl TimeoutScope {
    /// The deadline.
    pub fn when(&self) -> Deadline {
        self.deadline.get()
    }

    /// Moves the deadline; [`Deadline::NEVER`] takes it away. False if it has passed already.
    pub fn reschedule(&self, deadline: impl Into<Deadline>) -> bool {
        if self.expired.get() {
            return false;
        }
        self.deadline.set(deadline.into());
        // Only the body can reach the scope, and when it has been polled the scope looks.
        self.moved.set(true);
        true
    }

    /// Whether the deadline has passed; true for what the body leaves to clean up.
    pub fn expired(&self) -> bool {
        self.expired.get()
    }
}

impl fmt::Debug for TimeoutScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutScope")
            .field("when", &self.when())
            .field("expired", &self.expired())
            .finish()
    }
}

/// Runs `body` with a deadline that the body can see and move; else as [`timeout`].
///
/// # Panics
/// If no loop runs in this thread.
///
/// # Cancel safety
/// As [`timeout`].
#[track_caller]
pub fn timeout_scope<T>(
    deadline: impl Into<Deadline>,
    body: impl AsyncFnOnce(&TimeoutScope) -> T,
) -> impl Future<Output = Result<T, Elapsed>> {
    let deadline = deadline.into();
    let mut timer = sleep_until(deadline);
    async move {
        let scope = TimeoutScope {
            deadline: Cell::new(deadline),
            moved: Cell::new(true),
            expired: Cell::new(false),
        };
        let mut running = pin!(Some(body(&scope)));
        let value = poll_fn(|context| {
            // The body goes first: a value wins over a deadline of the same turn.
            if let Some(future) = running.as_mut().as_pin_mut()
                && let Poll::Ready(value) = future.poll(context)
            {
                return Poll::Ready(Some(value));
            }
            if scope.moved.take() {
                timer.reset(scope.deadline.get());
                // A body that has to wait has missed a deadline in the past already.
                if timer.has_passed() {
                    return Poll::Ready(None);
                }
            }
            // Without a note: what the task waits for is the body's to say.
            if timer.is_over(context) { Poll::Ready(None) } else { Poll::Pending }
        })
        .await;
        match value {
            Some(value) => Ok(value),
            None => {
                scope.expired.set(true);
                drop_and_collect(|| running.set(None)).await;
                Err(Elapsed)
            }
        }
    }
}
