//! The primitives that cross threads: std's, or the model checker's under `--cfg loom`.
//!
//! Everything in this crate that two threads can touch at once is built from these names, so what
//! loom checks is the code that ships.
#[cfg(not(loom))]
pub(crate) use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU8, Ordering},
    },
    thread::{Thread, ThreadId, current, park, park_timeout},
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU8, Ordering},
    },
    thread::{Thread, ThreadId, current, park},
};

/// Time does not pass in a model, so no time limit is ever reached there.
#[cfg(loom)]
pub(crate) fn park_timeout(_limit: std::time::Duration) {
    park();
}

/// Locks, whatever became of an earlier owner: no code that can panic runs under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What a mutex guards, for whom nobody else can reach it.
pub(crate) fn lock_alone<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
}
