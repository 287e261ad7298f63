//! `cargo xtask bench`: runs groups of rows, prints their tables, keeps tables and plot.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use lexopt::prelude::*;
use roundel_bench::{
    groups::{Group, PAGES, named, names},
    machine::{pin, raise_descriptor_limit},
    plan::Plan,
    plot,
    race::{self, race},
    report,
};

const HELP: &str = "\
cargo xtask bench [NAME]... [--rounds N] [--quick] [--row TEXT] [--peer NAME]
    Measures each row beside its peers, round by round, and prints the medians with their spread.

    --rounds N    rounds that count, 9 unless told
    --quick       a smoke run: a fiftieth of the work, figures without meaning
    --row TEXT    only rows whose title contains it
    --peer NAME   only peers whose name contains this, for a profiler

    A page's name writes docs/bench/NAME.md and .svg; anything less writes to target/bench.
    Without a name, all pages. Names: ";

fn main() -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Result<(), Box<dyn Error>> {
    let (mut asked, mut plan) = (Vec::new(), Plan::default());
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("rounds") => plan.rounds = arguments.value()?.parse::<usize>()?.max(1),
            Long("quick") => (plan.quick, plan.rounds) = (true, 1),
            Long("row") => plan.row = arguments.value()?.string()?,
            Long("peer") => plan.peer = arguments.value()?.string()?,
            Long("help") | Short('h') => {
                println!("{HELP}{}", names());
                return Ok(());
            }
            Value(value) => asked.push(value.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    raise_descriptor_limit()?;
    if asked.is_empty() {
        asked = PAGES.iter().map(|page| page.name.to_owned()).collect();
    }
    for name in &asked {
        let groups =
            named(name).ok_or_else(|| format!("no group `{name}`; there are {}", names()))?;
        run(name, groups, &plan)?;
    }
    Ok(())
}

fn run(name: &str, groups: &'static [Group], plan: &Plan) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let mut results = Vec::new();
    for group in groups {
        pin(group.core)?;
        let rows: Vec<race::Result> = (group.rows)(plan)
            .into_iter()
            .filter(|row| row.title.contains(&plan.row))
            .map(|row| {
                eprintln!("  {} …", row.title);
                race(row, plan)
            })
            .collect();
        if !rows.is_empty() {
            println!("## {}\n\n{}", group.subject, report::table(&rows));
        }
        results.push((group, rows));
    }
    let directory = place(name, plan);
    fs::create_dir_all(&directory)?;
    let directory = directory.canonicalize()?;
    let text = report::document(name, plan, &results);
    let rows: Vec<_> = results.iter().flat_map(|(_, rows)| rows).collect();
    fs::write(directory.join(format!("{name}.md")), text)?;
    fs::write(directory.join(format!("{name}.svg")), plot::draw(&rows)?)?;
    eprintln!("{:.0?}; {name}.md and {name}.svg are in {}", began.elapsed(), directory.display());
    Ok(())
}

/// Only a full measurement is for the reader.
fn place(name: &str, plan: &Plan) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let is_page = PAGES.iter().any(|page| page.name == name);
    let is_full = is_page && !plan.quick && plan.peer.is_empty() && plan.row.is_empty();
    root.join(if is_full { "docs/bench" } else { "target/bench" })
}
