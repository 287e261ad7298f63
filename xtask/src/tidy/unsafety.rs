//! Rules about unsafe code: forbidden, confined, counted.
//!
//! The ledger docs/unsafe.md holds one row per file: `| path | number | invariant | … |`. The
//! number is how often the word `unsafe` stands in the file's code.

use std::collections::BTreeMap;

use super::Finding;
use crate::code::words;
use crate::tree::{Source, Tree};

/// The crates that may hold unsafe code, each in one file; of the benchmarks, a peer on io_uring.
const ALLOWED: [&str; 4] =
    ["roundel-selector", "roundel-uring", "roundel-executor", "roundel-bench"];
const LEDGER: &str = "docs/unsafe.md";

/// The root of a crate says whether unsafe code can be in it at all.
pub(super) fn roots(tree: &Tree) -> Vec<Finding> {
    let is_root = |source: &&Source| source.is_library() && source.path.ends_with("/src/lib.rs");
    let mut findings = Vec::new();
    for root in tree.rust().filter(is_root) {
        let may = ALLOWED.iter().any(|name| root.crate_name() == Some(name));
        let expected = if may { "deny" } else { "forbid" };
        // A crate that may hold unsafe code may also hold none.
        let says = |level: &str| root.code.contains(&format!("#![{level}(unsafe_code)]"));
        if !says(expected) && !says("forbid") {
            let text = format!("`#![{expected}(unsafe_code)]` is missing");
            findings.push(Finding::new(&root.path, 0, text));
        }
    }
    findings
}

/// One file to read when memory is in doubt.
pub(super) fn confinement(tree: &Tree) -> Vec<Finding> {
    let mut allowing: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in tree.rust().filter(|source| source.code.contains("allow(unsafe_code)")) {
        let home = source.crate_name().unwrap_or("xtask");
        allowing.entry(home).or_default().push(source);
    }
    let mut findings = Vec::new();
    for (home, sources) in allowing {
        let may = if ALLOWED.contains(&home) { 1 } else { 0 };
        findings.extend(sources.iter().skip(may).map(|source| {
            let text = format!("allows unsafe code; {home} may do so in {may} files");
            Finding::new(&source.path, 0, text)
        }));
    }
    findings
}

pub(super) fn ledger(tree: &Tree) -> Vec<Finding> {
    let mut entries = tree.get(LEDGER).map(entries).unwrap_or_default();
    let mut findings = Vec::new();
    for source in tree.rust() {
        let counted = words(&source.code, "unsafe").count();
        let entered = entries.remove(source.path.as_str()).unwrap_or(0);
        if counted != entered {
            let text = format!("`unsafe` stands here {counted} times, in {LEDGER} {entered}");
            findings.push(Finding::new(&source.path, 0, text));
        }
    }
    let stale = entries.keys().map(|path| Finding::new(LEDGER, 0, format!("no file {path}")));
    findings.extend(stale);
    findings
}

/// Path and number of each row.
fn entries(ledger: &Source) -> BTreeMap<&str, usize> {
    ledger.text.lines().filter_map(parse_row).collect()
}

fn parse_row(line: &str) -> Option<(&str, usize)> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
    let path = cells.next()?.trim_matches('`');
    let number = cells.next()?.parse().ok()?;
    path.ends_with(".rs").then_some((path, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOLL: &str = "crates/roundel-selector/src/epoll.rs";
    const ROW: &str =
        "| `crates/roundel-selector/src/epoll.rs` | 1 | open while registered | … |\n";
    const BLOCK: &str = "#![allow(unsafe_code)]\nfn a() {\n    // unsafe?\n    unsafe { b() }\n}\n";

    #[test]
    fn a_root_must_take_a_stand() {
        let rows = [
            ("crates/roundel-timer/src/lib.rs", "#![forbid(unsafe_code)]\n", 0),
            ("crates/roundel-timer/src/lib.rs", "#![deny(unsafe_code)]\n", 1),
            ("crates/roundel-timer/src/lib.rs", "//! #![forbid(unsafe_code)]\n", 1),
            ("crates/roundel-selector/src/lib.rs", "#![deny(unsafe_code)]\n", 0),
            ("crates/roundel-selector/src/lib.rs", "", 1),
            ("crates/roundel-timer/src/clock.rs", "", 0),
        ];
        for (path, text, expected) in rows {
            assert_eq!(roots(&Tree::of(&[(path, text)])).len(), expected, "{path}: {text}");
        }
    }

    #[test]
    fn a_second_unsafe_file_is_found() {
        let second = "crates/roundel-selector/src/poll.rs";
        assert!(confinement(&Tree::of(&[(EPOLL, BLOCK)])).is_empty());
        let found = confinement(&Tree::of(&[(EPOLL, BLOCK), (second, BLOCK)]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, second);
        assert_eq!(confinement(&Tree::of(&[("crates/roundel-loop/src/a.rs", BLOCK)])).len(), 1);
    }

    #[test]
    fn the_ledger_must_count_right() {
        assert!(ledger(&Tree::of(&[(EPOLL, BLOCK), (LEDGER, ROW)])).is_empty());
        assert_eq!(ledger(&Tree::of(&[(EPOLL, BLOCK)])).len(), 1);
        let wrong = ROW.replace("| 1 |", "| 2 |");
        assert_eq!(ledger(&Tree::of(&[(EPOLL, BLOCK), (LEDGER, &wrong)])).len(), 1);
        assert_eq!(ledger(&Tree::of(&[(LEDGER, ROW)])).len(), 1, "a row without its file");
    }
}
