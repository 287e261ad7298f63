//! `sleep`, `sleep_until`: waiting for a time.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use roundel_loop::{Deadline, LoopHandle};

use crate::alarm::Alarm;

/// Waits until `delay` has passed from now, the time of the call. A delay of zero gives one turn
/// and sets no timer.
///
/// ```
/// use std::time::Duration;
/// use roundel_executor::{sleep, spawn_on};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     sleep(Duration::from_millis(1)).await;
///     "rested"
/// });
/// assert_eq!(event_loop.run_until_complete(task)??, "rested");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If no loop runs in this thread.
///
/// # Cancel safety
/// Nothing is lost; the timer is removed.
#[track_caller]
pub fn sleep(delay: Duration) -> Sleep {
    Sleep::after(&LoopHandle::current(), delay)
}

/// Waits until a time by the loop's clock; a past time gives one turn and sets no timer.
///
/// # Panics
/// If no loop runs in this thread.
///
/// # Cancel safety
/// Nothing is lost; the timer is removed.
#[track_caller]
pub fn sleep_until(deadline: impl Into<Deadline>) -> Sleep {
    Sleep::until(&LoopHandle::current(), deadline.into())
}

/// The future of [`sleep`] and [`sleep_until`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    handle: LoopHandle,
    alarm: Alarm,
}

impl Sleep {
    pub(crate) fn until(handle: &LoopHandle, deadline: Deadline) -> Self {
        Self { handle: handle.clone(), alarm: Alarm::new(deadline) }
    }

    pub(crate) fn after(handle: &LoopHandle, delay: Duration) -> Self {
        Self::until(handle, Deadline::after(handle.now(), delay))
    }

    /// Until when.
    pub fn deadline(&self) -> Deadline {
        self.alarm.deadline()
    }

    /// Sleeps until another time instead.
    pub fn reset(&mut self, deadline: impl Into<Deadline>) {
        self.alarm.reset(&self.handle, deadline.into());
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.alarm.has_passed(&self.handle)
    }

    /// Polls without a note of what the task waits for.
    pub(crate) fn is_over(&mut self, context: &Context<'_>) -> bool {
        self.alarm.is_over(&self.handle, context)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { handle, alarm } = self.get_mut();
        alarm.poll(handle, context)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.alarm.timer() {
            self.handle.cancel_wake(timer);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}
