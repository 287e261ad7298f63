//! `JoinError`: why a task has no result.

use std::{
    any::Any,
    fmt,
    sync::{Mutex, PoisonError},
};

use roundel_loop::Site;

/// A task ended without a result: it was cancelled, or it panicked.
///
/// The representation is private; ask [`is_cancelled`](Self::is_cancelled) and
/// [`is_panic`](Self::is_panic).
#[doc(alias = "CancelledError")]
pub struct JoinError(Box<Ended>);

/// Behind a box, so that a result takes no more room than its value and a word.
struct Ended {
    task: u64,
    site: Site,
    panic: Option<Panic>,
}

/// A payload need not be `Sync`; behind the lock, which is never taken, the error is, as `?` into
/// an error of any kind asks for.
struct Panic {
    message: Option<Box<str>>,
    payload: Mutex<Box<dyn Any + Send>>,
}

impl JoinError {
    pub(crate) fn cancelled(task: u64, site: Site) -> Self {
        Self(Box::new(Ended { task, site, panic: None }))
    }

    pub(crate) fn panicked(task: u64, site: Site, payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let panic = Panic { message: text.map(Into::into), payload: Mutex::new(payload) };
        Self(Box::new(Ended { task, site, panic: Some(panic) }))
    }

    /// Whether the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.panic.is_none()
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        self.0.panic.is_some()
    }

    /// The panic's payload.
    ///
    /// # Errors
    /// The task was cancelled; the error comes back.
    pub fn try_into_panic(mut self) -> Result<Box<dyn Any + Send>, Self> {
        match self.0.panic.take() {
            Some(panic) => Ok(panic.payload.into_inner().unwrap_or_else(PoisonError::into_inner)),
            None => Err(self),
        }
    }

    /// The panic's text, if it has one.
    pub fn panic_message(&self) -> Option<&str> {
        self.0.panic.as_ref()?.message.as_deref()
    }

    /// The task's number.
    pub fn task_id(&self) -> u64 {
        self.0.task
    }

    /// Where the task was spawned.
    pub fn site(&self) -> Site {
        self.0.site
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended { task, site, panic } = &*self.0;
        match (panic, self.panic_message()) {
            (None, _) => write!(f, "task {task} spawned at {site} was cancelled"),
            (Some(_), Some(text)) => write!(f, "task {task} spawned at {site} panicked: {text}"),
            (Some(_), None) => write!(f, "task {task} spawned at {site} panicked"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl std::error::Error for JoinError {}
