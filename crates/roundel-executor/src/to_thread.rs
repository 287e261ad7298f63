//! `to_thread`: a blocking function, run elsewhere and awaited here.

use roundel_loop::{LoopHandle, NoExecutor};

/// A blocking function has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToThreadError {
    /// The loop has no executor to run it in.
    #[error("running a function in a thread: the event loop has no executor")]
    NoExecutor,
    /// It panicked, or its executor was shut down before it ran.
    #[error("running a function in a thread: it ended without a result")]
    Abandoned,
}

/// Runs a blocking function in the loop's default executor
/// ([`LoopHandle::set_default_executor`]) and awaits its result. Nothing runs until it is awaited.
/// Context variables stay in their thread.
///
/// ```
/// use roundel_executor::{spawn_on, to_thread};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let handle = event_loop.handle();
/// handle.set_default_executor(|job| drop(std::thread::spawn(job)));
/// let task = spawn_on(&handle, async { to_thread(|| 6 * 7).await });
/// assert_eq!(event_loop.run_until_complete(task)???, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The loop has no executor, or the function panicked.
///
/// # Panics
/// If no loop runs in this thread when it is first polled.
///
/// # Cancel safety
/// Dropped before its first poll, nothing has run. Later the function runs to its end, as nothing
/// can stop a thread, and its result is dropped.
#[doc(alias = "run_in_executor")]
pub async fn to_thread<T, F>(function: F) -> Result<T, ToThreadError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    match LoopHandle::current().run_in_executor(function) {
        Ok(promised) => promised.await.map_err(|_| ToThreadError::Abandoned),
        Err(NoExecutor(_)) => Err(ToThreadError::NoExecutor),
    }
}
