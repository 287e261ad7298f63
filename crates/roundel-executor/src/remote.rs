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
    future::Future,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use roundel_loop::{LoopClosed, LoopHandle, RemoteHandle, Site};
use roundel_promise::{Broken, Promise, Promised, promise};

use crate::{Builder, JoinError, executor::Executor, ticket::Ticket};

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
        let remote = self.clone();
        promised.on_done(move |outcome| {
            if let Err(Broken::Cancelled) = outcome {
                // A loop that is closed meanwhile has dropped the task.
                let _ = remote.call_soon(move || order.cancel());
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
        let task = Builder::new().begin(&handle, site, async move { make().await });
        let _ = self.ticket.set(task.cell().header().ticket);
        task.on_done(move |outcome| {
            // Cancelled meanwhile, so nobody reads it.
            let _ = promise.set(outcome);
        });
    }

    fn cancel(&self) {
        let task = self.ticket.get().and_then(|&ticket| Executor::current()?.find(ticket));
        if let Some(task) = task {
            task.header().cancel();
        }
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for roundel_loop::RemoteHandle {}
}
