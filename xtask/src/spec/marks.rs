//! Marks above tests: `// spec: SEL-05, SEL-06`, also within the test's doc comment.
//!
//! A mark must stand above a test, with nothing but comments and attributes between. In a
//! conformance body the functions are called by the tests of each implementation, so there a
//! function needs no attribute of its own.

use super::facts::is_id;
use crate::tree::{Source, Tree};

/// A fact pinned by a test.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) id: String,
    pub(super) test: String,
    path: String,
    line: usize,
}

impl Mark {
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}

/// The marks of the crates, and what is wrong with marks that pin nothing.
pub(super) fn marks(tree: &Tree) -> (Vec<Mark>, Vec<String>) {
    let (mut marks, mut faults) = (Vec::new(), Vec::new());
    for source in tree.rust().filter(|source| source.crate_name().is_some()) {
        let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(ids) = ids(line) else { continue };
            let place = format!("{}:{}", source.path, at + 1);
            let Some(test) = test_below(source, &lines[at + 1..]) else {
                faults.push(format!("{place}: the mark stands above no test"));
                continue;
            };
            for id in ids.split(',').map(str::trim) {
                if is_id(id) {
                    let (id, test, path) = (id.to_owned(), test.to_owned(), source.path.clone());
                    marks.push(Mark { id, test, path, line: at + 1 });
                } else {
                    faults.push(format!("{place}: '{id}' is not a fact's ID"));
                }
            }
        }
    }
    (marks, faults)
}

fn ids(line: &str) -> Option<&str> {
    let comment = line.strip_prefix("//")?.trim_start_matches(['/', '!']);
    comment.trim_start().strip_prefix("spec: ")
}

/// The name of the test that the lines begin with.
fn test_below<'a>(source: &Source, lines: &[&'a str]) -> Option<&'a str> {
    let is_preface = |line: &&&str| line.starts_with("//") || line.starts_with("#[");
    let prefaces = lines.iter().take_while(is_preface).count();
    let is_test = |line: &&str| line.starts_with("#[test") || line.starts_with("#[should_panic");
    if !source.is_conformance() && !lines[..prefaces].iter().any(is_test) {
        return None;
    }
    let (_, name) = lines.get(prefaces)?.split_once("fn ")?;
    name.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: &str = "crates/roundel-loop/tests/ordering.rs";

    /// Marks and faults of a file; `@` stands for the mark's word, so that this file holds none.
    fn read(path: &str, text: &str) -> (Vec<Mark>, Vec<String>) {
        marks(&Tree::of(&[(path, &text.replace('@', "spec:"))]))
    }

    #[test]
    fn a_mark_pins_the_test_below_it() {
        for text in [
            "// @ LPS-01, LPS-02\n#[test]\nfn fifo() {}",
            "    /// Order.\n    ///\n    /// @ LPS-01, LPS-02\n    #[test]\n    fn fifo() {}",
            "// @ LPS-01\n// @ LPS-02\n#[test]\n#[cfg(unix)]\nfn fifo() {}",
        ] {
            let (marks, faults) = read(TEST, text);
            assert_eq!(faults, [""; 0], "{text}");
            let pinned: Vec<_> = marks.iter().map(|mark| (&*mark.id, &*mark.test)).collect();
            assert_eq!(pinned, [("LPS-01", "fifo"), ("LPS-02", "fifo")], "{text}");
        }
    }

    #[test]
    fn a_mark_above_no_test_is_a_fault() {
        for text in
            ["// @ LPS-01\nfn fifo() {}", "// @ LPS-01\n\n#[test]\nfn a() {}", "// @ LPS-01"]
        {
            let (marks, faults) = read(TEST, text);
            assert_eq!((marks.len(), faults.len()), (0, 1), "{text}");
        }
    }

    #[test]
    fn a_conformance_body_is_called_by_tests() {
        let (marks, faults) =
            read("crates/roundel-selector/src/conformance.rs", "// @ SEL-05\npub fn twice() {}");
        assert_eq!((marks.len(), faults.len()), (1, 0));
    }

    #[test]
    fn a_mark_holds_ids_only() {
        let (marks, faults) = read(TEST, "// @ LPS-01 and more\n#[test]\nfn fifo() {}");
        assert_eq!((marks.len(), faults.len()), (0, 1));
    }
}
