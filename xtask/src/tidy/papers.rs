//! Rules about what is written for readers: file headers, and the table of asyncio's names.

use super::Finding;
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

/// A name that is missing from the table is a name nobody decided about. A row is a line that
/// begins with an area's code, as in `| SEL | …`.
pub(super) fn api_rows(tree: &Tree) -> Vec<Finding> {
    let text = tree.get(API).map(|paper| paper.text.as_str()).unwrap_or_default();
    let is_row = |line: &&str| {
        let area = line.strip_prefix("| ").and_then(|rest| rest.split(" |").next());
        area.is_some_and(|area| area.len() == 3 && area.bytes().all(|b| b.is_ascii_uppercase()))
    };
    match text.lines().filter(is_row).count() {
        API_NAMES => Vec::new(),
        rows => vec![Finding::new(API, 0, format!("{rows} rows, the table has {API_NAMES}"))],
    }
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
        let table =
            |rows| format!("| Area | Name |\n|---|---|\n{}", "| SEL | `x` |\n".repeat(rows));
        assert!(api_rows(&Tree::of(&[(API, &table(API_NAMES))])).is_empty());
        assert_eq!(api_rows(&Tree::of(&[(API, &table(API_NAMES - 1))])).len(), 1);
        assert_eq!(api_rows(&Tree::of(&[])).len(), 1, "the table itself is lost");
    }
}
