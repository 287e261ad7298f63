//! The runtimes, each in its users' words: one file each, and in each the same names.

pub(super) mod compio;
pub(super) mod monoio;
pub(super) mod roundel;
pub(super) mod smol;
pub(super) mod tokio;
pub(super) mod tokio_local;
