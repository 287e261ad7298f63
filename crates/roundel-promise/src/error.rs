//! Why there is no value: one small type for each question that can fail.
//!
//! "The time is up" appears only where a time was given, and a value that could not be delivered
//! comes back.
use std::fmt;

use thiserror::Error;

/// The promise was cancelled before its writer began.
///
/// From [`Promise::start`](crate::Promise::start). It is an ordinary error, unrelated to the
/// cancellation of a task.
#[doc(alias = "CancelledError")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("starting work on a promise: it was cancelled")]
pub struct Cancelled;

/// How a promise ends without a value.
///
/// ```
/// use roundel_promise::{Broken, promise};
///
/// let (promise, promised) = promise::<u32>();
/// drop(promise);
/// assert_eq!(promised.result(), Err(Broken::Abandoned));
/// ```
#[doc(alias = "CancelledError")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Broken {
    /// A reader cancelled it before the writer began.
    #[error("awaiting a promise: it was cancelled")]
    Cancelled,
    /// The writer was dropped without setting a value.
    #[error("awaiting a promise: its writer was dropped without setting a value")]
    Abandoned,
}

/// Why [`Promised::result_timeout`](crate::Promised::result_timeout) has no value to give.
#[doc(alias = "TimeoutError")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ResultTimeoutError {
    /// A reader cancelled it before the writer began.
    #[error("awaiting a promise: it was cancelled")]
    Cancelled,
    /// The writer was dropped without setting a value.
    #[error("awaiting a promise: its writer was dropped without setting a value")]
    Abandoned,
    /// Nothing was decided in time. The promise is as it was; ask again.
    #[error("awaiting a promise: the time is up")]
    TimedOut,
}

impl From<Broken> for ResultTimeoutError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Cancelled => ResultTimeoutError::Cancelled,
            Broken::Abandoned => ResultTimeoutError::Abandoned,
        }
    }
}

/// The promise was cancelled, so nobody will take the value; here it is back.
///
/// From [`Promise::set`](crate::Promise::set).
///
/// ```
/// let (promise, promised) = roundel_promise::promise();
/// promised.cancel();
/// let refused = promise.set("unwanted").unwrap_err();
/// assert_eq!(refused.into_value(), "unwanted");
/// ```
#[doc(alias = "InvalidStateError")]
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error("setting the value of a promise: it was cancelled")]
pub struct SetError<T>(pub(crate) T);

impl<T> SetError<T> {
    /// The value that was not delivered.
    #[must_use]
    pub fn into_value(self) -> T {
        self.0
    }
}

// By hand, so that any value can be unwrapped past: the value says nothing about the failure.
impl<T> fmt::Debug for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetError").finish_non_exhaustive()
    }
}

/// The time of [`as_completed`](crate::as_completed) is up.
#[doc(alias = "TimeoutError")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("awaiting promises: the time is up with {unfinished} of {total} unfinished")]
#[non_exhaustive]
pub struct TimedOut {
    /// How many promises had not been yielded.
    pub unfinished: usize,
    /// How many promises there were, duplicates not counted.
    pub total: usize,
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    // Each type is an ordinary error of this crate; running out of time is a kind of its own,
    // and "cancelled" here is not the cancellation of a task, which lives two layers up.
    // spec: CFF-16
    #[test]
    fn errors_are_ordinary_and_say_what_failed() {
        fn check(error: impl Error, text: &str) {
            assert_eq!(error.to_string(), text);
        }
        check(Cancelled, "starting work on a promise: it was cancelled");
        check(Broken::Cancelled, "awaiting a promise: it was cancelled");
        check(
            Broken::Abandoned,
            "awaiting a promise: its writer was dropped without setting a value",
        );
        check(ResultTimeoutError::TimedOut, "awaiting a promise: the time is up");
        check(SetError(1), "setting the value of a promise: it was cancelled");
    }

    // spec: CFW-10
    #[test]
    fn time_out_counts_the_unfinished() {
        let error = TimedOut { unfinished: 2, total: 3 };
        assert_eq!(error.to_string(), "awaiting promises: the time is up with 2 of 3 unfinished");
    }

    #[test]
    fn broken_is_the_same_with_a_time_limit() {
        assert_eq!(ResultTimeoutError::from(Broken::Cancelled), ResultTimeoutError::Cancelled);
        assert_eq!(ResultTimeoutError::from(Broken::Abandoned), ResultTimeoutError::Abandoned);
    }
}
