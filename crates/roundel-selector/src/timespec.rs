//! Durations as the kernel takes them.
use std::time::Duration;

use rustix::event::Timespec;

/// A time limit for a system call; `None`, no limit, if it is beyond the kernel's range.
pub(crate) fn timespec(time: Option<Duration>) -> Option<Timespec> {
    time.and_then(|time| Timespec::try_from(time).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_cannot_count_is_no_limit() {
        assert_eq!(timespec(None), None);
        assert_eq!(timespec(Some(Duration::MAX)), None);
        let exact = Timespec { tv_sec: 2, tv_nsec: 7 };
        assert_eq!(timespec(Some(Duration::new(2, 7))), Some(exact));
    }
}
