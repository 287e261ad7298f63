//! `Selector`: the trait every mechanism implements.
use std::{fmt, time::Duration};

use rustix::fd::BorrowedFd;

use crate::{
    Events, Interest, Notifier, SelectorError, Source, Token, Trigger, delegate::delegate,
};

/// Tells which of the registered sources are ready.
pub trait Selector: fmt::Debug {
    /// Starts watching `source`.
    fn register(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError>;

    /// Changes what a registered source is watched for.
    fn modify(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError>;

    /// Stops watching `source`.
    fn unregister(&mut self, source: &Source) -> Result<(), SelectorError>;

    /// Waits until something is ready, a notifier fires or `timeout` passes (`None`: no limit),
    /// and replaces `events` with what is ready.
    fn select(
        &mut self,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> Result<(), SelectorError>;

    /// What ends a blocked `select` from any thread.
    fn notifier(&self) -> Notifier;

    /// The mechanism's name, as `by_name` takes it.
    fn name(&self) -> &'static str;

    /// Whether registrations may ask for [`Trigger::Edge`].
    fn supports_edge(&self) -> bool {
        false
    }

    /// The selector's own descriptor, readable when `select` has something to report;
    /// for waiting on it from a foreign loop.
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

delegate!(impl[S: Selector + ?Sized] Selector for Box<S>, self => (**self));
