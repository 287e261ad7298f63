//! `Registry`: who is registered, and the sources kept open for it.
//!
//! Every selector holds one. It answers for the rules the mechanisms share: a descriptor is
//! registered once, the notifier's token is nobody else's, and a source stays open from `register`
//! to `unregister`. So a descriptor's number cannot be reused while a selector still knows it, and
//! an event never speaks of a file its token was not given to.
use std::collections::BTreeMap;

use rustix::fd::{AsFd, AsRawFd, RawFd};

use crate::{Interest, SelectorError, Source, Token};

/// What a caller wants to hear of a source, and under which name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) token: Token,
    pub(crate) interest: Interest,
}

/// One registered source and what it is watched for.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) source: Source,
    pub(crate) request: Request,
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

    /// Remembers a registration that [`check_new`](Self::check_new) let through.
    pub(crate) fn insert(&mut self, source: &Source, request: Request) {
        self.0.insert(number(source), Registration { source: source.clone(), request });
    }

    /// Changes a registration that [`check_known`](Self::check_known) let through; it goes on
    /// holding the source it was made with.
    pub(crate) fn amend(&mut self, source: &Source, request: Request) {
        if let Some(registration) = self.0.get_mut(&number(source)) {
            registration.request = request;
        }
    }

    /// Forgets a registration and hands it over.
    pub(crate) fn remove(&mut self, source: &Source) -> Result<Registration, SelectorError> {
        let descriptor = number(source);
        let action = "unregistering source";
        self.0.remove(&descriptor).ok_or(SelectorError::NotRegistered { action, descriptor })
    }

    /// The registration of a descriptor.
    pub(crate) fn get(&self, descriptor: RawFd) -> Option<&Registration> {
        self.0.get(&descriptor)
    }

    /// Every registration, beginning with `first` and wrapping round.
    ///
    /// A mechanism that scans them all begins where the last full list of events broke off, so that
    /// whoever was left out then comes first now.
    pub(crate) fn iter_from(&self, first: RawFd) -> impl Iterator<Item = (RawFd, &Registration)> {
        let wrapped = self.0.range(first..).chain(self.0.range(..first));
        wrapped.map(|(descriptor, registration)| (*descriptor, registration))
    }
}

/// The number of a descriptor, for use as a key while its owner is known to be open.
pub(crate) fn number(source: &impl AsFd) -> RawFd {
    source.as_fd().as_raw_fd()
}

fn check_token(token: Token) -> Result<(), SelectorError> {
    if token == Token::NOTIFIER {
        return Err(SelectorError::ReservedToken { token });
    }
    Ok(())
}
