//! `with`: a resource whose exit is awaited, however its user ends.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, resume_unwind},
    task::Poll,
};

use futures::FutureExt;

use crate::clean_up::{CleanUp, leave_to_task};

/// A resource with an asynchronous end: a connection to close, a transaction to roll back, a child
/// to wait for.
#[doc(alias = "__aexit__")]
pub trait AsyncExit {
    /// Ends the resource. Runs to its end, within the grace, even if the task is cancelled.
    fn exit(self) -> impl Future<Output = ()> + 'static;
}

/// Lends a resource to `body` and awaits the resource's exit afterwards: when `body` returns, also
/// with an error, when it panics, and when this future is dropped, as a cancel or a timeout does.
/// Resources that are entered one inside the other exit in the reverse order.
///
/// In Python this is `async with`.
///
/// ```
/// use roundel_executor::{AsyncExit, spawn_on, with, yield_now};
///
/// struct Connection;
///
/// impl AsyncExit for Connection {
///     async fn exit(self) {
///         yield_now().await; // say goodbye
///         println!("closed");
///     }
/// }
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     with(Connection, async |_connection| "used").await
/// });
/// assert_eq!(event_loop.run_until_complete(task)??, "used");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
/// Dropped at whatever point, the exit still runs: the task that drops it runs it before it goes
/// on, or before it is done. Outside a task it becomes a task of its own, and outside a loop it is
/// dropped, as there is nobody to run it.
#[doc(alias = "async with")]
#[doc(alias = "AsyncExitStack")]
pub async fn with<R, T>(resource: R, body: impl AsyncFnOnce(&mut R) -> T) -> T
where
    R: AsyncExit + 'static,
{
    let mut entered = Entered { resource: Some(resource), exit: None };
    let lent = entered.resource.as_mut().expect("it was entered just now");
    let outcome = AssertUnwindSafe(body(lent)).catch_unwind().await;
    entered.begin_exit();
    poll_fn(|context| match &mut entered.exit {
        Some(exit) => exit.as_mut().poll(context),
        None => Poll::Ready(()),
    })
    .await;
    entered.exit = None;
    outcome.unwrap_or_else(|payload| resume_unwind(payload))
}

/// A resource between its entry and the end of its exit.
struct Entered<R: AsyncExit + 'static> {
    resource: Option<R>,
    exit: Option<CleanUp>,
}

impl<R: AsyncExit + 'static> Entered<R> {
    fn begin_exit(&mut self) {
        if let Some(resource) = self.resource.take() {
            self.exit = Some(Box::pin(resource.exit()));
        }
    }
}

impl<R: AsyncExit + 'static> Drop for Entered<R> {
    fn drop(&mut self) {
        self.begin_exit();
        if let Some(exit) = self.exit.take() {
            leave_to_task(exit);
        }
    }
}
