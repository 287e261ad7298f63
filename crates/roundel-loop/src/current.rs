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
    CURRENT.with(|current| match current.try_borrow_mut().as_deref_mut() {
        Ok(current @ None) => {
            *current = Some(handle.clone());
            Ok(Entered(()))
        }
        _ => Err(RunError::Nested),
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

/// Looks at the current loop without taking a handle. While a thread ends, and its thread-locals
/// are gone one by one, there is none.
pub(crate) fn with<R>(look: impl FnOnce(Option<&LoopHandle>) -> R) -> R {
    let mut look = Some(look);
    let looked = CURRENT.try_with(|current| {
        let look = look.take().expect("it is looked once");
        look(current.borrow().as_ref())
    });
    match (looked, look) {
        (Ok(result), _) => result,
        (Err(_), Some(look)) => look(None),
        (Err(_), None) => unreachable!("a look that began has ended"),
    }
}
