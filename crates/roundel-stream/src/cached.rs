//! `Cached`: a file as far as the kernel has it in memory, for the kernel to send by itself.

#[cfg_attr(target_os = "linux", path = "cached/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "cached/none.rs")]
mod platform;

pub(crate) use platform::Cached;

/// What came of asking the kernel to send.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "it is never asked"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// So many bytes; none is the end of the file.
    Sent(usize),
    /// The socket took no more.
    NoRoom,
    /// The kernel does not send this file by itself.
    Refused,
}
