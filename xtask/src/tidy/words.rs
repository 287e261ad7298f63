//! Rules about words: what may not stand in a file, or only in one place.
//!
//! The words are put together from halves, so that the lists do not break their own rules.

use super::Finding;
use crate::code::words;
use crate::tree::{Source, Tree};

const NOTES: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const UNFINISHED: [&str; 4] = [
    concat!("dbg", "!("),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[", "ignore"),
];

/// Directories that exist on somebody's machine only. Temporary files go where
/// `std::env::temp_dir` says.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "Users/"),
    concat!("/", "work/"),
    concat!("/", "tmp/"),
];

/// Where a package comes from is the business of the reader's own configuration.
const REGISTRY_HOSTS: [&str; 6] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("registry.", "npmjs", ".org"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
];

const SLEEP: &str = concat!("thread::", "sleep");
const THREAD_LOCAL: &str = concat!("thread_", "local!");
/// The file of the workspace's only thread-local: the current loop.
const CURRENT_LOOP: &str = "crates/roundel-loop/src/current.rs";

/// What is not done is not in the tree. Notes count in comments too, code only as code.
pub(super) fn unfinished(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        for note in NOTES {
            findings.extend(words(&source.text, note).map(|(line, _)| at(source, line, note)));
        }
        for word in UNFINISHED {
            findings.extend(lines_with(&source.code, word).map(|line| at(source, line, word)));
        }
    }
    findings
}

pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.all() {
        for path in MACHINE_PATHS {
            // A longer path or an address may contain these letters; a root directory follows
            // something that is not a name.
            let is_root =
                |text: &str| !text.ends_with(|c: char| c.is_alphanumeric() || "_-./}".contains(c));
            let lines = source.text.lines().enumerate().filter(|(_, line)| {
                line.match_indices(path).any(|(column, _)| is_root(&line[..column]))
            });
            findings.extend(lines.map(|(line, _)| at(source, line + 1, path)));
        }
    }
    findings
}

pub(super) fn registry_hosts(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.all() {
        for host in REGISTRY_HOSTS {
            findings.extend(lines_with(&source.text, host).map(|line| at(source, line, host)));
        }
    }
    findings
}

/// A sleep in a test is a guess about a machine. Where it is the thing under test, a line
/// `// why: …` directly above says so.
pub(super) fn sleeps(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        let lines: Vec<&str> = source.text.lines().collect();
        let excused =
            |line: usize| line > 1 && lines[line - 2].trim_start().starts_with("// why: ");
        let sleeps = lines_with(&source.code, SLEEP)
            .filter(|line| source.is_test_line(*line) && !excused(*line));
        findings.extend(sleeps.map(|line| at(source, line, "a sleep without its `// why:`")));
    }
    findings
}

pub(super) fn thread_locals(tree: &Tree) -> Vec<Finding> {
    let text = format!("{THREAD_LOCAL} outside {CURRENT_LOOP}");
    let mut findings = Vec::new();
    for source in tree.rust().filter(|source| source.is_library() && source.path != CURRENT_LOOP) {
        let found = lines_with(&source.code, THREAD_LOCAL);
        findings.extend(found.map(|line| at(source, line, &text)));
    }
    findings
}

/// Whoever reads the time elsewhere cannot be tested on a virtual clock. Selectors and promises
/// stand beside the clock, not on it: a thread that waits in the kernel waits in real time.
pub(super) fn clocks(tree: &Tree) -> Vec<Finding> {
    let beside = ["roundel-timer", "roundel-selector", "roundel-promise"];
    let may = |source: &&Source| source.crate_name().is_some_and(|name| beside.contains(&name));
    let mut findings = Vec::new();
    for source in tree.rust().filter(|source| source.is_library() && !may(source)) {
        for word in ["Instant::now", "SystemTime::now"] {
            let found = lines_with(&source.code, word).filter(|line| !source.is_test_line(*line));
            findings.extend(found.map(|line| at(source, line, word)));
        }
    }
    findings
}

fn lines_with<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.lines().enumerate().filter(move |(_, line)| line.contains(word)).map(|(at, _)| at + 1)
}

fn at(source: &Source, line: usize, what: &str) -> Finding {
    Finding::new(&source.path, line, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBRARY: &str = "crates/roundel-timer/src/clock.rs";
    const TEST: &str = "crates/roundel-timer/tests/order.rs";

    fn found(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> usize {
        rule(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn unfinished_work_is_found() {
        for note in NOTES {
            assert_eq!(found(unfinished, LIBRARY, &format!("// {note}: later")), 1, "{note}");
        }
        for word in UNFINISHED {
            assert_eq!(found(unfinished, LIBRARY, &format!("    {word}")), 1, "{word}");
            assert_eq!(found(unfinished, LIBRARY, &format!("// says {word}")), 0, "{word}");
        }
        assert_eq!(found(unfinished, LIBRARY, "let todos = 1;"), 0);
    }

    #[test]
    fn paths_of_a_machine_are_found() {
        for path in MACHINE_PATHS {
            assert_eq!(found(machine_paths, "README.md", &format!("see `{path}x`")), 1, "{path}");
            assert_eq!(
                found(machine_paths, "README.md", &format!("host.example{path}x")),
                0,
                "{path}"
            );
        }
    }

    #[test]
    fn registry_hosts_are_found() {
        for host in REGISTRY_HOSTS {
            assert_eq!(
                found(registry_hosts, "ci.yml", &format!("url: https://{host}/x")),
                1,
                "{host}"
            );
        }
        assert_eq!(found(registry_hosts, "README.md", "https://docs.rs/roundel"), 0);
    }

    #[test]
    fn a_sleep_in_a_test_needs_its_reason() {
        let bare = format!("fn a() {{\n    {SLEEP}(d);\n}}\n");
        let excused =
            format!("fn a() {{\n    // why: the clock itself is under test\n    {SLEEP}(d);\n}}\n");
        assert_eq!(found(sleeps, TEST, &bare), 1);
        assert_eq!(found(sleeps, TEST, &excused), 0);
        assert_eq!(found(sleeps, LIBRARY, &bare), 0);
        assert_eq!(found(sleeps, LIBRARY, &format!("#[cfg(test)]\nmod tests {{\n{bare}}}\n")), 1);
    }

    #[test]
    fn a_second_thread_local_is_found() {
        let text = format!("{THREAD_LOCAL} {{}}\n");
        assert_eq!(found(thread_locals, LIBRARY, &text), 1);
        assert_eq!(found(thread_locals, CURRENT_LOOP, &text), 0);
        assert_eq!(found(thread_locals, TEST, &text), 0);
    }

    #[test]
    fn time_read_beside_the_clock_is_found() {
        let text = "fn a() { Instant::now(); }\n";
        assert_eq!(found(clocks, "crates/roundel-loop/src/turn.rs", text), 1);
        assert_eq!(found(clocks, LIBRARY, text), 0);
        assert_eq!(found(clocks, TEST, text), 0);
        assert_eq!(found(clocks, "crates/roundel-driver/src/conformance.rs", text), 0);
        let tested = format!("#[cfg(test)]\nmod tests {{\n{text}}}\n");
        assert_eq!(found(clocks, "crates/roundel-loop/src/turn.rs", &tested), 0);
    }
}
