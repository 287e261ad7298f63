//! `Alarm`: a deadline, and the timer that is set for it in a loop. It does not keep the loop: who
//! has one says each time which it is.

use std::task::{Context, Poll, Waker};

use roundel_loop::{Deadline, LoopHandle, TimerKey};

use crate::{executor::Executor, note::WaitsFor};

/// What a sleep waits for. Who drops it forgets its [timer](Self::timer), or is woken for nothing.
pub(crate) struct Alarm {
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

impl Alarm {
    pub(crate) fn new(deadline: Deadline) -> Self {
        Self { deadline, stage: Stage::Unset }
    }

    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Whether the deadline has passed by the last reading of the clock, which was made when the
    /// deadline was computed or later.
    pub(crate) fn has_passed(&self, handle: &LoopHandle) -> bool {
        self.deadline <= Deadline::at(handle.recent())
    }

    pub(crate) fn reset(&mut self, handle: &LoopHandle, deadline: Deadline) {
        self.deadline = deadline;
        match &mut self.stage {
            Stage::Unset => {}
            Stage::Turn => self.stage = Stage::Unset,
            // One that has fired has woken whoever polls this; there another is set.
            Stage::Timer(key) => {
                if !handle.move_wake(*key, self.deadline) {
                    self.stage = Stage::Unset;
                }
            }
        }
    }

    /// Polls without a note of what the task waits for.
    pub(crate) fn is_over(&mut self, handle: &LoopHandle, context: &Context<'_>) -> bool {
        match &self.stage {
            Stage::Unset if self.has_passed(handle) => {
                self.stage = Stage::Turn;
                context.waker().wake_by_ref();
            }
            Stage::Unset => self.set_timer(handle, context.waker()),
            Stage::Turn => return true,
            // The timer tells: the clock need not be read. It has fired if it is gone.
            Stage::Timer(key) => match handle.is_wake_of(*key, context.waker()) {
                None => return true,
                Some(true) => {}
                Some(false) => {
                    handle.cancel_wake(*key);
                    self.set_timer(handle, context.waker());
                }
            },
        }
        false
    }

    pub(crate) fn poll(&mut self, handle: &LoopHandle, context: &Context<'_>) -> Poll<()> {
        if self.is_over(handle, context) {
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

    /// The timer that is set, if one is; it may have fired.
    pub(crate) fn timer(&self) -> Option<TimerKey> {
        match self.stage {
            Stage::Timer(key) => Some(key),
            Stage::Unset | Stage::Turn => None,
        }
    }

    fn set_timer(&mut self, handle: &LoopHandle, waker: &Waker) {
        self.stage = Stage::Timer(handle.wake_at(self.deadline, waker.clone()));
    }
}
