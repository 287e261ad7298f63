//! `RemoteSpawn`: tasks begun from other threads.
//!
//! ```text
//!  a thread                                    the loop's thread
//!  spawn(make) ── call_soon: Order ──────────▶ make() becomes a task
//!  Promised ◀───────────────────────────────── its outcome, when its clean-up is done
//!  cancel() ───── call_soon: the task's ticket ▶ cancel
//! ```
//!
//! An order and its cancel may overtake each other: a call-back queued on the loop's own thread
//! goes ahead of what still lies in the inbox. Both run on the loop's thread, so it is enough that
//! each looks whether the other was first.

use std::{
    cell::Cell,
    future::Future,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use roundel_loop::{LoopClosed, LoopHandle, RemoteHandle, Site};
use roundel_promise::{Broken, Promise, Promised, promise};

use crate::{
    JoinError,
    cell::{Heir, bequeathed},
    executor::{AnyTask, Executor},
    life::Outcome,
    ticket::{Ticket, wake},
};

/// Spawning from any thread, for [`RemoteHandle`].
///
/// The future is made on the loop's thread, so it need not be `Send`; only what makes it and what
/// it returns cross threads.
///
/// ```
/// use roundel_executor::{RemoteSpawn, yield_now};
/// use roundel_loop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// let remote = event_loop.remote();
/// let thread = std::thread::spawn(move || {
///     let answer = remote.spawn(|| async {
///         yield_now().await;
///         6 * 7
///     });
///     let answer = answer.expect("the loop is open").result();
///     remote.stop();
///     answer
/// });
/// event_loop.run_forever()?;
/// assert_eq!(thread.join().unwrap()??, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait RemoteSpawn: sealed::Sealed {
    /// Begins a task on the loop, wakes the loop if it sleeps, and returns where the outcome will
    /// be: to be awaited on any executor, or blocked on ([`Promised::result`]).
    ///
    /// [`Promised::cancel`] cancels the task; a wait for the result that times out does not, and
    /// neither does dropping the `Promised`: then the task goes on, and its outcome goes nowhere. A
    /// panic in `make` is the task's.
    ///
    /// If the loop is closed before the task has ended, the promise is [`Broken::Abandoned`].
    ///
    /// # Errors
    /// The loop is closed; `make` comes back.
    ///
    /// # Cancel safety
    /// Dropping the wait for the `Promised` loses nothing: await it again.
    #[doc(alias = "run_coroutine_threadsafe")]
    #[track_caller]
    fn spawn<T, F, M>(&self, make: M) -> Result<Promised<Result<T, JoinError>>, LoopClosed<M>>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future<Output = T> + 'static,
        T: Send + 'static;
}

impl RemoteSpawn for RemoteHandle {
    #[track_caller]
    fn spawn<T, F, M>(&self, make: M) -> Result<Promised<Result<T, JoinError>>, LoopClosed<M>>
    where
        M: FnOnce() -> F + Send + 'static,
        F: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        let site = Location::caller();
        let (promise, promised) = promise();
        let order = Arc::new(Order { make: Mutex::new(Some(make)), ticket: OnceLock::new() });
        let begin = Arc::clone(&order);
        if self.call_soon(move || begin.begin(site, promise)).is_err() {
            let make = order.make().take();
            return Err(LoopClosed(make.expect("a call-back that was refused has not run")));
        }
        promised.on_done(move |outcome| {
            if let (Err(Broken::Cancelled), Some(ticket)) = (outcome, order.ticket.get()) {
                wake(ticket.number());
            }
        });
        Ok(promised)
    }
}

/// What a thread has ordered, and what became of it.
struct Order<M> {
    make: Mutex<Option<M>>,
    ticket: OnceLock<Ticket>,
}

impl<M> Order<M> {
    fn make(&self) -> MutexGuard<'_, Option<M>> {
        self.make.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin<T, F>(&self, site: Site, promise: Promise<Result<T, JoinError>>)
    where
        M: FnOnce() -> F + 'static,
        F: Future<Output = T> + 'static,
        T: 'static,
    {
        let make = self.make().take();
        let Some(make) = make.filter(|_| !promise.is_cancelled()) else { return };
        let handle = LoopHandle::current();
        // Made within the task, so that a panic of `make` is the task's.
        let future = async move { make().await };
        let heir = Afar(Cell::new(Some(promise)));
        let executor = Executor::of(&handle);
        let task = executor.seat(&handle, site, |header| {
            let task = bequeathed(&executor.blocks, header, future, heir);
            (task.clone(), AnyTask::Spawned(task))
        });
        let _ = self.ticket.set(task.ticket);
        task.note_wake();
        handle.queue_ticket(task.ticket.number());
    }
}

/// Somebody in another thread.
struct Afar<T>(Cell<Option<Promise<Outcome<T>>>>);

impl<T: 'static> Heir<T> for Afar<T> {
    const EXISTS: bool = true;

    fn has_called_off(&self) -> bool {
        let promise = self.0.take();
        let called_off = promise.as_ref().is_some_and(Promise::is_cancelled);
        self.0.set(promise);
        called_off
    }

    fn inherit(&self, outcome: Outcome<T>) {
        if let Some(promise) = self.0.take() {
            // Cancelled meanwhile, so nobody reads it.
            let _ = promise.set(outcome);
        }
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for roundel_loop::RemoteHandle {}
}
