//! `Command`: what the command line asks for.

use std::fmt::Write;

use lexopt::prelude::*;
use roundel::selector;

use super::{
    seed::{SEEDS, Seed},
    stage::{ClockKind, Setting},
};

pub(crate) const HELP: &str = "\
Runs programs of the seed notes on Roundel and prints what they print.

usage: seeds list
       seeds ID | all [--check] [--driver NAME] [--clock real|virtual] [--scale X]
       seeds S3-E11 server | client REPETITIONS [--port PORT] [--driver NAME] [--scale X]

    list            the programs, a line each
    --check         compare with the recorded transcript; standard input is the recorded one
    --driver NAME   select, poll, epoll, polling, uring … (default: the best selector); sim is a
                    kernel that is simulated, on the virtual clock
    --clock KIND    real (default), or virtual: nothing waits, and times are exact; what goes over
                    the network goes over a simulated one then, whatever the driver
    --scale X       multiply all delays; 0.1 is ten times as fast
    --port PORT     where the server listens: 1234 unless given, as in the note; 0 is any free one

S3-E11 plays both of its roles; `server` and `client` play one, each in a terminal of its own. The
server ends after five seconds, or by Ctrl-C.

Standard output is the transcript and nothing else. The exit status is 1 if a program fails or
differs from its transcript, 2 if the command line is wrong.
";

/// The note's.
const PORT: u16 = 1234;

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    List,
    Play { seeds: &'static [Seed], setting: Setting, check: bool },
    Act { role: Role, setting: Setting },
}

/// What one process plays of the program that has two roles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    Server { port: u16 },
    Client { port: u16, repetitions: u32 },
}

impl Command {
    /// # Errors
    /// What is wrong with the command line, and what would be right.
    pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut words = Vec::new();
        let mut port = None;
        let mut check = false;
        let mut setting =
            Setting { driver: "default".to_owned(), clock: ClockKind::Real, scale: 1.0 };
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(Self::Help),
                Long("check") => check = true,
                Long("driver") => setting.driver = driver(parser.value()?.string()?)?,
                Long("clock") => setting.clock = clock(&parser.value()?.string()?)?,
                Long("scale") => setting.scale = scale(&parser.value()?.string()?)?,
                Long("port") => port = Some(parser.value()?.parse()?),
                Value(value) => words.push(value.string()?),
                other => return Err(other.unexpected()),
            }
        }
        if setting.driver == "sim" {
            setting.clock = ClockKind::Virtual;
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match words[..] {
            [] => Err(format!("name a seed, `all` or `list`; the seeds are {}", ids()).into()),
            [name, role, ref count @ ..] if name.eq_ignore_ascii_case("S3-E11") => {
                if check || setting.clock == ClockKind::Virtual {
                    return Err("a role is played in real time, and is not checked".into());
                }
                let role = self::role(role, count, port.unwrap_or(PORT))?;
                Ok(Self::Act { role, setting })
            }
            _ if port.is_some() => Err("only a role of S3-E11 has a port".into()),
            [name] if name.eq_ignore_ascii_case("list") => Ok(Self::List),
            [name] => Ok(Self::Play { seeds: seeds(name)?, setting, check }),
            [_, word, ..] => Err(Value(word.into()).unexpected()),
        }
    }
}

fn role(name: &str, count: &[&str], port: u16) -> Result<Role, String> {
    match (name, count) {
        ("server", []) => Ok(Role::Server { port }),
        ("client", [count]) => match count.parse() {
            Ok(repetitions) => Ok(Role::Client { port, repetitions }),
            Err(_) => Err(format!("'{count}' is no number of repetitions")),
        },
        _ => Err("the roles of S3-E11 are `server` and `client REPETITIONS`".to_owned()),
    }
}

/// The list that `list` prints.
pub(crate) fn list() -> String {
    SEEDS.iter().fold(String::new(), |mut list, seed| {
        let _ = writeln!(list, "{}  {}", seed.id, seed.title);
        list
    })
}

fn seeds(name: &str) -> Result<&'static [Seed], String> {
    if name.eq_ignore_ascii_case("all") {
        return Ok(SEEDS);
    }
    Seed::find(name)
        .map(std::slice::from_ref)
        .ok_or_else(|| format!("no seed is called '{name}' here; the seeds are {}", ids()))
}

