//! Why a command failed, in one sentence; the one error type of this program.
//!
//! Nobody matches on these: they are read by the person at the terminal.

use std::fmt;

pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// A sentence for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::new(error.to_string())
    }
}
