//! `Handle` and `TimerHandle`: a scheduled call-back's owner may still say no.

use std::{cell::Cell, cmp::Ordering, fmt, rc::Weak};

use roundel_timer::{Deadline, TimerKey};

use crate::{core::Core, ready::Site};

/// A call-back in the ready queue. Dropping the handle does not cancel.
pub struct Handle {
    pub(crate) core: Weak<Core>,
    pub(crate) number: u64,
    pub(crate) site: Site,
    pub(crate) cancelled: Cell<bool>,
}

impl Handle {
    /// Keeps the call-back from running and drops it at once. True if it will not run: false once
    /// it runs or has run.
    pub fn cancel(&self) -> bool {
        if !self.cancelled.get()
            && let Some(core) = self.core.upgrade()
        {
            let work = core.ready.borrow_mut().cancel(self.number);
            self.cancelled.set(work.is_some());
            // The call-back's own drop may use the loop: no borrow is held by now.
            drop(work);
        }
        self.cancelled.get()
    }

    /// Whether `cancel` kept the call-back from running.
    #[doc(alias = "cancelled")]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// Where the call-back was scheduled.
    pub fn site(&self) -> Site {
        self.site
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("site", &format_args!("{}", self.site))
            .field("cancelled", &self.cancelled.get())
            .finish()
    }
}

/// A call-back scheduled for a time. Dropping the handle does not cancel. Compares by time.
pub struct TimerHandle {
    pub(crate) core: Weak<Core>,
    pub(crate) key: TimerKey,
    pub(crate) deadline: Cell<Deadline>,
    pub(crate) site: Site,
    pub(crate) cancelled: Cell<bool>,
}

impl TimerHandle {
    /// Keeps the call-back from running and drops it at once. True if it will not run: false once
    /// it runs or has run.
    pub fn cancel(&self) -> bool {
        if !self.cancelled.get()
            && let Some(core) = self.core.upgrade()
        {
            let call = core.timers.borrow_mut().cancel(self.key);
            self.cancelled.set(call.is_some());
            // The call-back's own drop may use the loop: no borrow is held by now.
            drop(call);
        }
        self.cancelled.get()
    }

    /// Moves the call-back to another time; cheaper than cancelling it and scheduling another.
    /// False if it is too late: it is due, has run or was cancelled.
    pub fn reschedule(&self, when: impl Into<Deadline>) -> bool {
        let deadline = when.into();
        let core = self.core.upgrade();
        let moved = core.is_some_and(|core| core.timers.borrow_mut().reset(self.key, deadline));
        if moved {
            self.deadline.set(deadline);
        }
        moved
    }

    /// When it is due, by the loop's clock; never, if its delay is beyond all instants.
    pub fn when(&self) -> Deadline {
        self.deadline.get()
    }

    /// Whether `cancel` kept the call-back from running.
    #[doc(alias = "cancelled")]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// Where the call-back was scheduled.
    pub fn site(&self) -> Site {
        self.site
    }
}

impl PartialEq for TimerHandle {
    /// Two handles are equal if they are of the same timer.
    fn eq(&self, other: &Self) -> bool {
        self.core.ptr_eq(&other.core) && self.key == other.key
    }
}

impl PartialOrd for TimerHandle {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if self == other {
            return Some(Ordering::Equal);
        }
        // Different timers of one time are not equal, so they cannot be ordered either.
        Some(self.when().cmp(&other.when())).filter(|order| order.is_ne())
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerHandle")
            .field("when", &self.when())
            .field("site", &format_args!("{}", self.site))
            .field("cancelled", &self.cancelled.get())
            .finish()
    }
}
