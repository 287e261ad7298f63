//! `cargo xtask spec`: which facts of the specification a test pins, which are absent on purpose,
//! and which are missing.
//!
//! Three sources are laid side by side: the facts (docs/spec/facts.md), the reasons for absence
//! (docs/spec-absent.toml) and the marks above tests (`// spec: SEL-05`).

mod facts;
mod marks;

use std::collections::{BTreeMap, BTreeSet};

use lexopt::prelude::*;

use self::facts::{Area, Fact};
use self::marks::Mark;
use crate::failure::{Failure, Result};
use crate::tree::{self, Tree};

pub(crate) const HELP: &str = "\
spec [--area AREA] [--require AREA,...]
    Prints for each area of the specification how many facts a test pins, how many are absent on
    purpose and how many are missing. Wrong marks and wrong reasons fail.

    A test pins facts by a line directly above its attributes:  // spec: SEL-05, SEL-06
    Facts that have no place in Rust stand with their reason in docs/spec-absent.toml.

    --area AREA           list the area's facts, each with the place of its tests or its reason
    --require AREA,...    fail if a fact of these areas is missing";

const FACTS: &str = "docs/spec/facts.md";
const ABSENT: &str = "docs/spec-absent.toml";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    let (mut area, mut required) = (None, Vec::new());
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("area") => area = Some(arguments.value()?.string()?),
            Long("require") => {
                required.extend(arguments.value()?.string()?.split(',').map(str::to_owned));
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let coverage = Coverage::of_workspace()?;
    match area {
        Some(code) => print!("{}", coverage.of_area(coverage.area(&code)?)),
        None => print!("{}", coverage.totals()),
    }
    coverage.consistent()?;
    coverage.require(&required)
}

/// Fails if a mark or a reason is wrong; missing facts are no failure.
pub(crate) fn check() -> Result {
    Coverage::of_workspace()?.consistent()
}

/// What became of each fact.
#[derive(Debug)]
struct Coverage {
    areas: Vec<Area>,
    /// By fact: the tests that pin it.
    pinned: BTreeMap<String, Vec<Mark>>,
    /// By fact: why it is absent.
    absent: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Coverage {
    fn of_workspace() -> Result<Self> {
        Self::new(&tree::read(FACTS)?, &tree::read(ABSENT)?, &Tree::of_workspace()?)
    }

    fn new(facts: &str, absent: &str, tree: &Tree) -> Result<Self> {
        let areas = facts::areas(facts);
        let absent: BTreeMap<String, String> = toml::from_str(absent)
            .map_err(|error| Failure::new(format!("reading {ABSENT}: {error}")))?;
        let (marks, mut faults) = marks::marks(tree);
        let mut pinned: BTreeMap<String, Vec<Mark>> = BTreeMap::new();
        for mark in marks {
            pinned.entry(mark.id.clone()).or_default().push(mark);
        }
        let known: BTreeSet<&str> =
            areas.iter().flat_map(|area| &area.facts).map(|fact| fact.id.as_str()).collect();
        for (id, marks) in &pinned {
            for mark in marks.iter().filter(|_| !known.contains(id.as_str())) {
                faults.push(format!("{}: {id} is no fact of {FACTS}", mark.place()));
            }
            for mark in marks.iter().filter(|_| absent.contains_key(id)) {
                faults
                    .push(format!("{}: {id} is pinned here and absent in {ABSENT}", mark.place()));
            }
        }
        for (id, reason) in &absent {
            if !known.contains(id.as_str()) {
                faults.push(format!("{ABSENT}: {id} is no fact of {FACTS}"));
            }
            if reason.trim().is_empty() {
                faults.push(format!("{ABSENT}: {id} is absent without a reason"));
            }
        }
        Ok(Self { areas, pinned, absent, faults })
    }

    fn consistent(&self) -> Result {
        if self.faults.is_empty() { Ok(()) } else { Err(Failure::new(self.faults.join("\n"))) }
    }

    fn require(&self, codes: &[String]) -> Result {
        let mut missing = Vec::new();
        for code in codes {
            let facts = &self.area(code)?.facts;
            missing.extend(facts.iter().filter(|fact| self.is_missing(fact)).map(|fact| &*fact.id));
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("missing: {}", missing.join(", "))))
    }

    fn area(&self, code: &str) -> Result<&Area> {
        self.areas.iter().find(|area| area.code == code).ok_or_else(|| {
            let codes: Vec<&str> = self.areas.iter().map(|area| &*area.code).collect();
            Failure::new(format!("no area is called '{code}'; the areas are: {}", codes.join(", ")))
        })
    }

