//! `Registry`: who is registered, and the sources kept open for it.
//!
//! Every selector holds one. It answers for the rules the mechanisms share: a descriptor is
//! registered once, the notifier's token is nobody else's, and a source stays open from `register`
//! to `unregister`. So a descriptor's number cannot be reused while a selector still knows it, and
//! an event never speaks of a file its token was not given to.
use std::collections::BTreeMap;

use rustix::fd::{AsFd, AsRawFd, RawFd};

use crate::{Interest, SelectorError, Source, Token, Trigger};

/// One registered source and what it is watched for.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) source: Source,
    pub(crate) token: Token,
    pub(crate) interest: Interest,
    pub(crate) trigger: Trigger,
}

/// The registrations of one selector, in the order of their descriptors.
#[derive(Debug, Default)]
pub(crate) struct Registry(BTreeMap<RawFd, Registration>);

impl Registry {
    /// Whether `source` may be registered under `token`.
    pub(crate) fn check_new(&self, source: &Source, token: Token) -> Result<(), SelectorError> {
        check_token(token)?;
        let descriptor = number(source);
        if self.0.contains_key(&descriptor) {
            return Err(SelectorError::AlreadyRegistered { descriptor });
        }
        Ok(())
    }

    /// Whether `source` may be modified to report under `token`.
    pub(crate) fn check_known(&self, source: &Source, token: Token) -> Result<(), SelectorError> {
        check_token(token)?;
        let descriptor = number(source);
        if !self.0.contains_key(&descriptor) {
            return Err(SelectorError::NotRegistered { action: "modifying source", descriptor });
        }
        Ok(())
    }

    /// Remembers a registration, in place of an earlier one of the same descriptor.
    pub(crate) fn insert(&mut self, registration: Registration) {
        self.0.insert(number(&registration.source), registration);
    }

    /// Forgets a registration and hands it over.
    pub(crate) fn remove(&mut self, source: &Source) -> Result<Registration, SelectorError> {
        let descriptor = number(source);
        let action = "unregistering source";
        self.0.remove(&descriptor).ok_or(SelectorError::NotRegistered { action, descriptor })
    }
}

fn number(source: &Source) -> RawFd {
    source.as_fd().as_raw_fd()
}

fn check_token(token: Token) -> Result<(), SelectorError> {
    if token == Token::NOTIFIER {
        return Err(SelectorError::ReservedToken { token });
    }
    Ok(())
}
