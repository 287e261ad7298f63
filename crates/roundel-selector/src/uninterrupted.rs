//! Waiting for the whole of a timeout, whatever signals or rounding do to a single call.
//!
//! The one place of this crate that reads a clock, and only when it may have to wait for a time.
use std::{
    io,
    time::{Duration, Instant},
};

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits against a script of answers; gives the times that each call was told to wait.
    fn run(
        timeout: Option<Duration>,
        script: Vec<io::Result<usize>>,
    ) -> (io::Result<()>, Vec<Option<Duration>>) {
        let mut asked = Vec::new();
        let mut script = script.into_iter();
        let result = uninterrupted(timeout, |left| {
            asked.push(left);
            let start = Instant::now();
            while Instant::now() == start {} // however coarse the clock, time passes
            script.next().expect("one call too many")
        });
        assert!(script.next().is_none(), "one call too few");
        (result, asked)
    }

    fn interrupted() -> io::Result<usize> {
        Err(io::ErrorKind::Interrupted.into())
    }

    const HOUR: Duration = Duration::from_secs(3600);

    // spec: SEL-21
    #[test]
    fn a_signal_costs_only_the_time_that_has_passed() {
        let (result, asked) = run(Some(HOUR), vec![interrupted(), interrupted(), Ok(1)]);
        result.unwrap();
        assert_eq!(asked[0], Some(HOUR));
        assert!(asked[2] < asked[1] && asked[1] < asked[0] && asked[2] > Some(HOUR / 2));

        assert_eq!(run(None, vec![interrupted(), Ok(1)]).1, [None, None]);
        let now = Some(Duration::ZERO);
        assert_eq!(run(now, vec![interrupted(), Ok(0)]).1, [now, now]);
    }

    // spec: SEL-19
    #[test]
    fn coming_back_empty_too_early_is_not_the_end() {
        let (result, asked) = run(Some(HOUR), vec![Ok(0), Ok(0), Ok(1)]);
        result.unwrap();
        assert!(asked[2] < asked[1] && asked[1] < asked[0]);
    }

    #[test]
    fn one_call_is_enough_unless_something_came_between() {
        assert_eq!(run(Some(Duration::ZERO), vec![Ok(0)]).1.len(), 1);
        assert_eq!(run(Some(HOUR), vec![Ok(3)]).1.len(), 1);
        assert_eq!(run(None, vec![Ok(3)]).1.len(), 1);
    }

    #[test]
    fn other_errors_end_the_wait() {
        let (result, _) = run(Some(HOUR), vec![Err(io::ErrorKind::OutOfMemory.into())]);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::OutOfMemory);
    }
}
