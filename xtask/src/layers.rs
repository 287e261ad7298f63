//! `cargo xtask layers`: the arrows between crates, kept as written in `docs/layers.toml`.
//!
//! The file lists the crates bottom-up. A crate may use only crates listed before it, so a list
//! without a cycle is all the proof that is needed.

use std::collections::BTreeSet;

use lexopt::prelude::*;
use serde::Deserialize;

use crate::failure::{Failure, Result};
use crate::invocation::Invocation;
use crate::tree;

pub(crate) const HELP: &str = "\
layers [--draw]
    Checks that every dependency between crates, and every dependency from outside, is an arrow
    listed in docs/layers.toml, and that no arrow goes up.

    --draw   print the layers as a drawing instead, as the README shows it";

const FILE: &str = "docs/layers.toml";
const EVERYTHING_BELOW: &str = "*";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    let mut draw = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("draw") => draw = true,
            other => return Err(other.unexpected().into()),
        }
    }
    if draw {
        print!("{}", Layers::read()?.draw());
    } else {
        check()?;
        println!("every arrow is listed, none goes up");
    }
    Ok(())
}

/// Fails with one line per wrong arrow.
pub(crate) fn check() -> Result {
    let faults = Layers::read()?.faults(&packages()?);
    if faults.is_empty() { Ok(()) } else { Err(Failure::new(faults.join("\n"))) }
}

/// The crates and arrows of `docs/layers.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layers {
    /// Outside crates that every crate may use.
    everywhere: Vec<String>,
    /// Bottom-up.
    #[serde(rename = "crate")]
    crates: Vec<Entry>,
}

/// One crate and where its arrows point.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) layer: usize,
    /// What the crate is, in one sentence.
    sentence: String,
    /// Crates of the workspace it may use; `*` stands for all that are listed before it.
    #[serde(default)]
    uses: Vec<String>,
    /// Crates from outside it may use.
    #[serde(default)]
    outside: Vec<String>,
    /// Not written yet.
    #[serde(default)]
    planned: bool,
}

impl Layers {
    pub(crate) fn read() -> Result<Self> {
        Self::parse(&tree::read(FILE)?)
    }

    fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| Failure::new(format!("reading {FILE}: {error}")))
    }

    /// The crates that are written, bottom-up.
    pub(crate) fn existing(&self) -> impl Iterator<Item = &Entry> {
        self.crates.iter().filter(|entry| !entry.planned)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.crates.iter().position(|entry| entry.name == name)
    }

    fn faults(&self, packages: &[Package]) -> Vec<String> {
        let mut faults = self.faults_of_the_list();
        let found: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        for entry in &self.crates {
            match (entry.planned, found.contains(entry.name.as_str())) {
                (true, true) => faults.push(format!("{}: exists, no longer planned", entry.name)),
                (false, false) => faults.push(format!("{}: listed but missing", entry.name)),
                _ => {}
            }
        }
        for package in packages.iter().filter(|package| package.name != "xtask") {
            match self.position(&package.name) {
                Some(at) => faults.extend(
                    package.dependencies.iter().filter_map(|used| self.fault_of_arrow(at, used)),
                ),
                None => faults.push(format!("{}: not listed in {FILE}", package.name)),
            }
        }
        faults
    }

    /// The file must be in order before it can judge anything.
    fn faults_of_the_list(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for pair in self.crates.windows(2).filter(|pair| pair[0].layer > pair[1].layer) {
            faults.push(format!("{FILE}: {} stands below {}", pair[1].name, pair[0].name));
        }
        for (at, entry) in self.crates.iter().enumerate() {
            for used in entry.uses.iter().filter(|used| *used != EVERYTHING_BELOW) {
                if self.position(used).is_none_or(|below| below >= at) {
                    faults.push(format!("{FILE}: {} uses {used}, not listed below it", entry.name));
                }
            }
        }
        faults
    }

    fn fault_of_arrow(&self, at: usize, used: &Dependency) -> Option<String> {
        let entry = &self.crates[at];
        let arrow = format!("{} → {}", entry.name, used.name);
        match self.position(&used.name) {
            // Tests may reach further than the code, to the crate itself for its features and
            // sideways, but never up: a lower layer must be provable without the upper ones.
            Some(target) if used.is_for_tests() => (self.crates[target].layer > entry.layer)
                .then(|| format!("{arrow}: goes up, even for tests")),
            Some(target) if target >= at => Some(format!("{arrow}: goes up")),
            Some(_) if !entry.may_use(&used.name) => {
                Some(format!("{arrow}: an arrow not listed in {FILE}"))
            }
            None if !used.is_for_tests()
                && !entry.outside.contains(&used.name)
                && !self.everywhere.contains(&used.name) =>
            {
                Some(format!("{arrow}: an outside crate not listed in {FILE}"))
            }
            _ => None,
        }
    }

    /// Top layer first, one line a crate: `L2  roundel-loop  sentence  → its arrows [outside]`.
    fn draw(&self) -> String {
        let width = |text: fn(&Entry) -> &str| {
            self.crates.iter().map(|entry| text(entry).chars().count()).max().unwrap_or(0)
        };
        let (names, sentences) = (width(|entry| &entry.name), width(|entry| &entry.sentence));
        let top = self.crates.last().map_or(0, |entry| entry.layer);
        let mut drawing = String::new();
        for layer in (0..=top).rev() {
            let mut label = format!("L{layer}");
            // Within a layer the list is bottom-up too.
            for entry in self.crates.iter().rev().filter(|entry| entry.layer == layer) {
                let (name, sentence, arrows) = (&entry.name, &entry.sentence, entry.arrows());
                let line = format!("{label:2}  {name:names$}  {sentence:sentences$}  {arrows}");
                drawing += line.trim_end();
                drawing.push('\n');
                label.clear();
            }
        }
        drawing
    }
}

