//! `RemoteSpawn`: tasks begun from other threads.
//!
//! ```text
//!  a thread                                        the loop's thread
//!  spawn(make) ── post: make and the promise ────▶ a task that makes the future and polls it
//!  Promised ◀───────────────────────────────────── its outcome, when its clean-up is done
//!  cancel() ────── the task's waker, a number ────▶ the task's next step sees it
//! ```

use std::{cell::Cell, future::Future, panic::Location, task::Context};

use roundel_loop::{LoopClosed, LoopHandle, RemoteHandle, Site};
use roundel_promise::{Promise, Promised, promise};

use crate::{
    JoinError,
    cell::{Heir, bequeathed},
    executor::{AnyTask, Executor},
    life::Outcome,
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
    /// If the loop is closed before the task has ended, the promise is
    /// [`Broken::Abandoned`](roundel_promise::Broken::Abandoned).
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
        let (promise, promised) = promise();
        let order = Order { make, promise, site: Location::caller() };
        self.post(order, Order::begin).map_err(|LoopClosed(order)| LoopClosed(order.make))?;
        Ok(promised)
    }
}

/// What a thread has ordered.
struct Order<M, T> {
    make: M,
    promise: Promise<Outcome<T>>,
    site: Site,
}

impl<M, F, T> Order<M, T>
where
    M: FnOnce() -> F + 'static,
    F: Future<Output = T> + 'static,
    T: 'static,
{
    fn begin(self) {
        let Self { make, promise, site } = self;
        let handle = LoopHandle::current();
        // Made within the task, so that a panic of `make` is the task's.
        let future = async move { make().await };
        let heir = Afar(Cell::new(Some(promise)));
        let executor = Executor::of(&handle);
        let task = executor.seat(&handle, site, |birth| {
            let task = bequeathed(&executor.blocks, birth, future, heir);
            (task.clone(), AnyTask::Spawned(task))
        });
        task.note_wake();
        handle.queue_ticket(task.ticket.number());
    }
}

/// Somebody in another thread.
struct Afar<T>(Cell<Option<Promise<Outcome<T>>>>);

impl<T: 'static> Heir<T> for Afar<T> {
    const EXISTS: bool = true;

    fn has_called_off(&self, context: &mut Context<'_>) -> bool {
        let mut promise = self.0.take();
        let called_off = promise.as_mut().is_some_and(|it| it.poll_cancelled(context).is_ready());
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
