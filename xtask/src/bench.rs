//! `cargo xtask bench`: the benchmarks, which live outside the workspace.
//!
//! They drag in every peer runtime; nobody who only tests should have to build those.

use lexopt::prelude::*;

use crate::failure::{Failure, Result};
use crate::invocation::Invocation;
use crate::tree;

pub(crate) const HELP: &str = "\
bench [NAME] [--rounds N] [OPTION]...
    Builds and runs the benchmarks of crates/roundel-bench, against the peers in one run; a wrong
    name gets the list, --help the options. All arguments are passed on.";

const MANIFEST: &str = "crates/roundel-bench/Cargo.toml";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    if !tree::root().join(MANIFEST).exists() {
        return Err(Failure::new(format!(
            "the benchmarks are not here yet: {MANIFEST} is missing"
        )));
    }
    let passed: Vec<String> =
        arguments.raw_args()?.map(|word| word.string()).collect::<std::result::Result<_, _>>()?;
    let cargo = |verb, which| {
        let options = ["--release", "--target-dir", "target/bench", which];
        Invocation::cargo([verb, "--manifest-path", MANIFEST]).with(options)
    };
    // Servers and probes are programs beside the one that is run.
    cargo("build", "--bins").run()?;
    cargo("run", "--").with(passed.iter().map(String::as_str)).run()
}