impl Entry {
    fn may_use(&self, below: &str) -> bool {
        self.uses.iter().any(|used| used == below || used == EVERYTHING_BELOW)
    }

    fn arrows(&self) -> String {
        let mut words = Vec::new();
        if self.uses.iter().any(|used| used == EVERYTHING_BELOW) {
            words.push("→ everything below".to_owned());
        } else if !self.uses.is_empty() {
            let short = |name: &String| name.trim_start_matches("roundel-").to_owned();
            words.push(format!("→ {}", self.uses.iter().map(short).collect::<Vec<_>>().join(" ")));
        }
        if !self.outside.is_empty() {
            words.push(format!("[{}]", self.outside.join(", ")));
        }
        if self.planned {
            words.push("(planned)".to_owned());
        }
        words.join(" ")
    }
}

/// A package of the workspace, as `cargo metadata` tells it.
#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    target: Option<String>,
}

impl Dependency {
    /// Development dependencies, and loom, which exists under its own cfg only.
    fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev") || self.target.as_deref() == Some("cfg(loom)")
    }
}

fn packages() -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let metadata = Invocation::cargo(["metadata", "--no-deps", "--format-version", "1"]);
    let (succeeded, output) = metadata.capture()?;
    if !succeeded {
        return Err(Failure::new(format!("`{metadata}` failed")));
    }
    let metadata: Metadata = serde_json::from_str(&output)
        .map_err(|error| Failure::new(format!("reading cargo metadata: {error}")))?;
    Ok(metadata.packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARROWS: &str = r#"
        everywhere = ["thiserror"]
        [[crate]]
        name = "timer"
        layer = 0
        sentence = "when"
        [[crate]]
        name = "loop"
        layer = 2
        sentence = "call-backs in order"
        uses = ["timer"]
        outside = ["crossbeam-channel"]
        [[crate]]
        name = "sim"
        layer = 2
        sentence = "virtual clock"
        uses = ["loop"]
        [[crate]]
        name = "run"
        layer = 5
        sentence = "run(future)"
        uses = ["*"]
        planned = true
    "#;

    /// The faults of a workspace in which `from` depends on `to`.
    fn faults(from: &str, to: &str, kind: Option<&str>) -> Vec<String> {
        let mut packages: Vec<Package> = ["timer", "loop", "sim"]
            .map(|name| Package { name: name.into(), dependencies: Vec::new() })
            .into();
        let package = packages.iter_mut().find(|package| package.name == from).expect("listed");
        package.dependencies.push(Dependency {
            name: to.into(),
            kind: kind.map(Into::into),
            target: None,
        });
        Layers::parse(ARROWS).expect("well formed").faults(&packages)
    }

    #[test]
    fn listed_arrows_are_fine() {
        assert_eq!(faults("loop", "timer", None), [""; 0]);
        assert_eq!(faults("timer", "thiserror", None), [""; 0]);
        assert_eq!(faults("loop", "crossbeam-channel", None), [""; 0]);
    }

    #[test]
    fn an_arrow_up_is_a_fault_even_for_tests() {
        assert_eq!(faults("timer", "loop", None), ["timer → loop: goes up"]);
        assert_eq!(faults("timer", "sim", Some("dev")), ["timer → sim: goes up, even for tests"]);
    }

    #[test]
    fn tests_may_reach_sideways_and_outside() {
        assert_eq!(faults("loop", "sim", Some("dev")), [""; 0]);
        assert_eq!(faults("loop", "proptest", Some("dev")), [""; 0]);
    }

    #[test]
    fn an_unlisted_arrow_is_a_fault() {
        for (used, expected) in
            [("timer", "an arrow not"), ("crossbeam-channel", "an outside crate not")]
        {
            let found = faults("sim", used, None);
            assert_eq!(found.len(), 1);
            assert!(found[0].contains(expected), "{found:?}");
        }
        assert_eq!(faults("loop", "sim", None), ["loop → sim: goes up"]);
    }

    #[test]
    fn crates_must_be_listed_and_lists_must_be_true() {
        let layers = Layers::parse(ARROWS).expect("well formed");
        let package = |name: &str| Package { name: name.into(), dependencies: Vec::new() };
        let packages = ["timer", "sim", "run", "utils"].map(package);
        let faults = layers.faults(&packages).join("\n");
        for expected in ["loop: listed but missing", "run: exists", "utils: not listed"] {
            assert!(faults.contains(expected), "{expected} in {faults}");
        }
    }

    #[test]
    fn a_list_out_of_order_is_a_fault() {
        let upside_down = ARROWS.replace("layer = 0", "layer = 3");
        assert_eq!(Layers::parse(&upside_down).expect("well formed").faults_of_the_list().len(), 1);
        let cyclic =
            ARROWS.replacen("sentence = \"when\"", "sentence = \"when\"\nuses = [\"loop\"]", 1);
        assert_eq!(Layers::parse(&cyclic).expect("well formed").faults_of_the_list().len(), 1);
    }

    #[test]
    fn the_drawing_has_the_top_first() {
        let drawing = Layers::parse(ARROWS).expect("well formed").draw();
        let expected = "\
L5  run    run(future)          → everything below (planned)
L2  sim    virtual clock        → loop
    loop   call-backs in order  → timer [crossbeam-channel]
L0  timer  when
";
        assert_eq!(drawing, expected);
    }

    #[test]
    fn the_workspace_keeps_its_arrows() {
        check().expect("every arrow is listed");
    }
}
