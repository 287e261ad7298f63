//! Which loop runs in this thread: the one thread-local of the workspace.

use std::cell::RefCell;

use crate::{LoopHandle, RunError};

thread_local! {
    static CURRENT: RefCell<Option<LoopHandle>> = const { RefCell::new(None) };
}

/// Marks a loop as running in this thread until dropped.
#[derive(Debug)]
pub(crate) struct Entered(());

/// # Errors
/// [`RunError::Nested`] if a loop runs here; it stays the current one.
pub(crate) fn enter(handle: &LoopHandle) -> Result<Entered, RunError> {
    CURRENT.with_borrow_mut(|current| match current {
        Some(_) => Err(RunError::Nested),
        None => {
            *current = Some(handle.clone());
            Ok(Entered(()))
        }
    })
}

impl Drop for Entered {
    fn drop(&mut self) {
        // The handle is dropped outside the borrow: it may be the last of its loop.
        drop(CURRENT.take());
    }
}

pub(crate) fn try_current() -> Option<LoopHandle> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Looks at the current loop without taking a handle.
pub(crate) fn with<R>(look: impl FnOnce(Option<&LoopHandle>) -> R) -> R {
    CURRENT.with_borrow(|current| look(current.as_ref()))
}