    fn is_missing(&self, fact: &Fact) -> bool {
        !self.pinned.contains_key(&fact.id) && !self.absent.contains_key(&fact.id)
    }

    fn totals(&self) -> String {
        let names = self.areas.iter().map(|area| area.name.len()).max().unwrap_or(0);
        let row = |code: &str, name: &str, [facts, pinned, absent, missing]: [&str; 4]| {
            format!("{code:5}  {name:names$}  {facts:>5}  {pinned:>6}  {absent:>6}  {missing:>7}\n")
        };
        let numbers = |code: &str, name: &str, [pinned, absent, missing]: [usize; 3]| {
            let cells = [pinned + absent + missing, pinned, absent, missing].map(|n| n.to_string());
            row(code, name, [&cells[0], &cells[1], &cells[2], &cells[3]])
        };
        let mut text = row("area", "", ["facts", "pinned", "absent", "missing"]);
        let mut sum = [0; 3];
        for area in &self.areas {
            let count = self.count(area);
            text += &numbers(&area.code, &area.name, count);
            sum = [0, 1, 2].map(|column| sum[column] + count[column]);
        }
        text + &numbers("total", "", sum)
    }

    /// Pinned, absent, missing.
    fn count(&self, area: &Area) -> [usize; 3] {
        let count = |test: &dyn Fn(&Fact) -> bool| area.facts.iter().filter(|f| test(f)).count();
        let pinned = count(&|fact| self.pinned.contains_key(&fact.id));
        let missing = count(&|fact| self.is_missing(fact));
        [pinned, area.facts.len() - pinned - missing, missing]
    }

    fn of_area(&self, area: &Area) -> String {
        let mut text = format!("{} {}\n", area.code, area.name);
        for fact in &area.facts {
            text += &format!("\n{} {}\n", fact.id, fact.title);
            for mark in self.pinned.get(&fact.id).into_iter().flatten() {
                text += &format!("    {} {}\n", mark.place(), mark.test);
            }
            if let Some(reason) = self.absent.get(&fact.id) {
                text += &format!("    absent: {reason}\n");
            }
            if self.is_missing(fact) {
                text += "    missing\n";
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE: &str =
        "## SEL: selectors\n\n- **SEL-01** two bits\n- **SEL-02** a key\n- **SEL-03** a file\n";

    fn coverage(absent: &str, test: &str) -> Coverage {
        let tree = Tree::of(&[("crates/roundel-selector/tests/register.rs", test)]);
        Coverage::new(THREE, absent, &tree).expect("well formed")
    }

    /// A test with a mark; the mark is assembled so that this file holds none.
    fn marked(ids: &str) -> String {
        format!("//! x\n// {}: {ids}\n#[test]\nfn twice() {{}}\n", "spec")
    }

    #[test]
    fn facts_are_pinned_absent_or_missing() {
        let coverage = coverage("SEL-02 = \"no tuples\"", &marked("SEL-01"));
        coverage.consistent().expect("nothing is wrong");
        assert_eq!(coverage.count(&coverage.areas[0]), [1, 1, 1]);
        let listed = coverage.of_area(&coverage.areas[0]);
        for line in ["tests/register.rs:2 twice", "absent: no tuples", "SEL-03 a file\n    missing"]
        {
            assert!(listed.contains(line), "{line} in {listed}");
        }
    }

    #[test]
    fn required_areas_may_miss_nothing() {
        let required = ["SEL".to_owned()];
        let incomplete = coverage("", &marked("SEL-01, SEL-02"));
        let failure = incomplete.require(&required).expect_err("one is missing").to_string();
        assert_eq!(failure, "missing: SEL-03");
        coverage("SEL-03 = \"why\"", &marked("SEL-01, SEL-02"))
            .require(&required)
            .expect("complete");
        assert!(incomplete.require(&["SLE".to_owned()]).is_err(), "no such area");
    }

    #[test]
    fn wrong_marks_and_reasons_are_faults() {
        let rows = [
            ("", "SEL-09", "SEL-09 is no fact"),
            ("SEL-09 = \"why\"", "SEL-01", "SEL-09 is no fact"),
            ("SEL-01 = \"why\"", "SEL-01", "pinned here and absent"),
            ("SEL-02 = \" \"", "SEL-01", "without a reason"),
        ];
        for (absent, ids, expected) in rows {
            let failure = coverage(absent, &marked(ids)).consistent().expect_err(expected);
            assert!(failure.to_string().contains(expected), "{failure}");
        }
    }
}
