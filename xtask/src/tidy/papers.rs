//! Rules about what is written for readers: file headers, and the table of asyncio's names.

use super::Finding;
use crate::code::words;
use crate::tree::Tree;

const API: &str = "docs/asyncio.md";

/// How many public names the API table of asyncio, concurrent.futures, selectors, subprocess and
/// contextvars has (CPython 3.13 with the additions of 3.14 and 3.15).
const API_NAMES: usize = 501;

/// A file says on its first line what it is and why it is there.
pub(super) fn headers(tree: &Tree) -> Vec<Finding> {
    let bare = tree.rust().filter(|source| !source.text.starts_with("//! "));
    bare.map(|source| Finding::new(&source.path, 1, "does not begin with `//! `")).collect()
}

/// A name that is missing from the table is a name nobody decided about.
pub(super) fn api_rows(tree: &Tree) -> Vec<Finding> {
    match rows(tree).count() {
        API_NAMES => Vec::new(),
        rows => vec![Finding::new(API, 0, format!("{rows} rows, the table has {API_NAMES}"))],
    }
}

/// A row that says where a name is must be right: what it quotes stands in that crate.
pub(super) fn api_names(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, [_, _, ours, home]) in rows(tree) {
        let Some(home) = home.strip_prefix('`').and_then(|home| home.strip_suffix('`')) else {
            continue; // later, or absent
        };
        let library = || tree.rust().filter(|source| source.crate_name() == Some(home));
        for name in ours.split('`').skip(1).step_by(2) {
            let word = name.rsplit("::").next().unwrap_or(name).trim_end_matches("()");
            if !library().any(|source| words(&source.text, word).next().is_some()) {
                findings.push(Finding::new(API, line, format!("{home} has no `{name}`")));
            }
        }
    }
    findings
}

/// The rows of the table with their lines: area, Python's name, ours, where it is. A row begins
/// with an area's code, as in `| SEL | …`.
fn rows(tree: &Tree) -> impl Iterator<Item = (usize, [&str; 4])> {
    let text = tree.get(API).map(|paper| paper.text.as_str()).unwrap_or_default();
    text.lines().enumerate().filter_map(|(at, line)| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let is_area = |cell: &str| cell.len() == 3 && cell.bytes().all(|b| b.is_ascii_uppercase());
        let cells: [&str; 4] = cells.try_into().ok()?;
        is_area(cells[0]).then_some((at + 1, cells))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_header_is_found() {
        let tree = Tree::of(&[
            ("xtask/src/a.rs", "//! What it is.\n"),
            ("xtask/src/b.rs", "// A comment is no header.\n"),
            ("README.md", "no header needed\n"),
        ]);
        assert_eq!(
            headers(&tree),
            [Finding::new("xtask/src/b.rs", 1, "does not begin with `//! `")]
        );
    }

    #[test]
    fn a_lost_row_is_found() {
        let table = |rows| {
            format!(
                "| Area | Name |\n|---|---|---|---|\n{}",
                "| SEL | `x` | — | why |\n".repeat(rows)
            )
        };
        assert!(api_rows(&Tree::of(&[(API, &table(API_NAMES))])).is_empty());
        assert_eq!(api_rows(&Tree::of(&[(API, &table(API_NAMES - 1))])).len(), 1);
        assert_eq!(api_rows(&Tree::of(&[])).len(), 1, "the table itself is lost");
    }

    #[test]
    fn a_name_that_is_not_where_the_table_says_is_found() {
        let clock = ("crates/roundel-timer/src/clock.rs", "pub struct SystemClock;");
        let check = |ours: &str, home: &str| {
            api_names(&Tree::of(&[clock, (API, &format!("| LPS | `time` | {ours} | {home} |"))]))
                .len()
        };
        assert_eq!(check("`SystemClock`", "`roundel-timer`"), 0);
        assert_eq!(check("`SystemClock`, `Clock::now`", "`roundel-timer`"), 1);
        assert_eq!(check("`SystemClock`", "`roundel-loop`"), 1);
        assert_eq!(check("`Runner`", "later, `roundel-run`"), 0);
    }
}
