//! What can go wrong with a selector; each variant names the action that failed.
use std::io;

use rustix::fd::RawFd;

use crate::Token;

/// A selector's failure: the action, and why.
///
/// Converts into [`io::Error`] for callers that speak it; the kind is kept, and the whole error
/// stays reachable through [`io::Error::get_ref`].
///
/// # Examples
///
/// ```
/// use std::io;
/// use roundel_selector::{SelectorError, Token};
///
/// let error = SelectorError::ReservedToken { token: Token(1) };
/// assert!(matches!(error, SelectorError::ReservedToken { .. }));
/// assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// The kernel refused; `action` says what was tried.
    #[error("{action}")]
    Os {
        /// What was tried, as "registering source".
        action: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },

    /// The descriptor is registered already, perhaps through another [`Source`](crate::Source).
    #[error("registering source: descriptor {descriptor} is registered already")]
    AlreadyRegistered {
        /// The descriptor both registrations name.
        descriptor: RawFd,
    },

    /// The descriptor is not registered here, so it cannot be modified or unregistered.
    #[error("{action}: descriptor {descriptor} is not registered")]
    NotRegistered {
        /// What was tried.
        action: &'static str,
        /// The descriptor nobody registered.
        descriptor: RawFd,
    },

    /// The token is the one a selector keeps for its notifier, [`Token::NOTIFIER`].
    #[error("registering source: token {} is reserved for the notifier", token.0)]
    ReservedToken {
        /// The refused token.
        token: Token,
    },

    /// The mechanism knows level-triggered registrations only.
    #[error("registering source: {selector} has no edge trigger")]
    EdgeUnsupported {
        /// The mechanism's name.
        selector: &'static str,
    },

    /// `select(2)` takes descriptors below `FD_SETSIZE` only.
    #[error("registering source: select takes descriptors below {limit}, not {descriptor}")]
    DescriptorTooLarge {
        /// The refused descriptor.
        descriptor: RawFd,
        /// `FD_SETSIZE`.
        limit: RawFd,
    },

    /// The kernel has no readiness for this kind of file: a regular file or a directory never
    /// blocks, so there is nothing to wait for.
    #[error("registering source: this kind of file cannot be watched (a regular file, perhaps)")]
    Unwatchable {
        /// The kernel's reason (`EPERM`).
        source: io::Error,
    },

    /// This kernel does not have the mechanism, or a sandbox forbids it.
    #[error("opening selector: {selector} is not available here")]
    Unavailable {
        /// The mechanism's name.
        selector: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },

    /// No mechanism of this platform has that name.
    #[error("opening selector: no selector is called {name:?} here; there are {}", available.join(", "))]
    UnknownName {
        /// The name asked for.
        name: String,
        /// The names this platform knows.
        available: Vec<&'static str>,
    },
}

impl SelectorError {
    /// The kernel's answer to a registration; `EPERM` means the kind of file.
    pub(crate) fn registering(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::PermissionDenied => Self::Unwatchable { source },
            _ => Self::Os { action: "registering source", source },
        }
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Os { source, .. } | Self::Unwatchable { source } => source.kind(),
            Self::AlreadyRegistered { .. } => io::ErrorKind::AlreadyExists,
            Self::NotRegistered { .. } => io::ErrorKind::NotFound,
            Self::EdgeUnsupported { .. } | Self::Unavailable { .. } => io::ErrorKind::Unsupported,
            Self::ReservedToken { .. }
            | Self::DescriptorTooLarge { .. }
            | Self::UnknownName { .. } => io::ErrorKind::InvalidInput,
        }
    }
}

impl From<SelectorError> for io::Error {
    fn from(error: SelectorError) -> Self {
        Self::new(error.kind(), error)
    }
}
