//! What a signal does before anybody here handles it. Asking the kernel would take unsafe code;
//! reading what it tells of the process does not.

use std::fs;

use crate::SignalKind;

/// What the process does at a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    Default,
    Ignored,
    Handled,
}

impl Disposition {
    /// The present one; the default where the system does not tell.
    pub(crate) fn of(kind: SignalKind) -> Self {
        fs::read_to_string("/proc/self/status")
            .map_or(Self::Default, |status| Self::in_status(kind, &status))
    }

    fn in_status(kind: SignalKind, status: &str) -> Self {
        // Signal 1 is the lowest bit.
        let bit = 1u64.checked_shl((kind.as_raw() - 1).unsigned_abs()).unwrap_or(0);
        let is_in = |name| mask(status, name).is_some_and(|mask| mask & bit != 0);
        if is_in("SigIgn:") {
            Self::Ignored
        } else if is_in("SigCgt:") {
            Self::Handled
        } else {
            Self::Default
        }
    }
}

/// A set of signals, as a line `SigIgn:  0000000000001000` tells it.
fn mask(status: &str, name: &str) -> Option<u64> {
    let digits = status.lines().find_map(|line| line.strip_prefix(name))?;
    u64::from_str_radix(digits.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::Disposition;
    use crate::SignalKind;

    #[test]
    fn the_masks_of_the_status_are_read() {
        let status = "Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001000\n\
                      SigCgt:\t0000000000000002\n";
        let of = |kind| Disposition::in_status(kind, status);
        assert_eq!(of(SignalKind::INTERRUPT), Disposition::Handled);
        assert_eq!(of(SignalKind::from_raw(13)), Disposition::Ignored);
        assert_eq!(of(SignalKind::TERMINATE), Disposition::Default);
        assert_eq!(of(SignalKind::from_raw(200)), Disposition::Default);
        assert_eq!(Disposition::in_status(SignalKind::INTERRUPT, ""), Disposition::Default);
    }
}
