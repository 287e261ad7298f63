//! Rules about size: beyond these limits a file or a function is hiding a concept.

use super::Finding;
use crate::code::lines_before_tests;
use crate::tree::{Source, Tree};

/// Lines of a file before its unit tests.
const FILE_LINES: usize = 600;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES: usize = 70;

pub(super) fn files(tree: &Tree) -> Vec<Finding> {
    let findings = tree.rust().filter(|source| !source.is_test()).filter_map(|source| {
        let lines = lines_before_tests(&source.code);
        (lines > FILE_LINES).then(|| Finding::new(&source.path, 0, format!("{lines} lines")))
    });
    findings.collect()
}

pub(super) fn functions(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(long_functions).collect()
}

fn long_functions(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.code.lines().map(str::trim_end).collect();
    let mut findings = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let length = length(&lines[at..]).unwrap_or(0);
        if length > FUNCTION_LINES {
            findings.push(Finding::new(
                &source.path,
                at + 1,
                format!("`{name}` has {length} lines"),
            ));
        }
    }
    findings
}

/// The lines of the function that begins here, if it has a body of several. Relies on rustfmt: the
/// body ends at the first closing brace as far in as the function itself.
fn length(lines: &[&str]) -> Option<usize> {
    let signature_ends = lines.iter().find(|line| line.ends_with(['{', '}', ';']))?;
    let indent = &lines[0][..lines[0].len() - lines[0].trim_start().len()];
    let end = lines.iter().position(|line| line.strip_prefix(indent) == Some("}"))?;
    signature_ends.ends_with('{').then_some(end + 1)
}

/// The name, if the line begins a function: `fn` stands after qualifiers only.
fn function_name(line: &str) -> Option<&str> {
    let (before, after) = line.trim_start().split_once("fn ")?;
    let qualifies = |word: &str| {
        word.starts_with("pub")
            || matches!(word, "const" | "async" | "unsafe" | "extern" | "crate)")
    };
    let name = after.split(['(', '<']).next()?;
    (before.split_whitespace().all(qualifies) && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(signature: &str, statements: usize) -> String {
        format!("{signature} {{\n{}}}\n", "    step();\n".repeat(statements))
    }

    #[test]
    fn a_long_file_is_found_but_tests_do_not_count() {
        let long = "struct A;\n".repeat(FILE_LINES + 1);
        let tested = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
        let tree = Tree::of(&[("xtask/src/a.rs", &long), ("xtask/src/b.rs", &tested)]);
        assert_eq!(files(&tree), [Finding::new("xtask/src/a.rs", 0, "601 lines")]);
    }

    #[test]
    fn a_long_function_is_found() {
        for signature in
            ["fn turn()", "pub(crate) async fn turn<T>()", "pub const unsafe fn turn()"]
        {
            let fits = function(signature, FUNCTION_LINES - 2);
            assert_eq!(functions(&Tree::of(&[("xtask/src/a.rs", &fits)])), [], "{signature}");
            let long = function(signature, FUNCTION_LINES - 1);
            let found = functions(&Tree::of(&[("xtask/src/a.rs", &long)]));
            assert_eq!(found, [Finding::new("xtask/src/a.rs", 1, "`turn` has 71 lines")]);
        }
    }

    #[test]
    fn a_signature_has_no_length() {
        let constants = "    const C: u8 = 0;\n".repeat(80);
        let text = format!("trait A {{\n    fn a();\n{constants}    fn b() {{\n    }}\n}}\n");
        assert_eq!(functions(&Tree::of(&[("xtask/src/a.rs", &text)])), []);
    }
}
