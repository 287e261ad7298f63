//! `cargo xtask test`: everything a change must pass, bottom-up, stopping at the first failure.

use lexopt::prelude::*;

use crate::failure::{Failure, Result};
use crate::invocation::Invocation;
use crate::layers::Layers;
use crate::steps::Steps;
use crate::tree::Tree;
use crate::{layers, planted, spec, tidy};

pub(crate) const HELP: &str = "\
test [-p CRATE]...
    Everything a change must pass, layer by layer from the bottom, in under 15 minutes on two
    cores; ends with `N passed, N failed`, the sum over all test programs.

    The order: formatting, tidy, layers, spec marks, places of planted bugs, clippy; then for each
    crate its unit, integration and doc tests, with its examples built, those of the loop, the tasks
    and the network once more on io_uring where the kernel has it; then the API documentation. The first step
    that fails ends the run and names the command that repeats it; a step that fails without a
    failed test (a lint, a compile error) counts as one failure.

    -p, --package CRATE   only this crate's share, without the checks of the whole workspace;
                          may be repeated; `timer` is short for `roundel-timer`";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    let layers = Layers::read()?;
    let mut chosen = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('p') | Long("package") => {
                chosen.push(crate_named(&layers, &arguments.value()?.string()?)?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let mut steps = Steps::default();
    let result = if chosen.is_empty() {
        whole_workspace(&mut steps, &layers)
    } else {
        chosen.iter().try_for_each(|name| one_crate(&mut steps, name))
    };
    println!();
    if let Err(failure) = &result {
        println!("{failure}\n");
    }
    println!("{}", steps.tally());
    result.map_err(|_| Failure::new("the tests did not pass"))
}

fn whole_workspace(steps: &mut Steps, layers: &Layers) -> Result {
    let workspace = ["--workspace", "--all-features"];
    steps.run("formatting", &Invocation::cargo(["fmt", "--all", "--check"]))?;
    steps.check("tidy", "cargo xtask tidy", || tidy::check(&Tree::of_workspace()?))?;
    steps.check("layers", "cargo xtask layers", layers::check)?;
    steps.check("spec marks", "cargo xtask spec", spec::check)?;
    steps.check("planted bugs have their places", "cargo xtask planted", planted::check)?;
    steps.run("clippy", &clippy(&workspace))?;
    tests(steps, "xtask", "xtask")?;
    for entry in layers.existing() {
        tests(steps, &format!("L{} {}", entry.layer, entry.name), &entry.name)?;
    }
    on_io_uring(steps, &ON_BOTH_DRIVERS)?;
    steps.run("API documentation", &documentation(&workspace))
}

fn one_crate(steps: &mut Steps, name: &str) -> Result {
    let package = ["-p", name, "--all-features"];
    steps
        .run(&format!("{name}: formatting"), &Invocation::cargo(["fmt", "-p", name, "--check"]))?;
    steps.run(&format!("{name}: clippy"), &clippy(&package))?;
    tests(steps, name, name)?;
    if ON_BOTH_DRIVERS.contains(&name) {
        on_io_uring(steps, &[name])?;
    }
    steps.run(&format!("{name}: API documentation"), &documentation(&package))
}

/// Unit, integration and doc tests, with all features: the world's run with our own uncommon ways in
/// them (`buggify`). Examples are built first, since tests may run them. All of a
/// crate's tests run even if one fails, so that the count is the crate's whole count.
fn tests(steps: &mut Steps, title: &str, name: &str) -> Result {
    let test = Invocation::cargo(["test", "-p", name, "--all-features", "--no-fail-fast"]);
    steps.test(&format!("{title}: tests"), &test)
}

/// Crates whose tests run on a driver of the environment's choice. The others choose by themselves
/// what they run on.
const ON_BOTH_DRIVERS: [&str; 3] = ["roundel-loop", "roundel-executor", "roundel-net"];

/// The same tests on the other driver, where there is one.
fn on_io_uring(steps: &mut Steps, names: &[&str]) -> Result {
    let probe = ["run", "--quiet", "-p", "roundel-uring", "--example", "probe"];
    if !Invocation::cargo(probe).succeeds() {
        let again = names.join(" and ");
        println!("\n== skipped: {again} on io_uring, which this kernel does not give us");
        return Ok(());
    }
    for name in names {
        let test = Invocation::cargo(["test", "-p", name, "--all-features", "--no-fail-fast"])
            .with(["--tests"])
            .env("ROUNDEL_DRIVER", "uring");
        steps.test(&format!("{name}: tests on io_uring"), &test)?;
    }
    Ok(())
}

fn clippy(scope: &[&str]) -> Invocation {
    Invocation::cargo(["clippy"]).with(scope.iter().copied()).with([
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
}

fn documentation(scope: &[&str]) -> Invocation {
    Invocation::cargo(["doc", "--no-deps"])
        .with(scope.iter().copied())
        .env("RUSTDOCFLAGS", "-Dwarnings")
}

/// The full name of a crate given by its full or short name.
fn crate_named(layers: &Layers, wanted: &str) -> Result<String> {
    let mut names: Vec<&str> = layers.existing().map(|entry| entry.name.as_str()).collect();
    names.push("xtask");
    let full = format!("roundel-{wanted}");
    names
        .iter()
        .find(|name| **name == wanted || **name == full)
        .map(ToString::to_string)
        .ok_or_else(|| {
            Failure::new(format!(
                "no crate is called '{wanted}'; the crates are: {}",
                names.join(", ")
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_answer_to_their_short_names() {
        let layers = Layers::read().expect("the arrows are readable");
        for name in ["timer", "roundel-timer"] {
            assert_eq!(crate_named(&layers, name).expect("it exists"), "roundel-timer");
        }
        assert_eq!(crate_named(&layers, "roundel").expect("it exists"), "roundel");
    }

    #[test]
    fn a_wrong_crate_is_answered_with_the_list() {
        let layers = Layers::read().expect("the arrows are readable");
        let failure = crate_named(&layers, "tmier").expect_err("no such crate").to_string();
        assert!(failure.contains("'tmier'") && failure.contains("roundel-timer"), "{failure}");
    }
}
