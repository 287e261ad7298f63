//! The example programs of the seed notes: call-backs, promises, selectors, tasks.
//!
//! `cargo run --release --example seeds -- list`

mod arguments;
mod golden;
mod seed;
mod stage;
mod transcript;
mod words;

mod by_hand;
mod connections;
mod fetch;
mod generator;
mod input;
mod printer;
mod role;
mod saying;
mod sleeper;
mod wall_clock;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    arguments::Command,
    seed::{Played, Seed},
    stage::{Setting, Stage},
};

fn main() -> ExitCode {
    match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => print(arguments::HELP),
        Ok(Command::List) => print(&arguments::list()),
        Ok(Command::Play { seeds, setting, check }) => {
            let failed = seeds.iter().filter(|seed| !play(seed, &setting, check)).count();
            ExitCode::from(u8::from(failed > 0))
        }
        Ok(Command::Act { role, setting }) => {
            let stage = Stage::new(&setting, None, Box::new(io::stdout()));
            ExitCode::from(u8::from(!tell("S3-E11", role::play(role, &stage))))
        }
        Err(error) => {
            eprintln!("seeds: {error}\nTry `--help`.");
            ExitCode::from(2)
        }
    }
}

/// True if all went well. Standard output belongs to the program; the rest is said elsewhere.
fn play(seed: &Seed, setting: &Setting, check: bool) -> bool {
    let live = Box::new(io::stdout());
    let result = if check {
        let checked = seed.check(setting, setting.tolerance(), live);
        checked.map(|came| {
            let (lines, end) = (came.lines.len(), came.end);
            eprintln!("{}: as recorded, {lines} lines in {end:.1} s", seed.id);
        })
    } else {
        seed.run(setting, live)
    };
    tell(seed.id, result)
}

/// True if all went well.
fn tell(id: &str, played: Played) -> bool {
    let Err(error) = played else { return true };
    eprintln!("{id}: {}", error.to_string().trim_end());
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because of: {error}");
        cause = error.source();
    }
    false
}

fn print(text: &str) -> ExitCode {
    // Whoever reads us may have read enough (`| head`).
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
