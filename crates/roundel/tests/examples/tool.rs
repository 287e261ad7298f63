//! The tools: which there are, and what is said where one is missing.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

use crate::process::{Ended, Process};

/// A program that the system has, or should have.
pub(crate) struct Tool {
    path: PathBuf,
}

/// Debian's package for each.
const PACKAGES: [(&str, &str); 5] = [
    ("curl", "curl"),
    ("h2load", "nghttp2-client"),
    // There are others that are called `nc`, with other options.
    ("nc.openbsd", "netcat-openbsd"),
    ("socat", "socat"),
    ("wrk", "wrk"),
];

impl Tool {
    /// The tool, or none on a machine that need not have it.
    ///
    /// # Panics
    /// If it is missing in continuous integration.
    #[track_caller]
    pub(crate) fn find(name: &str) -> Option<Self> {
        let (_, package) = PACKAGES.iter().find(|(tool, _)| *tool == name).expect("a known tool");
        let paths = env::var_os("PATH").unwrap_or_default();
        let path = env::split_paths(&paths).map(|path| path.join(name)).find(|path| path.is_file());
        let Some(path) = path else {
            let missing = format!("{name} is missing; on Debian it comes with `{package}`");
            assert!(env::var_os("CI").is_none(), "{missing}");
            // Past what the test harness holds back.
            let _ = writeln!(io::stderr(), "== skipped: {missing}");
            return None;
        };
        Some(Self { path })
    }

    /// Starts it, with its input left open.
    pub(crate) fn start<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Process {
        Process::start(&self.path, arguments)
    }

    /// Runs it on this input to its end, which has to be a good one.
    #[track_caller]
    pub(crate) fn run<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
        input: &[u8],
    ) -> Ended {
        self.start(arguments).succeed(input)
    }
}
