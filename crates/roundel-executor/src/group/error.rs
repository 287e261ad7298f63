//! `GroupError`: everything that went wrong in a group.

use std::fmt;

use roundel_loop::Site;

use crate::JoinError;

/// Why a child, or the body, has failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause<E> {
    /// It returned this error.
    Error(E),
    /// It panicked; the payload is inside.
    Panic(JoinError),
}

impl<E: fmt::Display> fmt::Display for Cause<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic(panic) => panic.fmt(f),
        }
    }
}

/// One member of a [`GroupError`]: who failed, and why.
#[derive(Debug)]
pub struct Failure<E> {
    name: String,
    site: Site,
    cause: Cause<E>,
}

impl<E> Failure<E> {
    pub(super) fn new(name: String, site: Site, cause: Cause<E>) -> Self {
        Self { name, site, cause }
    }

    /// The child's name; `the body` for that.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the child was spawned; for the body, where the scope is.
    pub fn site(&self) -> Site {
        self.site
    }

    /// Why it failed.
    pub fn cause(&self) -> &Cause<E> {
        &self.cause
    }

    /// Why it failed.
    pub fn into_cause(self) -> Cause<E> {
        self.cause
    }

    /// The error that it returned; `None` if it panicked.
    pub fn error(&self) -> Option<&E> {
        match &self.cause {
            Cause::Error(error) => Some(error),
            Cause::Panic(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.cause)
    }
}

/// Everything that went wrong in a group, in the order in which it did; at least one failure.
///
/// ```
/// use roundel_executor::{TaskGroup, spawn_on};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let outcome = TaskGroup::scope(async |group| {
///         group.builder().name("disk").spawn::<(), _>(async { Err("full") });
///         group.builder().name("net").spawn::<(), _>(async { Err("down") });
///         Ok(())
///     });
///     let error = outcome.await.unwrap_err();
///     assert_eq!(error.to_string(), "2 failures in a task group: disk: full; net: down");
///     assert!(error.errors().eq(&["full", "down"]));
/// });
/// event_loop.run_until_complete(task)??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[doc(alias = "ExceptionGroup")]
#[doc(alias = "BaseExceptionGroup")]
pub struct GroupError<E> {
    failures: Vec<Failure<E>>,
}

impl<E> GroupError<E> {
    pub(super) fn new(failures: Vec<Failure<E>>) -> Option<Self> {
        (!failures.is_empty()).then_some(Self { failures })
    }

    /// The failures, in order.
    pub fn failures(&self) -> &[Failure<E>] {
        &self.failures
    }

    /// The failures, in order.
    pub fn into_failures(self) -> Vec<Failure<E>> {
        self.failures
    }

    /// What failed first, and made the group fail.
    pub fn first(&self) -> &Failure<E> {
        &self.failures[0]
    }

    /// The errors that were returned, in order, panics left out.
    pub fn errors(&self) -> impl Iterator<Item = &E> {
        self.failures.iter().filter_map(Failure::error)
    }

    /// Takes out the errors that `handled` accepts; what remains, if anything does, is still a
    /// group error.
    ///
    /// In Python this is `except*`.
    #[doc(alias = "except*")]
    pub fn split(self, mut handled: impl FnMut(&E) -> bool) -> (Vec<E>, Option<Self>) {
        let (mut taken, mut rest) = (Vec::new(), Vec::new());
        for Failure { name, site, cause } in self.failures {
            match cause {
                Cause::Error(error) if handled(&error) => taken.push(error),
                cause => rest.push(Failure { name, site, cause }),
            }
        }
        (taken, Self::new(rest))
    }
}

/// All of it in one line.
impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.failures.len();
        let s = if count == 1 { "" } else { "s" };
        write!(f, "{count} failure{s} in a task group: ")?;
        for (nth, failure) in self.failures.iter().enumerate() {
            let separator = if nth == 0 { "" } else { "; " };
            write!(f, "{separator}{failure}")?;
        }
        Ok(())
    }
}

// Its text names them all, so there is no single source. And so `E` need not be an `Error`, which
// boxed errors are not.
impl<E: fmt::Debug + fmt::Display> std::error::Error for GroupError<E> {}
