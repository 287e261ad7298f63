//! `sleep`, `sleep_until`: waiting for a time.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use roundel_loop::{Deadline, LoopHandle, TimerKey};

use crate::{executor::Executor, header::WaitsFor};

/// Waits until `delay` has passed from now, the time of the call. A delay of zero gives one turn.
///
/// # Panics
/// If no loop runs in this thread.
///
/// # Cancel safety
/// Nothing is lost; the timer is removed.
#[track_caller]
pub fn sleep(delay: Duration) -> Sleep {
    let handle = LoopHandle::current();
    let deadline = Deadline::after(handle.now(), delay);
    Sleep { handle, deadline, timer: None }
}

/// Waits until a time by the loop's clock; a past time gives one turn.
///
/// # Panics
/// If no loop runs in this thread.
///
/// # Cancel safety
/// Nothing is lost; the timer is removed.
#[track_caller]
pub fn sleep_until(deadline: impl Into<Deadline>) -> Sleep {
    Sleep { handle: LoopHandle::current(), deadline: deadline.into(), timer: None }
}

/// The future of [`sleep`] and [`sleep_until`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    handle: LoopHandle,
    deadline: Deadline,
    /// The timer and whom it wakes, once polled.
    timer: Option<(TimerKey, Waker)>,
}

impl Sleep {
    /// Until when.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Sleeps until another time instead.
    pub fn reset(&mut self, deadline: impl Into<Deadline>) {
        self.deadline = deadline.into();
        if let Some((key, waker)) = &mut self.timer
            && !self.handle.move_wake(*key, self.deadline)
        {
            *key = self.handle.wake_at(self.deadline, waker.clone());
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        match &this.timer {
            // The timer tells: the clock need not be read. It has fired if it is gone.
            Some((key, waker)) if waker.will_wake(context.waker()) => {
                if !this.handle.is_wake_pending(*key) {
                    this.timer = None;
                    return Poll::Ready(());
                }
            }
            Some((key, _)) => {
                if !this.handle.cancel_wake(*key) {
                    this.timer = None;
                    return Poll::Ready(());
                }
                let waker = context.waker().clone();
                this.timer = Some((this.handle.wake_at(this.deadline, waker.clone()), waker));
            }
            None => {
                let waker = context.waker().clone();
                this.timer = Some((this.handle.wake_at(this.deadline, waker.clone()), waker));
            }
        }
        if let Some(deadline) = this.deadline.instant() {
            Executor::note(WaitsFor::Time(deadline));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some((key, _)) = self.timer.take() {
            self.handle.cancel_wake(key);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
