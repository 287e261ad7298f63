//! `cargo xtask planted`: plants the bugs of `docs/planted.toml` in our own crates, one at a time,
//! and has the simulated world find them.
//!
//! They are planted in a copy of the workspace, so that no line of the crates knows of them.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::failure::{Failure, Result};
use crate::invocation::Invocation;
use crate::tree::{self, Tree};

pub(crate) const HELP: &str = "\
planted
    Plants each bug of docs/planted.toml in a copy of the workspace, and expects the simulated
    world to find it within 10,000 seeds; prints the seeds. About a quarter of an hour.";

const TABLE: &str = "docs/planted.toml";

/// Within so many seeds each has to be found.
const SEEDS: &str = "10000";

#[derive(Debug, Deserialize)]
struct Table {
    bug: Vec<Bug>,
}

/// A line of our own, a broken one for it, and the test that finds it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bug {
    name: String,
    file: String,
    line: String,
    broken: String,
    test: String,
}

impl Bug {
    /// The file with the bug.
    fn plant(&self, sound: &str) -> Result<String> {
        match sound.matches(&self.line).count() {
            1 => Ok(sound.replace(&self.line, &self.broken)),
            count => Err(Failure::new(format!(
                "{TABLE}, \"{}\": its line stands {count} times in {}; it has to stand there once",
                self.name, self.file
            ))),
        }
    }
}

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    find_all()
}

/// Every bug is planted, and found.
pub(crate) fn find_all() -> Result {
    let bugs = table()?;
    let copy = tree::root().join("target/planted/workspace");
    let tree = Tree::of_workspace()?;
    for source in tree.all() {
        write_if_new(&copy.join(&source.path), &source.text)?;
    }
    remove_others(&copy, &copy, &tree)?;
    for bug in &bugs {
        let sound = tree::read(&bug.file)?;
        let planted = copy.join(&bug.file);
        write_if_new(&planted, &bug.plant(&sound)?)?;
        let seed = find(bug, &copy);
        write_if_new(&planted, &sound)?;
        println!("{}: seed {}", bug.name, seed?);
    }
    Ok(())
}

/// Whether every bug can be planted in the tree as it is.
pub(crate) fn check() -> Result {
    let mut bugs = table()?.into_iter();
    bugs.try_for_each(|bug| bug.plant(&tree::read(&bug.file)?).map(|_| ()))
}

fn table() -> Result<Vec<Bug>> {
    let table: Table = toml::from_str(&tree::read(TABLE)?)
        .map_err(|error| Failure::new(format!("reading {TABLE}: {error}")))?;
    Ok(table.bug)
}

/// The seed that shows the bug.
fn find(bug: &Bug, copy: &Path) -> Result<u64> {
    let manifest = copy.join("Cargo.toml").display().to_string();
    let test = Invocation::cargo(["test", "--quiet", "--manifest-path", &manifest])
        .with(["--target-dir", "target/planted/build"])
        .with(["-p", "roundel-world", "--all-features", "--test", "guards"])
        .with([&*bug.test, "--", "--exact"])
        .env("RUST_BACKTRACE", "0")
        .env("ROUNDEL_SEEDS", SEEDS);
    let (succeeded, output) = test.capture()?;
    let seed = output.split("again: ROUNDEL_SEED=").nth(1).and_then(|rest| {
        rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|seed| seed.parse().ok())
    });
    match seed {
        Some(seed) if !succeeded => Ok(seed),
        _ => Err(Failure::new(format!("{output}\n\"{}\" is not found by {}", bug.name, bug.test))),
    }
}

/// What stays as it was is not built again.
fn write_if_new(path: &Path, text: &str) -> Result {
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(());
    }
    let failed = |error| Failure::new(format!("writing {}: {error}", path.display()));
    let parent = path.parent().expect("a file lies in a directory");
    fs::create_dir_all(parent).and_then(|()| fs::write(path, text)).map_err(failed)
}

/// What has left the workspace since the last time leaves the copy.
fn remove_others(directory: &Path, copy: &Path, tree: &Tree) -> Result {
    let failed = |error| Failure::new(format!("tidying {}: {error}", directory.display()));
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.strip_prefix(copy).unwrap_or(&path).display().to_string();
        if path.is_dir() {
            remove_others(&path, copy, tree)?;
        } else if tree.get(&name).is_none() {
            fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bug(line: &str) -> Bug {
        let text = |text: &str| text.to_owned();
        Bug {
            name: text("a bug"),
            file: text("a.rs"),
            line: text(line),
            broken: text("b"),
            test: text("t"),
        }
    }

    #[test]
    fn a_line_is_replaced_where_it_stands_once() {
        assert_eq!(bug("x").plant("axc").expect("it stands once"), "abc");
        for sound in ["", "xx"] {
            let failure = bug("x").plant(sound).expect_err("not once").to_string();
            assert!(failure.contains("a bug") && failure.contains("a.rs"), "{failure}");
        }
    }
}
