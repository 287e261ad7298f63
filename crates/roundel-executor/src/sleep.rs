//! `sleep`, `sleep_until`: waiting for a time.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use roundel_loop::{Deadline, LoopHandle, TimerKey};

use crate::{executor::Executor, note::WaitsFor};

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
    deadline: Deadline,
    stage: Stage,
}

enum Stage {
    /// Not polled yet, or over.
    Unset,
    /// The deadline had passed before a timer was set: one turn is given instead.
    Turn,
    /// A timer is set.
    Timer(TimerKey),
}

impl Sleep {
    pub(crate) fn until(handle: &LoopHandle, deadline: Deadline) -> Self {
        Self { handle: handle.clone(), deadline, stage: Stage::Unset }
    }

    pub(crate) fn after(handle: &LoopHandle, delay: Duration) -> Self {
        Self::until(handle, Deadline::after(handle.now(), delay))
    }

    /// Until when.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Sleeps until another time instead.
    pub fn reset(&mut self, deadline: impl Into<Deadline>) {
        self.deadline = deadline.into();
        match &mut self.stage {
            Stage::Unset => {}
            Stage::Turn => self.stage = Stage::Unset,
            // One that has fired has woken whoever polls this; there another is set.
            Stage::Timer(key) => {
                if !self.handle.move_wake(*key, self.deadline) {
                    self.stage = Stage::Unset;
                }
            }
        }
    }

    /// Whether the deadline has passed by the last reading of the clock, which was made when the
    /// deadline was computed or later.
    pub(crate) fn has_passed(&self) -> bool {
        self.deadline <= Deadline::at(self.handle.recent())
    }

    fn set_timer(&mut self, waker: &Waker) {
        self.stage = Stage::Timer(self.handle.wake_at(self.deadline, waker.clone()));
    }

    /// Polls without a note of what the task waits for.
    pub(crate) fn is_over(&mut self, context: &Context<'_>) -> bool {
        match &self.stage {
            Stage::Unset if self.has_passed() => {
                self.stage = Stage::Turn;
                context.waker().wake_by_ref();
            }
            Stage::Unset => self.set_timer(context.waker()),
            Stage::Turn => return true,
            // The timer tells: the clock need not be read. It has fired if it is gone.
            Stage::Timer(key) => match self.handle.is_wake_of(*key, context.waker()) {
                None => return true,
                Some(true) => {}
                Some(false) => {
                    self.handle.cancel_wake(*key);
                    self.set_timer(context.waker());
                }
            },
        }
        false
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.is_over(context) {
            self.stage = Stage::Unset;
            return Poll::Ready(());
        }
        match (&self.stage, self.deadline.instant()) {
            (Stage::Turn, _) => Executor::note(WaitsFor::Turn),
            (_, Some(deadline)) => Executor::note(WaitsFor::Time(deadline)),
            (_, None) => {}
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Stage::Timer(key) = self.stage {
            self.handle.cancel_wake(key);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
