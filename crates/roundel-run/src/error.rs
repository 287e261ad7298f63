//! `RunError`, `BackendError`, `LoopGroupError`: why there is no result.

use std::{any::Any, error::Error, fmt, io};

use roundel_selector::SelectorError;

use crate::Backend;

/// A run did not begin, or ended without a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Ctrl-C was pressed: the main task was cancelled and has cleaned up.
    #[error("running: interrupted by Ctrl-C")]
    #[doc(alias = "KeyboardInterrupt")]
    Interrupted,
    /// The program cancelled its main task.
    #[error("running: the main task was cancelled")]
    Cancelled,
    /// The loop was stopped. The main task goes on in the runner's next run.
    #[error("running: the loop was stopped before the main task had ended")]
    Stopped,
    /// A loop runs in this thread already; it goes on undisturbed.
    #[error("running: a loop runs in this thread already")]
    Nested,
    /// The runner was closed before.
    #[error("running: the runner is closed")]
    Closed,
    /// The backend cannot be had.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The loop failed.
    #[error("running the main task")]
    Loop(#[source] roundel_loop::RunError),
}

impl From<roundel_loop::RunError> for RunError {
    fn from(error: roundel_loop::RunError) -> Self {
        match error {
            roundel_loop::RunError::Closed => Self::Closed,
            roundel_loop::RunError::Nested => Self::Nested,
            roundel_loop::RunError::Stopped => Self::Stopped,
            error => Self::Loop(error),
        }
    }
}

/// A backend cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// There is no such selector here, or the kernel refuses it.
    #[error("choosing the backend {backend}")]
    Refused {
        /// Which was chosen.
        backend: Backend,
        /// Why it is refused.
        source: SelectorError,
    },
    /// It is not to be had on this machine.
    #[error("choosing the backend {backend}")]
    Unavailable {
        /// Which was chosen.
        backend: Backend,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// A group of loops has no results.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoopGroupError {
    /// Ctrl-C was pressed: every program was cancelled and has cleaned up.
    #[error("running a group of loops: interrupted by Ctrl-C")]
    Interrupted,
    /// Programs failed, these by themselves; the others were cancelled for it.
    #[error("running a group of loops: {}", Listed(.0))]
    Failed(Vec<LoopFailure>),
    /// A loop runs in this thread, and would be held up.
    #[error("running a group of loops: a loop runs in this thread already")]
    Nested,
    /// A loop could not be made; no program has begun.
    #[error("making loop {index} of a group")]
    Build {
        /// Which.
        index: usize,
        /// Why not.
        source: RunError,
    },
    /// The thread of a loop could not be started; no program has begun.
    #[error("starting the thread of loop {index} of a group")]
    Thread {
        /// Of which loop.
        index: usize,
        /// What the system said.
        source: io::Error,
    },
}

/// How the program on one loop of a group failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoopFailure {
    /// The number of the loop.
    pub index: usize,
    /// What happened.
    pub failure: ProgramFailure,
}

/// What happened to a program.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProgramFailure {
    /// It panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
    /// Its run failed.
    Run(RunError),
}

impl fmt::Display for LoopFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loop {}: ", self.index)?;
        match &self.failure {
            ProgramFailure::Run(error) => write!(f, "{error}"),
            ProgramFailure::Panicked(payload) => match panic_text(&**payload) {
                Some(text) => write!(f, "panicked: {text}"),
                None => f.write_str("panicked"),
            },
        }
    }
}

fn panic_text(payload: &dyn Any) -> Option<&str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

struct Listed<'a>(&'a [LoopFailure]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, failure) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{failure}")?;
        }
        Ok(())
    }
}
