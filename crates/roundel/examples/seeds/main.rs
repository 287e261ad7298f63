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
mod fetch;
mod generator;
mod input;
mod printer;
mod saying;
mod sleeper;
mod wall_clock;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use crate::{arguments::Command, seed::Seed, stage::Setting};

fn main() -> ExitCode {
    match Command::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => print(arguments::HELP),
        Ok(Command::List) => print(&arguments::list()),
        Ok(Command::Play { seeds, setting, check }) => {
            let failed = seeds.iter().filter(|seed| !play(seed, &setting, check)).count();
            ExitCode::from(u8::from(failed > 0))
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
    result.map_err(|error| eprintln!("{}: {}", seed.id, error.to_string().trim_end())).is_ok()
}

fn print(text: &str) -> ExitCode {
    // Whoever reads us may have read enough (`| head`).
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
