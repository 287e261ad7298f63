//! `with`: a resource whose exit is awaited, however its user ends.

use std::{
    any::Any,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, resume_unwind},
};

use futures::FutureExt;

use crate::{
    clean_up::{CleanUp, leave_to_task, report_panicked},
    unread::Unread,
};

/// A resource with an asynchronous end: a connection to close, a transaction to roll back, a child
/// to wait for.
#[doc(alias = "__aexit__")]
pub trait AsyncExit {
    /// Ends the resource. Runs to its end even if the task is cancelled; then within the grace
    /// ([`set_grace`](crate::set_grace)).
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
/// # Panics
/// With the panic of `body`, after the exit, or with that of the exit. If both panic, the exit's
/// panic goes to the loop's handler; so does the body's if this future is dropped during the exit.
///
/// # Cancel safety
/// Dropped at whatever point, before the first poll too, the exit still runs: the task that drops
/// it runs it before it goes on, or before it is done. Outside a task it becomes a task of its own,
/// and outside a loop it is dropped, as there is nobody to run it.
#[doc(alias = "async with")]
#[doc(alias = "AsyncExitStack")]
pub fn with<R, T>(resource: R, body: impl AsyncFnOnce(&mut R) -> T) -> impl Future<Output = T>
where
    R: AsyncExit + 'static,
{
    // Entered now, not at the first poll: a future that is never polled owes the exit too.
    let mut entered = Entered(Stage::Lent(resource));
    async move {
        let lent = entered.lend();
        let outcome = AssertUnwindSafe(body(lent)).catch_unwind().await.map_err(Unread::new);
        let exited = entered.exit().await;
        match (outcome, exited) {
            (Ok(value), Ok(())) => value,
            (Ok(_), Err(payload)) => resume_unwind(payload),
            (Err(panic), Ok(())) => panic.go_on(),
            (Err(panic), Err(of_exit)) => {
                report_panicked(of_exit);
                panic.go_on()
            }
        }
    }
}

/// A resource between its entry and the end of its exit. Dropped there, it leaves its exit.
struct Entered<R: AsyncExit + 'static>(Stage<R>);

enum Stage<R> {
    Lent(R),
    Exiting(CleanUp),
    Left,
}

impl<R: AsyncExit + 'static> Entered<R> {
    fn lend(&mut self) -> &mut R {
        match &mut self.0 {
            Stage::Lent(resource) => resource,
            _ => unreachable!("a resource is lent before its exit"),
        }
    }

    /// The exit, wherever it stands. What `exit` does before it waits is done at its first poll.
    fn take_exit(&mut self) -> Option<CleanUp> {
        match mem::replace(&mut self.0, Stage::Left) {
            Stage::Lent(resource) => Some(Box::pin(async move { resource.exit().await })),
            Stage::Exiting(exit) => Some(exit),
            Stage::Left => None,
        }
    }

    /// Runs the exit to its end or its panic.
    async fn exit(&mut self) -> Result<(), Box<dyn Any + Send>> {
        if let Some(exit) = self.take_exit() {
            self.0 = Stage::Exiting(exit);
        }
        let Stage::Exiting(exit) = &mut self.0 else { return Ok(()) };
        let exited = AssertUnwindSafe(exit).catch_unwind().await;
        self.0 = Stage::Left;
        exited
    }
}

impl<R: AsyncExit + 'static> Drop for Entered<R> {
    fn drop(&mut self) {
        if let Some(exit) = self.take_exit() {
            leave_to_task(exit);
        }
    }
}
