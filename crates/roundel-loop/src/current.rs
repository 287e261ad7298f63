//! Which loop runs in this thread: the one thread-local of the workspace.

use std::{cell::RefCell, mem::ManuallyDrop};

use crate::{LoopHandle, RunError};

thread_local! {
    /// Never dropped by the thread's end, so that it can be looked at until then, and looking costs
    /// no check of whether it still is: `Entered` empties it.
    static CURRENT: RefCell<ManuallyDrop<Option<LoopHandle>>> =
        const { RefCell::new(ManuallyDrop::new(None)) };
}

/// Marks a loop as running in this thread until dropped.
#[derive(Debug)]
pub(crate) struct Entered(());

/// # Errors
/// [`RunError::Nested`] if a loop runs here; it stays the current one.
pub(crate) fn enter(handle: &LoopHandle) -> Result<Entered, RunError> {
    CURRENT.with(|current| match current.try_borrow_mut() {
        Ok(mut current) if current.is_none() => {
            **current = Some(handle.clone());
            Ok(Entered(()))
        }
        _ => Err(RunError::Nested),
    })
}

impl Drop for Entered {
    fn drop(&mut self) {
        let left = CURRENT.replace(ManuallyDrop::new(None));
        // Outside the borrow: it may be the last handle of its loop.
        drop(ManuallyDrop::into_inner(left));
    }
}

pub(crate) fn try_current() -> Option<LoopHandle> {
    with(|current| current.cloned())
}

/// Looks at the current loop without taking a handle.
#[inline]
pub(crate) fn with<R>(look: impl FnOnce(Option<&LoopHandle>) -> R) -> R {
    CURRENT.with_borrow(|current| look(current.as_ref()))
}
