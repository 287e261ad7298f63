//! Where time comes from: the one place that reads the system's clock.
//!
//! Everything else takes a [`Clock`], so a program's time can be replaced as a whole, which is
//! what makes an hour of timers testable in a microsecond.

use std::{rc::Rc, sync::Arc, time::Instant};

/// A source of monotonic time: it may stand still, it never runs backwards.
///
/// Object safe, and implemented for `&C`, [`Rc`] and [`Arc`], so one clock can be shared by
/// everything that has to agree on the time.
///
/// ```
/// use roundel_timer::{Clock, SystemClock, VirtualClock};
///
/// fn spent(clock: &dyn Clock, work: impl FnOnce()) -> std::time::Duration {
///     let start = clock.now();
///     work();
///     clock.now() - start
/// }
///
/// let second = std::time::Duration::from_secs(1);
/// let clock = VirtualClock::new();
/// assert_eq!(spent(&clock, || clock.advance(second)), second);
/// assert!(spent(&SystemClock, || ()) < second * 60);
/// ```
#[doc(alias = "monotonic")]
pub trait Clock {
    /// The present moment.
    #[doc(alias = "time")]
    fn now(&self) -> Instant;
}

/// The system's monotonic clock, on Linux `CLOCK_MONOTONIC` of `clock_gettime(2)`.
///
/// A read costs tens of nanoseconds, more than arming a timer, so a loop reads it once a turn and
/// passes the instant on.
///
/// ```
/// use roundel_timer::{Clock, SystemClock};
///
/// let before = SystemClock.now();
/// assert!(SystemClock.now() >= before);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Rc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}
