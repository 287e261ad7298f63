//! `RunnerBuilder`: how a runner is to be.

use std::{rc::Rc, time::Duration};

use roundel_executor::set_grace;
use roundel_loop::{EventLoop, LoopConfig};
use roundel_sim::VirtualClock;

use crate::{Backend, RunError, Runner};

/// As long as a task may clean up.
const GRACE: Duration = Duration::from_secs(10);

/// How a [`Runner`] is to be. From [`Runner::builder`].
#[derive(Debug)]
#[must_use = "a builder builds nothing by itself"]
pub struct RunnerBuilder {
    backend: Backend,
    clock: Option<VirtualClock>,
    config: Option<LoopConfig>,
    debug: Option<bool>,
    name: Rc<str>,
    grace: Duration,
    ctrl_c: bool,
}

impl RunnerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            backend: Backend::Auto,
            clock: None,
            config: None,
            debug: None,
            name: "main".into(),
            grace: GRACE,
            ctrl_c: true,
        }
    }

    /// What the loop stands on; [`Backend::Auto`] unless chosen.
    #[doc(alias = "loop_factory")]
    pub fn backend(mut self, backend: impl Into<Backend>) -> Self {
        self.backend = backend.into();
        self
    }

    /// Chooses [`Backend::Simulated`], with this clock.
    pub fn virtual_clock(mut self, clock: VirtualClock) -> Self {
        self.backend = Backend::Simulated;
        self.clock = Some(clock);
        self
    }

    /// Makes the loop of these parts instead of choosing a backend.
    #[doc(alias = "loop_factory")]
    pub fn config(mut self, config: LoopConfig) -> Self {
        self.config = Some(config);
        self
    }

    /// Switches the loop's debug mode; without it, `ROUNDEL_DEBUG` decides.
    pub fn debug(mut self, debug: bool) -> Self {
        self.debug = Some(debug);
        self
    }

    /// The name of the main tasks; `main` unless given.
    pub fn name(mut self, name: impl Into<Rc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How long the shutdown waits for the clean-up of what it cancels, and a task may clean up
    /// when it is cancelled before; 10 s unless changed.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Whether Ctrl-C cancels the main task, which it does unless changed.
    pub fn ctrl_c(mut self, cancels: bool) -> Self {
        self.ctrl_c = cancels;
        self
    }

    /// Makes the loop.
    ///
    /// # Errors
    /// The backend cannot be had.
    pub fn build(self) -> Result<Runner, RunError> {
        let simulated = self.config.is_none() && self.backend == Backend::Simulated;
        let clock = self.clock.unwrap_or_default();
        let mut config = match self.config {
            Some(config) => config,
            None => self.backend.config(&clock)?,
        };
        if let Some(debug) = self.debug {
            config.debug = debug;
        }
        let event_loop = EventLoop::with_config(config);
        set_grace(&event_loop.handle(), self.grace);
        let clock = simulated.then_some(clock);
        Ok(Runner::new_with(event_loop, clock, self.name, self.grace, self.ctrl_c))
    }
}
