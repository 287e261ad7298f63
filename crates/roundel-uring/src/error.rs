//! `Unavailable`: why there is no io_uring here.

use std::io;

/// io_uring is not to be had here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// `ENOSYS`: a kernel before 5.1, built without it, or no Linux at all.
    #[error("opening io_uring: there is no io_uring here")]
    Missing,
    /// `EPERM`: a container's policy, or the setting `kernel.io_uring_disabled`.
    #[error("opening io_uring: it is forbidden here")]
    Forbidden,
    /// `ENOMEM`: older kernels count the rings against the limit of locked memory.
    #[error("opening io_uring: no memory for its rings (is the limit of locked memory too low?)")]
    Memory,
    /// The kernel's io_uring lacks what the driver stands on.
    #[error("opening io_uring: this kernel has no {feature}, it came with Linux {since}")]
    TooOld {
        /// What is missing.
        feature: &'static str,
        /// The first Linux that has it.
        since: &'static str,
    },
    /// Something else failed.
    #[error("opening io_uring")]
    Os(#[source] io::Error),
}

impl Unavailable {
    /// In a few words, for statistics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "there is no io_uring here",
            Self::Forbidden => "io_uring is forbidden here",
            Self::Memory => "there is no memory for io_uring's rings",
            Self::TooOld { .. } => "this kernel's io_uring is too old",
            Self::Os(_) => "io_uring could not be opened",
        }
    }
}
