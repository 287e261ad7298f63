//! Waiting for the whole of a timeout, whatever signals or rounding do to a single call.
//!
//! The one place of this crate that reads a clock, and only when it may have to wait for a time.
use std::{
    io,
    time::{Duration, Instant},
};

use rustix::event::Timespec;

/// Calls `wait` until it finds something, fails, or `timeout` has passed in full.
///
/// `wait` gets the time left and answers with how much it found. A signal (`EINTR`) or a call that
/// came back empty too soon leads to another call with the rest of the time, so nobody is back
/// early. A timeout beyond the clock's range is no limit.
pub(crate) fn uninterrupted(
    timeout: Option<Duration>,
    mut wait: impl FnMut(Option<Duration>) -> io::Result<usize>,
) -> io::Result<()> {
    let deadline = match timeout {
        Some(time) if !time.is_zero() => Instant::now().checked_add(time),
        _ => None,
    };
    let rest = || match deadline {
        Some(deadline) => Some(deadline.saturating_duration_since(Instant::now())),
        None => timeout.filter(Duration::is_zero),
    };
    let mut left = timeout;
    loop {
        match wait(left) {
            Ok(0) => {
                left = rest();
                if left == Some(Duration::ZERO) {
                    return Ok(());
                }
            }
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => left = rest(),
            Err(error) => return Err(error),
        }
    }
}

/// A time as the kernel takes it; `None`, no limit, if it is beyond the kernel's range.
pub(crate) fn timespec(time: Option<Duration>) -> Option<Timespec> {
    time.and_then(|time| Timespec::try_from(time).ok())
}
