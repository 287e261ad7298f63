//! `LoopClosed`, `RunError`, `NoExecutor`: what a loop refuses, and why.

use std::fmt;

use roundel_driver::DriverError;

/// The loop is closed; the call-back comes back.
pub struct LoopClosed<F>(pub F);

impl<F> fmt::Debug for LoopClosed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoopClosed(..)")
    }
}

impl<F> fmt::Display for LoopClosed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scheduling a call-back: the event loop is closed")
    }
}

impl<F> std::error::Error for LoopClosed<F> {}

/// A loop could not run, or ended without the result that it ran for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The loop was closed before.
    #[error("running the event loop: it is closed")]
    Closed,
    /// Another loop runs in this thread; it goes on undisturbed.
    #[error("running the event loop: another one is running in this thread")]
    Nested,
    /// `stop` was called before the awaited future was done; the future has been dropped.
    #[error("running until complete: the event loop was stopped before the future was done")]
    Stopped,
    /// The driver could not wait.
    #[error("waiting for events")]
    Driver(#[from] DriverError),
}

/// `run_in_executor` without an executor.
pub struct NoExecutor<F>(pub F);

impl<F> fmt::Debug for NoExecutor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoExecutor(..)")
    }
}

impl<F> fmt::Display for NoExecutor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("running in the executor: the event loop has none; see set_default_executor")
    }
}

impl<F> std::error::Error for NoExecutor<F> {}
