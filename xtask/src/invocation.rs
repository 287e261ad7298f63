//! A program to run: built once, then both run and shown, so that the command a failure tells
//! the reader to repeat is the command that failed.

use std::fmt;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};
use crate::tree;

/// A program with its arguments and the environment it needs, run from the workspace's root.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    program: &'static str,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Invocation {
    pub(crate) fn new<'a>(
        program: &'static str,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Self { program, arguments, environment: Vec::new() }
    }

    /// `cargo` as found in the path: the proxy of rustup where there is one, so `+nightly` works.
    pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new("cargo", arguments)
    }

    pub(crate) fn with<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.arguments.extend(arguments.into_iter().map(str::to_owned));
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Runs with the terminal's own streams.
    pub(crate) fn run(&self) -> Result {
        let status = self.command().status().map_err(|error| self.not_started(&error))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("`{self}` ended with {status}")))
    }

    /// Runs and keeps standard output; standard error stays on the terminal, where progress
    /// belongs. Gives whether it succeeded, and the output either way.
    pub(crate) fn capture(&self) -> Result<(bool, String)> {
        let output = self
            .command()
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| self.not_started(&error))?;
        Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    /// Whether it can be run and succeeds, silently: a probe for tools that may be missing.
    pub(crate) fn succeeds(&self) -> bool {
        let output = self.command().stderr(Stdio::null()).output();
        output.is_ok_and(|output| output.status.success())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.args(&self.arguments).current_dir(tree::root());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("starting `{self}`: {error}"))
    }
}

/// As a line for a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(self.program)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

fn quoted(word: &str) -> String {
    if word.contains(char::is_whitespace) { format!("'{word}'") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_as_a_line_to_repeat() {
        let doc = Invocation::cargo(["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(doc.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn a_missing_program_is_named() {
        let failure = Invocation::new("no-such-program", []).run().expect_err("it is missing");
        assert!(failure.to_string().contains("starting `no-such-program`"), "{failure}");
    }
}
