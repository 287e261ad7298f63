//! The traits of hyper's `rt` that are the executor's: where it spawns, and how it sleeps.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt::{Executor, Sleep, Timer};
use roundel_loop::{Deadline, LoopHandle, RemoteHandle};

use crate::{alarm::Alarm, spawn};

/// Runs what hyper spawns (the streams of an HTTP/2 connection, above all) in tasks of the loop that
/// runs in this thread. They need not be `Send`, and nobody owns them: they end with their
/// connection, or with the run.
///
/// With [`HyperTimer`] and the streams of `roundel-stream` under its feature `hyper`, hyper has
/// everything that it asks of a runtime:
///
/// ```no_run
/// # use std::convert::Infallible;
/// use hyper::{Request, Response, body::Incoming, server::conn::http2, service::service_fn};
/// use roundel_executor::{HyperExecutor, HyperTimer};
///
/// # async fn serve(stream: impl hyper::rt::Read + hyper::rt::Write + Unpin + 'static) -> hyper::Result<()> {
/// let hello = service_fn(async |_: Request<Incoming>| {
///     Ok::<_, Infallible>(Response::new("hello\n".to_owned()))
/// });
/// http2::Builder::new(HyperExecutor).timer(HyperTimer).serve_connection(stream, hello).await
/// # }
/// ```
///
/// # Panics
/// If no loop runs in the thread that spawns.
#[derive(Clone, Copy, Debug, Default)]
pub struct HyperExecutor;

impl<F> Executor<F> for HyperExecutor
where
    F: Future + 'static,
    F::Output: 'static,
{
    #[track_caller]
    fn execute(&self, future: F) {
        spawn(future).detach();
    }
}

/// hyper's time limits by the clock and the timers of the loop that runs in this thread, so that on
/// a virtual clock they are virtual.
///
/// hyper wants sleeps that are `Send`. These may be dropped in any thread, and polled in their
/// loop's.
///
/// # Panics
/// If no loop runs in this thread, or if a sleep is polled where its loop does not run.
#[derive(Clone, Copy, Debug, Default)]
pub struct HyperTimer;

impl Timer for HyperTimer {
    fn sleep(&self, delay: Duration) -> Pin<Box<dyn Sleep>> {
        let handle = LoopHandle::current();
        let deadline = Deadline::after(handle.now(), delay);
        Box::pin(HyperSleep::new(&handle, deadline))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(HyperSleep::new(&LoopHandle::current(), Deadline::at(deadline)))
    }

    fn now(&self) -> Instant {
        LoopHandle::current().now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<HyperSleep>() {
            Some(sleep) => sleep.get_mut().reset(Deadline::at(deadline)),
            None => *sleep = self.sleep_until(deadline),
        }
    }
}

/// [`crate::Sleep`] with its loop at arm's length.
struct HyperSleep {
    remote: RemoteHandle,
    alarm: Alarm,
}

impl Sleep for HyperSleep {}

impl HyperSleep {
    fn new(handle: &LoopHandle, deadline: Deadline) -> Self {
        Self { remote: handle.remote(), alarm: Alarm::new(deadline) }
    }

    fn reset(&mut self, deadline: Deadline) {
        let Self { remote, alarm } = self;
        in_its_loop(remote, |handle| alarm.reset(handle, deadline));
    }
}

impl Future for HyperSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { remote, alarm } = self.get_mut();
        in_its_loop(remote, |handle| alarm.poll(handle, context))
    }
}

impl Drop for HyperSleep {
    fn drop(&mut self) {
        let Some(timer) = self.alarm.timer() else { return };
        if self.remote.is_current() {
            LoopHandle::current().cancel_wake(timer);
        } else {
            // A closed loop has no timers any more.
            let _ = self.remote.post(timer, |timer| {
                LoopHandle::current().cancel_wake(timer);
            });
        }
    }
}

/// # Panics
/// If another loop runs in this thread, or none.
fn in_its_loop<R>(remote: &RemoteHandle, act: impl FnOnce(&LoopHandle) -> R) -> R {
    assert!(remote.is_current(), "a sleep of HyperTimer is polled where its loop does not run");
    act(&LoopHandle::current())
}

impl fmt::Debug for HyperSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperSleep")
            .field("deadline", &self.alarm.deadline())
            .finish_non_exhaustive()
    }
}
