//! What can go wrong with names, connections and listeners, and where it was to happen.

use std::{error::Error, fmt, io, path::PathBuf, time::Duration};

use roundel_loop::{Address, OperationError, SocketError};

use crate::Target;

/// A name has no addresses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The text names no host and port.
    #[error("resolving {text:?}: expected host:port")]
    Malformed {
        /// The text.
        text: String,
    },
    /// It could not be looked up.
    #[error("resolving {host:?}")]
    LookUp {
        /// The name.
        host: String,
        /// The resolver's reason.
        source: io::Error,
    },
    /// It was looked up, and there is nothing.
    #[error("resolving {host:?}: it has no address")]
    NoAddress {
        /// The name.
        host: String,
    },
}

impl ResolveError {
    /// The kind of the reason.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Malformed { .. } => io::ErrorKind::InvalidInput,
            Self::LookUp { source, .. } => source.kind(),
            Self::NoAddress { .. } => io::ErrorKind::NotFound,
        }
    }
}

impl From<ResolveError> for io::Error {
    fn from(error: ResolveError) -> Self {
        Self::new(error.kind(), error)
    }
}

/// There is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The name has no addresses.
    #[error("connecting to {target}")]
    Resolve {
        /// Where to.
        target: Target,
        /// Why not.
        source: ResolveError,
    },
    /// Every address failed.
    #[error("connecting to {target}")]
    Failed {
        /// Where to.
        target: Target,
        /// Every attempt.
        source: Failures,
    },
    /// It took too long altogether.
    #[error("connecting to {target}: not done within {limit:?}")]
    Elapsed {
        /// Where to.
        target: Target,
        /// [`ConnectOptions::limit`](crate::ConnectOptions::limit).
        limit: Duration,
    },
    /// The Unix socket did not take the connection.
    #[error("connecting to a Unix socket")]
    Unix(#[source] ConnectFailure),
    /// The path or name can be no socket's.
    #[error("connecting to {path:?}")]
    Name {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ConnectError {
    /// What became of each address that was tried.
    pub fn failures(&self) -> &[ConnectFailure] {
        match self {
            Self::Failed { source, .. } => &source.0,
            Self::Unix(failure) => std::slice::from_ref(failure),
            _ => &[],
        }
    }

    /// The kind of the reason: the first attempt's.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Resolve { source, .. } => source.kind(),
            Self::Failed { source, .. } => source.0[0].kind(),
            Self::Elapsed { .. } => io::ErrorKind::TimedOut,
            Self::Unix(failure) => failure.kind(),
            Self::Name { source, .. } => source.kind(),
        }
    }
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        Self::new(error.kind(), error)
    }
}

/// The failures of all attempts at one connection, at least one: those to be told. If all have one
/// reason, that of the first stands for them.
#[derive(Debug)]
pub struct Failures(Vec<ConnectFailure>);

impl Failures {
    pub(crate) fn new(failures: Vec<ConnectFailure>) -> Self {
        assert!(!failures.is_empty(), "an attempt that is not made does not fail");
        Self(failures)
    }

    /// All reasons are the same.
    fn agree(&self) -> bool {
        let first = self.0[0].reason();
        self.0[1..].iter().all(|failure| failure.reason() == first)
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.agree() {
            return self.0[0].fmt(f);
        }
        for (nth, failure) in self.0.iter().enumerate() {
            let separator = if nth == 0 { "" } else { "; " };
            write!(f, "{separator}{failure}: {}", failure.reason())?;
        }
        Ok(())
    }
}

impl Error for Failures {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        if self.agree() { self.0[0].source() } else { None }
    }
}

/// One attempt at one address.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The socket could not be made, tuned or bound.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// It did not connect.
    #[error(transparent)]
    Connect(#[from] OperationError),
    /// None of the local addresses is of the address's family.
    #[error("connecting a socket to {address}: no local address of its family")]
    NoLocalAddress {
        /// Where to.
        address: Address,
    },
    /// It took too long.
    #[error("connecting a socket to {address}: no answer within {limit:?}")]
    Elapsed {
        /// Where to.
        address: Address,
        /// [`ConnectOptions::attempt_limit`](crate::ConnectOptions::attempt_limit).
        limit: Duration,
    },
}

impl ConnectFailure {
    /// The kind of the reason.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Socket(error) => error.kind(),
            Self::Connect(error) => error.kind(),
            Self::NoLocalAddress { .. } => io::ErrorKind::AddrNotAvailable,
            Self::Elapsed { .. } => io::ErrorKind::TimedOut,
        }
    }

    /// The reason without the address.
    fn reason(&self) -> String {
        match self {
            Self::Socket(error) => error.io_error().to_string(),
            Self::Connect(error) => error.io_error().to_string(),
            Self::NoLocalAddress { .. } => "no local address of its family".to_owned(),
            Self::Elapsed { limit, .. } => format!("no answer within {limit:?}"),
        }
    }
}

/// A socket could not be had to listen, or for datagrams.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The name has no addresses.
    #[error("binding a socket")]
    Resolve(#[from] ResolveError),
    /// The socket could not be made, tuned or bound.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The path or name can be no socket's.
    #[error("binding a socket to {path:?}")]
    Name {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The socket file that a dead server left could not be taken away.
    #[error("removing the socket file {path:?}")]
    StaleFile {
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl BindError {
    /// The kind of the reason.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Resolve(error) => error.kind(),
            Self::Socket(error) => error.kind(),
            Self::Name { source, .. } | Self::StaleFile { source, .. } => source.kind(),
        }
    }
}

impl From<BindError> for io::Error {
    fn from(error: BindError) -> Self {
        Self::new(error.kind(), error)
    }
}
