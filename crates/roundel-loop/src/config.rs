//! `LoopConfig`: what a loop is made of.

use std::{rc::Rc, time::Duration};

use roundel_driver::{Driver, SelectorDriver, SelectorError};
use roundel_timer::{Clock, SystemClock};

use crate::Schedule;

/// The environment variable that switches debug mode on when it is set and not empty.
pub(crate) const DEBUG_VARIABLE: &str = "ROUNDEL_DEBUG";

/// A loop's parts and limits; its fields are the options.
///
/// ```
/// use roundel_loop::{EventLoop, LoopConfig};
///
/// let mut config = LoopConfig::with_driver_named("poll")?;
/// config.slow_callback = None;
/// let event_loop = EventLoop::with_config(config);
/// assert_eq!(event_loop.handle().driver_name(), "poll");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LoopConfig {
    /// What waits for the kernel.
    pub driver: Box<dyn Driver>,
    /// What tells the time.
    pub clock: SharedClock,
    /// A call-back that takes longer is reported; `None` switches the watch off.
    /// 100 ms unless changed, as in asyncio's debug mode.
    pub slow_callback: Option<Duration>,
    /// Times every call-back by itself. On if the environment variable `ROUNDEL_DEBUG` is set and
    /// not empty, unless changed.
    pub debug: bool,
    /// How many due timers one turn runs at most; the others follow in the next turn, behind what
    /// the kernel reports in between, so that a flood of timers cannot keep sockets waiting.
    pub timers_per_turn: usize,
    /// In which order the tasks that are ready run: as they were woken, unless changed.
    pub schedule: Schedule,
    /// Why the driver is not the one that was wanted first, for the loop's statistics. Set by who
    /// chooses drivers.
    pub fallback: Option<&'static str>,
}

impl LoopConfig {
    /// The platform's best selector and the system's clock.
    ///
    /// # Errors
    /// The kernel refuses every selector.
    pub fn new() -> Result<Self, SelectorError> {
        Self::with_driver_named("default")
    }

    /// The selector of this name and the system's clock.
    ///
    /// # Errors
    /// There is no selector of this name here (the error lists those there are), or the kernel
    /// refuses it.
    pub fn with_driver_named(name: &str) -> Result<Self, SelectorError> {
        Ok(Self::with_driver(Box::new(SelectorDriver::by_name(name)?)))
    }

    /// Any driver and the system's clock.
    pub fn with_driver(driver: Box<dyn Driver>) -> Self {
        Self {
            driver,
            clock: SharedClock(Rc::new(SystemClock)),
            slow_callback: Some(Duration::from_millis(100)),
            debug: std::env::var_os(DEBUG_VARIABLE).is_some_and(|value| !value.is_empty()),
            timers_per_turn: 1024,
            schedule: Schedule::Fifo,
            fallback: None,
        }
    }
}

/// A clock of whatever kind.
#[derive(Clone)]
pub struct SharedClock(pub Rc<dyn Clock>);

impl<C: Clock + 'static> From<C> for SharedClock {
    fn from(clock: C) -> Self {
        Self(Rc::new(clock))
    }
}

impl std::fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SharedClock").field(&self.0.now()).finish()
    }
}
