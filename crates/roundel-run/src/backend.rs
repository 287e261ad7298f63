//! `Backend`: what a loop stands on. The one place that knows every driver.

use std::fmt;

use roundel_loop::{LoopConfig, SelectorDriver};
use roundel_sim::{AutoJump, VirtualClock};

use crate::BackendError;

/// What a loop stands on.
///
/// ```
/// use roundel_run::{Backend, Runner};
///
/// let mut runner = Runner::builder().backend("poll").build()?;
/// assert_eq!(runner.handle().driver_name(), "poll");
///
/// let refused = Runner::builder().backend(Backend::Proactor).build().unwrap_err();
/// assert_eq!(refused.to_string(), "choosing the backend proactor: it is not built yet");
/// # Ok::<(), roundel_run::RunError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[doc(alias = "SelectorEventLoop")]
#[doc(alias = "ProactorEventLoop")]
pub enum Backend {
    /// The best of the platform: today its best selector.
    #[default]
    Auto,
    /// Readiness, from the selector of this name: `epoll`, `poll`, `select`, …
    Selector(String),
    /// Completion, from the kernel's own queues. Not built yet.
    Proactor,
    /// The best selector, under a [`VirtualClock`] that jumps to the next timer instead of waiting.
    /// Descriptors and threads are real.
    Simulated,
}

impl Backend {
    /// The parts of a loop; `clock` is for the backend that needs a virtual one.
    pub(crate) fn config(&self, clock: &VirtualClock) -> Result<LoopConfig, BackendError> {
        match self {
            Self::Auto => self.selector("default"),
            Self::Selector(name) => self.selector(name),
            Self::Proactor => Err(BackendError::Unavailable {
                backend: self.clone(),
                reason: "it is not built yet",
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
