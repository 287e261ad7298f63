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
pub struct JoinError {
    task: u64,
    site: Site,
    panic: Option<Box<Panic>>,
}

/// A payload need not be `Sync`; behind the lock, which is never taken, the error is, as `?` into
/// an error of any kind asks for.
struct Panic {
    message: Option<Box<str>>,
    payload: Mutex<Box<dyn Any + Send>>,
}

impl JoinError {
    pub(crate) fn cancelled(task: u64, site: Site) -> Self {
        Self { task, site, panic: None }
    }

    pub(crate) fn panicked(task: u64, site: Site, payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let panic = Panic { message: text.map(Into::into), payload: Mutex::new(payload) };
        Self { task, site, panic: Some(Box::new(panic)) }
    }

    /// Whether the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.panic.is_none()
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
    }

    /// The panic's payload.
    ///
    /// # Errors
    /// The task was cancelled; the error comes back.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.panic {
            Some(panic) => Ok(panic.payload.into_inner().unwrap_or_else(PoisonError::into_inner)),
            None => Err(self),
        }
    }

    /// The panic's text, if it has one.
    pub fn panic_message(&self) -> Option<&str> {
        self.panic.as_ref()?.message.as_deref()
    }

    /// The task's number.
    pub fn task_id(&self) -> u64 {
        self.task
    }

    /// Where the task was spawned.
    pub fn site(&self) -> Site {
        self.site
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, site, panic } = self;
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