fn ids() -> String {
    SEEDS.iter().map(|seed| seed.id).collect::<Vec<_>>().join(", ")
}

fn driver(name: String) -> Result<String, String> {
    let names: Vec<_> = selector::names().chain(["uring", "sim"]).collect();
    if names.contains(&name.as_str()) {
        return Ok(name);
    }
    Err(format!("no driver is called '{name}' here; the drivers are {}", names.join(", ")))
}

fn clock(name: &str) -> Result<ClockKind, String> {
    match name {
        "real" => Ok(ClockKind::Real),
        "virtual" => Ok(ClockKind::Virtual),
        _ => Err(format!("no clock is called '{name}'; the clocks are real, virtual")),
    }
}

fn scale(text: &str) -> Result<f64, String> {
    // Neither so small that a nanosecond is too long, nor so large that nobody would wait.
    text.parse()
        .ok()
        .filter(|scale| (1e-3..=1e3).contains(scale))
        .ok_or_else(|| format!("'{text}' is no scale; a scale is a number from 0.001 to 1000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Command, String> {
        Command::parse(lexopt::Parser::from_args(arguments.split_whitespace()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_seed_is_played_as_the_options_say() {
        let command = parse("s0-e1 --driver poll --clock virtual --scale 0.1 --check");
        let Ok(Command::Play { seeds: [seed], setting, check: true }) = command else {
            panic!("{command:?}");
        };
        assert_eq!(seed.id, "S0-E1");
        let driver = "poll".to_owned();
        assert_eq!(setting, Setting { driver, clock: ClockKind::Virtual, scale: 0.1 });
    }

    #[test]
    fn a_role_is_played_at_a_port() {
        let server = parse("s3-e11 server --scale 0.1");
        assert!(
            matches!(&server, Ok(Command::Act { role: Role::Server { port: 1234 }, setting })
                if setting.scale == 0.1),
            "{server:?}"
        );
        let client = parse("S3-E11 client 3 --port 7000");
        let expected = Role::Client { port: 7000, repetitions: 3 };
        assert!(matches!(client, Ok(Command::Act { role, .. }) if role == expected), "{client:?}");
    }

    #[test]
    fn all_seeds_are_played_in_order() {
        let Ok(Command::Play { seeds, check: false, .. }) = parse("all") else { panic!() };
        assert_eq!(seeds.len(), SEEDS.len());
    }

    #[test]
    fn the_list_has_a_line_for_each_seed() {
        for name in ["list", "LIST"] {
            assert!(matches!(parse(name), Ok(Command::List)));
        }
        assert_eq!(list().lines().count(), SEEDS.len());
        assert!(matches!(parse("-h"), Ok(Command::Help)));
    }

    #[test]
    fn the_help_names_what_is_understood() {
        for word in
            ["list", "all", "--check", "--driver", "--clock real|virtual", "--scale", "--port"]
        {
            assert!(HELP.contains(word), "{word}");
        }
    }

    #[test]
    fn a_mistake_is_answered_with_what_would_be_right() {
        for (arguments, expected) in [
            ("", "name a seed, `all` or `list`; the seeds are S0-E1, S0-E2"),
            ("S9-E9", "no seed is called 'S9-E9' here; the seeds are S0-E1"),
            ("S0-E1 --driver smoke", "no driver is called 'smoke' here; the drivers are "),
            ("S0-E1 --clock sun", "no clock is called 'sun'; the clocks are real, virtual"),
            ("S0-E1 --scale 0", "'0' is no scale"),
            ("S0-E1 --scale NaN", "'NaN' is no scale"),
            ("S0-E1 --driver", "missing argument for option '--driver'"),
            ("S0-E1 S0-E2", "unexpected argument \"S0-E2\""),
            ("S0-E1 server", "unexpected argument \"server\""),
            ("S3-E11 client", "the roles of S3-E11 are `server` and `client REPETITIONS`"),
            ("S3-E11 client many", "'many' is no number of repetitions"),
            ("S3-E11 server --check", "is not checked"),
            ("S3-E11 server --port http", "cannot parse argument \"http\""),
            ("S0-E1 --port 7000", "only a role of S3-E11 has a port"),
            ("S0-E1 --chek", "invalid option '--chek'"),
        ] {
            let error = parse(arguments).expect_err(arguments);
            assert!(error.contains(expected), "{arguments}: {error}");
        }
    }
}
