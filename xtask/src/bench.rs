//! `cargo xtask bench`: the benchmarks, which live outside the workspace.
//!
//! They drag in every peer runtime; nobody who only tests should have to build those.

use lexopt::prelude::*;

use crate::failure::{Failure, Result};
use crate::invocation::Invocation;
use crate::tree;

pub(crate) const HELP: &str = "\
bench [NAME] [--rounds N] [OPTION]...
    Builds and runs the benchmarks of crates/roundel-bench, against the peers in one run; a name
    selects the benchmarks that contain it. All arguments are passed on.";

const MANIFEST: &str = "crates/roundel-bench/Cargo.toml";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    if !tree::root().join(MANIFEST).exists() {
        return Err(Failure::new(format!(
            "the benchmarks are not here yet: {MANIFEST} is missing"
        )));
    }
    let passed: Vec<String> =
        arguments.raw_args()?.map(|word| word.string()).collect::<std::result::Result<_, _>>()?;
    Invocation::cargo(["run", "--release", "--manifest-path", MANIFEST])
        .with(["--target-dir", "target/bench", "--"])
        .with(passed.iter().map(String::as_str))
        .run()
}
