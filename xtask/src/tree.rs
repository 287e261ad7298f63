//! The files of the workspace, read once; what `tidy` and `spec` look at.
//!
//! Rules take a [`Tree`], never the file system, so a rule's test can hand it a bad tree.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::code::{code_of, lines_before_tests};
use crate::failure::{Failure, Result};

/// Directories that hold nothing a person wrote; in a second work tree `.git` is a file.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "corpus"];

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lives in the workspace")
}

/// Reads a file of the workspace by its path from the root.
pub(crate) fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path))
        .map_err(|error| Failure::new(format!("reading {path}: {error}")))
}

/// One text file.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the root, with `/` on every platform.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text of a Rust file without its comments and literals, line for line.
    pub(crate) code: String,
}

impl Source {
    fn new(path: String, text: String) -> Self {
        let code = if path.ends_with(".rs") { code_of(&text) } else { String::new() };
        Self { path, text, code }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The crate's directory name, for a file under `crates/`.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether it is part of a crate's library rather than of its tests or examples, or of the
    /// benchmarks, which are a program beside the crates.
    pub(crate) fn is_library(&self) -> bool {
        self.crate_name().is_some_and(|name| name != "roundel-bench")
            && self.path.split('/').nth(2) == Some("src")
    }

    /// Whether all of it is test code.
    pub(crate) fn is_test(&self) -> bool {
        self.is_conformance() || self.path.split('/').any(|part| part == "tests")
    }

    /// Whether it is the body of tests that every implementation of a trait must pass.
    pub(crate) fn is_conformance(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "conformance" | "conformance.rs"))
    }

    /// Whether a line, counted from 1, is test code.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.is_test() || line > lines_before_tests(&self.code)
    }
}

/// The text files of the workspace, sorted by path.
#[derive(Debug, Default)]
pub(crate) struct Tree(Vec<Source>);

impl Tree {
    /// Reads the workspace. Files that are not text are left out.
    pub(crate) fn of_workspace() -> Result<Self> {
        let mut paths = Vec::new();
        collect(root(), &mut paths)
            .map_err(|error| Failure::new(format!("listing the workspace's files: {error}")))?;
        paths.sort();
        let sources = paths.into_iter().filter_map(|path| {
            let text = String::from_utf8(fs::read(&path).ok()?).ok()?;
            let path = path.strip_prefix(root()).ok()?.to_str()?.replace('\\', "/");
            Some(Source::new(path, text))
        });
        Ok(Self(sources.collect()))
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| Source::new((*path).into(), (*text).into())).collect())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.all().filter(|source| source.is_rust())
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Source> {
        self.all().find(|source| source.path == path)
    }
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), paths)?;
        } else if kind.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_its_place() {
        let tree =
            Tree::of(&[("crates/roundel-timer/src/clock.rs", ""), ("xtask/src/main.rs", "")]);
        let [clock, main] = &tree.0[..] else { panic!("two files") };
        assert_eq!(clock.crate_name(), Some("roundel-timer"));
        assert!(clock.is_library() && !clock.is_test());
        assert!(main.crate_name().is_none() && !main.is_library());
    }

    #[test]
    fn the_workspace_holds_this_file() {
        let tree = Tree::of_workspace().expect("the workspace is readable");
        assert!(tree.get("xtask/src/tree.rs").is_some());
    }

    #[test]
    fn what_nobody_wrote_is_left_out() -> io::Result<()> {
        let root = std::env::temp_dir().join(format!("xtask-tree-{}", std::process::id()));
        for directory in ["src", "target"] {
            fs::create_dir_all(root.join(directory))?;
            fs::write(root.join(directory).join("a.rs"), "")?;
        }
        let mut paths = Vec::new();
        collect(&root, &mut paths)?;
        fs::remove_dir_all(&root)?;
        assert_eq!(paths, [root.join("src/a.rs")]);
        Ok(())
    }
}
