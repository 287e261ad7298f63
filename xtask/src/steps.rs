//! Steps of a long command: a heading and a time for each, the first failure stops, and the
//! tests that ran are counted from what the test programs themselves said.

use std::fmt;
use std::time::Instant;

use crate::failure::{Failure, Result};
use crate::invocation::Invocation;

/// How many tests passed and failed, summed over test programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// Reads every `test result: … N passed; N failed; …` line of the output.
    fn read(output: &str) -> Self {
        let count = |line: &str, what: &str| -> u64 {
            let before = line.split(what).next().unwrap_or_default();
            before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        let mut tally = Self::default();
        for line in output.lines().filter(|line| line.starts_with("test result: ")) {
            tally.passed += count(line, " passed;");
            tally.failed += count(line, " failed;");
        }
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Runs steps and keeps the count.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    tally: Tally,
    taken: usize,
}

impl Steps {
    /// A check within this program. `repeat` is the command that runs it alone.
    pub(crate) fn check(
        &mut self,
        title: &str,
        repeat: &str,
        check: impl FnOnce() -> Result,
    ) -> Result {
        let started = self.begin(title);
        match check() {
            Ok(()) => {
                end("ok", started);
                Ok(())
            }
            Err(failure) => {
                eprintln!("{failure}");
                Err(self.stop(title, repeat, Tally::default()))
            }
        }
    }

    /// A program that only succeeds or fails.
    pub(crate) fn run(&mut self, title: &str, invocation: &Invocation) -> Result {
        self.check(title, &invocation.to_string(), || invocation.run())
    }

    /// A program that runs tests; its own counts are added to the sum.
    pub(crate) fn test(&mut self, title: &str, invocation: &Invocation) -> Result {
        let started = self.begin(title);
        let (succeeded, output) = invocation.capture()?;
        let tally = Tally::read(&output);
        self.tally.passed += tally.passed;
        self.tally.failed += tally.failed;
        if succeeded && tally.failed == 0 {
            end(&format!("{} passed", tally.passed), started);
            return Ok(());
        }
        print!("{output}");
        Err(self.stop(title, &invocation.to_string(), tally))
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    fn begin(&mut self, title: &str) -> Instant {
        self.taken += 1;
        println!("\n== {}. {title}", self.taken);
        Instant::now()
    }

    /// A step that fails without a failed test (a lint, a compile error, a crash) counts as one
    /// failure: a sum that says "0 failed" must mean that everything is well.
    fn stop(&mut self, title: &str, repeat: &str, of_step: Tally) -> Failure {
        if of_step.failed == 0 {
            self.tally.failed += 1;
        }
        Failure::new(format!(
            "stopped at step {}, {title}; repeat it with:\n  {repeat}",
            self.taken
        ))
    }
}

fn end(what: &str, started: Instant) {
    println!("   {what} in {:.1} s", started.elapsed().as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_over_programs() {
        let output = "running 3 tests\n\
            test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n\
            the words 9 passed; 9 failed; elsewhere do not count\n\
            test result: ok. 40 passed; 0 failed; 0 ignored; finished in 0.00s\n";
        assert_eq!(Tally::read(output), Tally { passed: 42, failed: 1 });
        assert_eq!(Tally::read(output).to_string(), "42 passed, 1 failed");
    }

    #[test]
    fn a_failure_without_a_failed_test_counts_as_one() {
        let mut steps = Steps::default();
        let failure = steps
            .check("lint", "cargo lint", || Err(Failure::new("one lint")))
            .expect_err("the check failed");
        assert_eq!(steps.tally(), Tally { passed: 0, failed: 1 });
        assert!(failure.to_string().contains("cargo lint"), "{failure}");
    }
}
