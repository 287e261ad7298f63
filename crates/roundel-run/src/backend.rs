//! `Backend`: what a loop stands on. The one place that knows every driver.

use std::{error::Error, fmt};

use roundel_loop::{LoopConfig, SelectorDriver};
use roundel_sim::{AutoJump, VirtualClock};

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
    /// The best selector, under a [`VirtualClock`] that jumps to the next timer instead of waiting.
    /// Descriptors and threads are real.
    Simulated,
}

impl Backend {
    /// The parts of a loop; `clock` is for the backend that needs a virtual one.
    pub(crate) fn config(&self, clock: &VirtualClock) -> Result<LoopConfig, BackendError> {
        match self {
            Self::Auto => self.auto(),
            Self::Selector(name) => self.selector(name),
            Self::Proactor => proactor::config().map_err(|refusal| BackendError::Unavailable {
                backend: self.clone(),
                source: refusal.source,
            }),
            Self::Simulated => {
                let driver =
                    SelectorDriver::by_name("default").map_err(|source| self.refused(source))?;
                let driver = AutoJump::new(driver, clock.clone());
                let mut config = LoopConfig::with_driver(Box::new(driver));
                config.clock = clock.clone().into();
                Ok(config)
            }
        }
    }

    fn auto(&self) -> Result<LoopConfig, BackendError> {
        proactor::config().or_else(|refusal| {
            let mut config = self.selector("default")?;
            config.fallback = Some(refusal.reason);
            Ok(config)
        })
    }

    fn selector(&self, name: &str) -> Result<LoopConfig, BackendError> {
        LoopConfig::with_driver_named(name).map_err(|source| self.refused(source))
    }

    fn refused(&self, source: roundel_selector::SelectorError) -> BackendError {
        BackendError::Refused { backend: self.clone(), source }
    }
}

/// `auto`, `proactor`, `simulated`; anything else is the name of a selector.
impl From<&str> for Backend {
    fn from(name: &str) -> Self {
        match name {
            "auto" => Self::Auto,
            "proactor" => Self::Proactor,
            "simulated" => Self::Simulated,
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
