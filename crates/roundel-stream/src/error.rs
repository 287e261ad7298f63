//! `ReadError`: why a read did not bring what was asked for, with what came instead; `SendFileError`.

use std::io;

/// A read did not bring what was asked for. What came is not lost.
///
/// Turned into an [`io::Error`] it has the kinds that the standard library uses.
///
/// ```
/// use std::io;
/// use roundel_stream::ReadError;
///
/// let early = ReadError::Incomplete { partial: b"HTTP/1".to_vec(), expected: None };
/// assert_eq!(early.to_string(), "the stream ended after 6 bytes, within what was read");
/// assert_eq!(io::Error::from(early).kind(), io::ErrorKind::UnexpectedEof);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream ended too early.
    #[doc(alias = "IncompleteReadError")]
    #[error("the stream ended after {} bytes, {}", partial.len(), Wanted(*expected))]
    Incomplete {
        /// What came before the end; it is read.
        partial: Vec<u8>,
        /// How many bytes were asked for; none if a separator was looked for.
        expected: Option<usize>,
    },
    /// There is no separator within the reader's limit.
    #[doc(alias = "LimitOverrunError")]
    #[error("no separator within the limit of {limit} bytes")]
    LimitOverrun {
        /// How many bytes can be read without reading into a separator.
        consumed: usize,
        /// The reader's limit.
        limit: usize,
    },
    /// There was no separator to look for, or one of no bytes.
    #[error("looking for an empty separator")]
    EmptySeparator,
    /// The carrier failed.
    #[error("reading from a stream")]
    Io(#[from] io::Error),
}

struct Wanted(Option<usize>);

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(expected) => write!(f, "of {expected}"),
            None => f.write_str("within what was read"),
        }
    }
}

impl ReadError {
    /// The kind that it has as an [`io::Error`].
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Incomplete { .. } => io::ErrorKind::UnexpectedEof,
            Self::LimitOverrun { .. } => io::ErrorKind::InvalidData,
            Self::EmptySeparator => io::ErrorKind::InvalidInput,
            Self::Io(error) => error.kind(),
        }
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            error => Self::new(error.kind(), error),
        }
    }
}

/// A file could not be sent whole; says how far it came.
///
/// Turned into an [`io::Error`] it keeps the kind of its cause.
#[derive(Debug, thiserror::Error)]
#[error("sending a file, after {sent} bytes")]
pub struct SendFileError {
    pub(crate) sent: u64,
    #[source]
    pub(crate) cause: io::Error,
}

impl SendFileError {
    /// How many bytes of the file had been handed over before.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Why it went no further.
    pub fn io_error(&self) -> &io::Error {
        &self.cause
    }

    /// The kind of the reason.
    pub fn kind(&self) -> io::ErrorKind {
        self.cause.kind()
    }
}

impl From<SendFileError> for io::Error {
    fn from(error: SendFileError) -> Self {
        Self::new(error.kind(), error)
    }
}

/// A failure of the carrier: told in full once, and by its kind whenever it is met again.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: io::ErrorKind,
    untold: Option<io::Error>,
}

impl Failure {
    pub(crate) fn new(error: io::Error) -> Self {
        Self { kind: error.kind(), untold: Some(error) }
    }

    pub(crate) fn tell(&mut self) -> io::Error {
        self.untold.take().unwrap_or_else(|| self.kind.into())
    }
}
