//! The workspace's own commands; `cargo xtask --help` lists them.
//!
//! Everything continuous integration knows is in here, so whoever has Rust can run all of it.

#![forbid(unsafe_code)]

mod bench;
mod code;
mod cross;
mod deep;
mod failure;
mod invocation;
mod layers;
mod planted;
mod spec;
mod steps;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

use failure::{Failure, Result};
use lexopt::prelude::*;

/// One command: its name, its help (first paragraph: what it does) and its entry point.
struct Command {
    name: &'static str,
    help: &'static str,
    run: fn(lexopt::Parser) -> Result,
}

const COMMANDS: &[Command] = &[
    Command { name: "test", help: test::HELP, run: test::run },
    Command { name: "layers", help: layers::HELP, run: layers::run },
    Command { name: "tidy", help: tidy::HELP, run: tidy::run },
    Command { name: "spec", help: spec::HELP, run: spec::run },
    Command { name: "bench", help: bench::HELP, run: bench::run },
    Command { name: "deep", help: deep::HELP, run: deep::run },
    Command { name: "planted", help: planted::HELP, run: planted::run },
    Command { name: "cross", help: cross::HELP, run: cross::run },
];

fn main() -> ExitCode {
    match dispatch(lexopt::Parser::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(mut arguments: lexopt::Parser) -> Result {
    let name = match arguments.next()? {
        None | Some(Short('h') | Long("help")) => {
            print!("{}", overview());
            return Ok(());
        }
        Some(Value(name)) => name.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    let command = find(&name)?;
    if asks_for_help(&mut arguments) {
        println!("cargo xtask {}", command.help);
        return Ok(());
    }
    (command.run)(arguments)
}

fn find(name: &str) -> Result<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name).ok_or_else(|| {
        let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        let names = names.join(", ");
        Failure::new(format!("no command is called '{name}'; the commands are: {names}"))
    })
}

/// Looks ahead without consuming: a command that does not ask for help parses its own arguments.
fn asks_for_help(arguments: &mut lexopt::Parser) -> bool {
    let ahead = arguments.raw_args().map(|ahead| ahead.as_slice().to_vec()).unwrap_or_default();
    ahead.iter().take_while(|word| *word != "--").any(|word| word == "--help" || word == "-h")
}

fn overview() -> String {
    let mut text = String::from("The workspace's own commands.\n\n");
    for command in COMMANDS {
        let what = command.help.split("\n\n").next().unwrap_or_default();
        text += &format!("cargo xtask {what}\n\n");
    }
    text + "`cargo xtask COMMAND --help` says more.\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_command_is_answered_with_the_list() {
        let failure = find("tests").err().expect("no such command").to_string();
        assert!(failure.contains("'tests'") && failure.contains("test, layers, tidy"), "{failure}");
    }

    #[test]
    fn the_overview_explains_every_command() {
        let text = overview();
        for command in COMMANDS {
            assert!(command.help.starts_with(command.name), "{} leads its help", command.name);
            assert!(text.contains(&format!("cargo xtask {}", command.name)));
        }
    }
}
