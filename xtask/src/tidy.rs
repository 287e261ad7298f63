//! `cargo xtask tidy`: rules of the house that no compiler keeps.
//!
//! A rule is a function from the [`Tree`] to what it finds wrong; each has a test that shows it
//! failing on a bad tree. Some rules excuse a line by the comment above it: see their own files.

mod papers;
mod size;
mod unsafety;
mod words;

use lexopt::prelude::*;

use crate::failure::{Failure, Result};
use crate::tree::Tree;

pub(crate) const HELP: &str = "\
tidy
    Checks the rules of the house that no compiler keeps: headers, sizes, words, unsafe code and
    its ledger, sleeps in tests, thread-locals, and that the papers are complete.

    --rules   list the rules instead";

/// One thing wrong, at a place.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; 0 where the whole file is meant.
    line: usize,
    text: String,
}

impl Finding {
    fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, text: text.into() }
    }
}

/// A rule with the sentence that states it.
type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

const RULES: &[Rule] = &[
    ("every Rust file begins with a `//!` header", papers::headers),
    ("docs/asyncio.md has a row for every name of the API table", papers::api_rows),
    ("docs/asyncio.md names what is there", papers::api_names),
    ("a file has at most 600 lines before its tests", size::files),
    ("a function has at most 70 lines", size::functions),
    ("nothing is unfinished, ignored or left from debugging", words::unfinished),
    ("no file names a path of one machine", words::machine_paths),
    ("no file names a package registry's host", words::registry_hosts),
    ("a test sleeps only under a `// why:` line", words::sleeps),
    ("the one thread-local is the loop's", words::thread_locals),
    ("time is read through a clock", words::clocks),
    ("a crate's root forbids unsafe code, or denies it where it may hold some", unsafety::roots),
    ("unsafe code is confined to one file of a crate", unsafety::confinement),
    ("docs/unsafe.md counts every use of unsafe", unsafety::ledger),
];

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    let mut list = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("rules") => list = true,
            other => return Err(other.unexpected().into()),
        }
    }
    if list {
        RULES.iter().for_each(|(sentence, _)| println!("{sentence}"));
    } else {
        check(&Tree::of_workspace()?)?;
        println!("{} rules kept", RULES.len());
    }
    Ok(())
}

/// Fails with one line per finding, under the rule it breaks.
pub(crate) fn check(tree: &Tree) -> Result {
    let mut report = String::new();
    for (sentence, rule) in RULES {
        let findings = rule(tree);
        if !findings.is_empty() {
            report += &format!("{sentence}:\n");
        }
        for Finding { path, line, text } in findings {
            report += &format!("  {path}:{line}: {text}\n");
        }
    }
    if report.is_empty() { Ok(()) } else { Err(Failure::new(report.trim_end())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_reported_under_its_rule() {
        let report = check(&Tree::of(&[("crates/roundel-timer/src/a.rs", "fn a() {}\n")]))
            .expect_err("the header is missing")
            .to_string();
        assert!(report.contains("begins with a `//!` header:\n  crates/roundel-timer/src/a.rs:1:"));
    }

    #[test]
    fn the_workspace_is_tidy() {
        let tree = Tree::of_workspace().expect("the workspace is readable");
        if let Err(report) = check(&tree) {
            panic!("{report}");
        }
    }
}
