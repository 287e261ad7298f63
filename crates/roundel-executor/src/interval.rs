//! `interval`: ticks, one period apart.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use futures::Stream;
use roundel_loop::{Deadline, LoopHandle};

use crate::{Sleep, sleep_until};

/// What becomes of ticks that were missed, because the task was busy: a tick is missed when the
/// next one is due before it has been taken.
///
/// ```text
/// due      0    1    2    3    4    5    6
/// Burst    0    1 ........ 234 5    6        all of them, and back in step
/// Delay    0    1 ........ 2    3    4       one period after the late one
/// Skip     0    1 ........ 2   5    6        in step, without those that are past
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MissedTick {
    /// They are made up for, a turn apart, until the interval is in step again: the number of
    /// ticks is right.
    #[default]
    Burst,
    /// Ticks go on one period after the late one: never two within a period.
    Delay,
    /// They are left out: every tick but the late one is at a multiple of the period.
    Skip,
}

/// Ticks every `period`; the first tick is now, the time of the call.
///
/// ```
/// use std::time::Duration;
/// use roundel_executor::{MissedTick, interval, spawn_on};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let mut ticks = interval(Duration::from_millis(1)).on_missed(MissedTick::Skip);
///     let start = ticks.tick().await;
///     assert!(ticks.tick().await >= start + Duration::from_millis(1));
/// });
/// event_loop.run_until_complete(task)??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If `period` is zero, and if no loop runs in this thread.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(LoopHandle::current().now(), period)
}

/// Ticks every `period`; the first tick is at `start` by the loop's clock.
///
/// # Panics
/// As [`interval`].
#[track_caller]
pub fn interval_at(start: impl Into<Deadline>, period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval's period is more than zero");
    Interval { next: sleep_until(start), period, on_missed: MissedTick::default() }
}

/// Ticks; see [`interval`]. As a [`Stream`] it yields the times of the ticks and never ends.
#[derive(Debug)]
#[must_use = "an interval ticks only when it is asked to"]
pub struct Interval {
    next: Sleep,
    period: Duration,
    on_missed: MissedTick,
}

impl Interval {
    /// Says what becomes of missed ticks.
    pub fn on_missed(mut self, answer: MissedTick) -> Self {
        self.on_missed = answer;
        self
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// When the next tick is due.
    pub fn when(&self) -> Deadline {
        self.next.deadline()
    }

    /// Begins anew: the next tick is one period from now.
    pub fn reset(&mut self) {
        self.next.reset(Deadline::after(LoopHandle::current().now(), self.period));
    }

    /// Waits for the next tick and returns the time it was due. A tick that is due already takes a
    /// turn all the same, so that ticks which are made up for let everybody else run.
    ///
    /// # Cancel safety
    /// Nothing is lost: a tick is taken when this returns, not before.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|context| self.poll_tick(context)).await
    }

    /// Polls for the next tick.
    pub fn poll_tick(&mut self, context: &mut Context<'_>) -> Poll<Instant> {
        ready!(Pin::new(&mut self.next).poll(context));
        let now = LoopHandle::current().now();
        let due = self.next.deadline().instant().unwrap_or(now);
        self.next.reset(self.after(due, now));
        Poll::Ready(due)
    }

    /// When the tick is due that follows one which was due at `due` and is taken now.
    fn after(&self, due: Instant, now: Instant) -> Deadline {
        let period = self.period;
        let regular = Deadline::after(due, period);
        let was_missed = regular <= Deadline::at(now);
        match self.on_missed {
            MissedTick::Delay if was_missed => Deadline::after(now, period),
            MissedTick::Skip if was_missed => {
                let since = (now - due).as_nanos() % period.as_nanos();
                Deadline::after(now, period - nanoseconds(since))
            }
            _ => regular,
        }
    }
}

/// `Duration::from_nanos`, for as many as there are.
fn nanoseconds(count: u128) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    Duration::new((count / SECOND) as u64, (count % SECOND) as u32)
}

impl Stream for Interval {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_tick(context).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}
