//! `Backend`: what a loop stands on. The one place that knows every driver.

use std::{error::Error, fmt};

use roundel_loop::{Driver, LoopConfig, SelectorDriver};
use roundel_sim::{Network, VirtualClock};

use crate::BackendError;

#[cfg_attr(target_os = "linux", path = "backend/uring.rs")]
#[cfg_attr(not(target_os = "linux"), path = "backend/none.rs")]
mod proactor;

/// Why there is no proactor.
struct Refusal {
    reason: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

/// What a loop stands on.
///
/// ```
/// use roundel_run::{Backend, Runner};
///
/// let mut runner = Runner::builder().backend("poll").build()?;
/// assert_eq!(runner.handle().driver_name(), "poll");
///
/// match Runner::builder().backend(Backend::Proactor).build() {
///     Ok(runner) => assert_eq!(runner.handle().driver_name(), "uring"),
///     Err(refused) => assert!(refused.to_string().starts_with("choosing the backend proactor")),
/// }
/// # Ok::<(), roundel_run::RunError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[doc(alias = "SelectorEventLoop")]
#[doc(alias = "ProactorEventLoop")]
pub enum Backend {
    /// The best of the platform: io_uring where the kernel allows it, else the best selector.
    /// [`LoopStatistics::fallback`](roundel_loop::LoopStatistics::fallback) says why it is not the
    /// first.
    #[default]
    Auto,
    /// Readiness, from the selector of this name: `epoll`, `poll`, `select`, …
    Selector(String),
    /// Completion, from the kernel's own queues: io_uring.
    Proactor,
    /// A simulated kernel, of a host that is alone, under a [`VirtualClock`] that jumps to whatever
    /// happens next instead of waiting. Sockets and files are simulated; threads are real, and no
    /// time passes while they work; descriptors of the real kernel are refused.
    Simulated,
}

impl Backend {
    /// What the backend waits with, for a loop that is put together by hand.
    /// [`Simulated`](Self::Simulated) moves a clock that nobody else sees.
    ///
    /// ```
    /// use roundel_loop::{EventLoop, LoopConfig};
    /// use roundel_run::Backend;
    ///
    /// let mut config = LoopConfig::with_driver(Backend::Auto.driver()?);
    /// config.timers_per_turn = 10;
    /// let event_loop = EventLoop::with_config(config);
    /// # Ok::<(), roundel_run::BackendError>(())
    /// ```
    ///
    /// # Errors
    /// The backend cannot be had.
    pub fn driver(&self) -> Result<Box<dyn Driver>, BackendError> {
        self.choose().map(|(driver, _)| driver)
    }

    /// The parts of a loop; `clock` is for the backend that needs a virtual one.
    pub(crate) fn config(&self, clock: &VirtualClock) -> Result<LoopConfig, BackendError> {
        if *self == Self::Simulated {
            let mut config = LoopConfig::with_driver(simulated(clock));
            config.clock = clock.clone().into();
            return Ok(config);
        }
        let (driver, fallback) = self.choose()?;
        let mut config = LoopConfig::with_driver(driver);
        config.fallback = fallback;
        Ok(config)
    }

    /// The driver, and why it is not the one that was wanted first.
    fn choose(&self) -> Result<(Box<dyn Driver>, Option<&'static str>), BackendError> {
        match self {
            Self::Auto => match proactor::driver() {
                Ok(driver) => Ok((driver, None)),
                Err(refusal) => Ok((self.selector("default")?, Some(refusal.reason))),
            },
            Self::Selector(name) => Ok((self.selector(name)?, None)),
            Self::Proactor => match proactor::driver() {
                Ok(driver) => Ok((driver, None)),
                Err(Refusal { source, .. }) => {
                    Err(BackendError::Unavailable { backend: self.clone(), source })
                }
            },
            Self::Simulated => Ok((simulated(&VirtualClock::new()), None)),
        }
    }

    fn selector(&self, name: &str) -> Result<Box<dyn Driver>, BackendError> {
        match SelectorDriver::by_name(name) {
            Ok(driver) => Ok(Box::new(driver)),
            Err(source) => Err(BackendError::Refused { backend: self.clone(), source }),
        }
    }
}

/// A host that is alone. Nothing in its kernel is random, so its seed says nothing.
fn simulated(clock: &VirtualClock) -> Box<dyn Driver> {
    let network = Network::with_clock(0, clock.clone());
    let host = network.add_host("localhost");
    Box::new(network.driver(host))
}

/// `auto`, `proactor` or `uring`, `simulated` or `sim`; anything else is the name of a selector.
impl From<&str> for Backend {
    fn from(name: &str) -> Self {
        match name {
            "auto" => Self::Auto,
            "proactor" | "uring" => Self::Proactor,
            "simulated" | "sim" => Self::Simulated,
            selector => Self::Selector(selector.to_owned()),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Selector(name) => name,
            Self::Proactor => "proactor",
            Self::Simulated => "simulated",
        })
    }
}
