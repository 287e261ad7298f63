//! The programs of the seed notes print what they once printed: to the tenth of a second on the
//! virtual clock, on every driver; in order and never early on the real one.
//!
//! The programs are the example `seeds`, taken in module by module. Their command line is tried
//! here too, and the comparison itself, so that it is seen to fail.

#[path = "../examples/seeds/arguments.rs"]
mod arguments;
#[path = "../examples/seeds/golden.rs"]
mod golden;
#[path = "../examples/seeds/seed.rs"]
mod seed;
#[path = "../examples/seeds/stage.rs"]
mod stage;
#[path = "../examples/seeds/transcript.rs"]
mod transcript;
#[path = "../examples/seeds/words.rs"]
mod words;

#[path = "../examples/seeds/by_hand.rs"]
mod by_hand;
#[path = "../examples/seeds/connections.rs"]
mod connections;
#[path = "../examples/seeds/fetch.rs"]
mod fetch;
#[path = "../examples/seeds/generator.rs"]
mod generator;
#[path = "../examples/seeds/input.rs"]
mod input;
#[path = "../examples/seeds/printer.rs"]
mod printer;
#[path = "../examples/seeds/saying.rs"]
mod saying;
#[path = "../examples/seeds/sleeper.rs"]
mod sleeper;
#[path = "../examples/seeds/wall_clock.rs"]
mod wall_clock;

use std::{io, thread};

use roundel::{Backend, selector};

use crate::{
    arguments::Command,
    golden::Tolerance,
    seed::Seed,
    stage::{ClockKind, Setting},
};

fn all_seeds() -> &'static [Seed] {
    match Command::parse(lexopt::Parser::from_args(["all"])) {
        Ok(Command::Play { seeds, .. }) => seeds,
        other => panic!("{other:?}"),
    }
}

/// The programs sleep most of the time, so they are played side by side.
fn check_all(setting: &Setting, tolerance: Tolerance) {
    let check = |seed: &Seed| {
        let error = seed.check(setting, tolerance, Box::new(io::sink())).err()?;
        Some(format!("\n{} on {setting:?}:\n{error}", seed.id))
    };
    let differences: String = thread::scope(|scope| {
        let checks: Vec<_> =
            all_seeds().iter().map(|seed| scope.spawn(move || check(seed))).collect();
        checks.into_iter().filter_map(|check| check.join().expect("no program panics")).collect()
    });
    assert!(differences.is_empty(), "{differences}");
}

/// Every driver that runs here.
fn drivers() -> Vec<String> {
    let mut names: Vec<_> = selector::names().map(str::to_owned).collect();
    match Backend::Proactor.driver() {
        Ok(_) => names.push("uring".to_owned()),
        Err(reason) => eprintln!("not on io_uring: {:?}", reason),
    }
    names
}

#[test]
fn on_the_virtual_clock_every_seed_is_exact_on_every_driver() {
    for driver in drivers().into_iter().chain(["sim".to_owned()]) {
        let setting = Setting { driver, clock: ClockKind::Virtual, scale: 1.0 };
        check_all(&setting, setting.tolerance());
    }
}

#[test]
fn on_the_real_clock_every_seed_keeps_its_order_and_is_never_early() {
    for driver in
        drivers().into_iter().filter(|name| ["epoll", "kqueue", "uring"].contains(&&**name))
    {
        let setting = Setting { driver, clock: ClockKind::Real, scale: 0.1 };
        // How late a machine is says nothing about the program.
        check_all(&setting, Tolerance::Late(f64::INFINITY));
    }
}

#[test]
fn what_goes_over_the_network_does_so_on_every_driver() {
    let networked = Seed::find("S3-E11").unwrap();
    thread::scope(|scope| {
        for driver in drivers() {
            scope.spawn(move || {
                let setting = Setting { driver, clock: ClockKind::Real, scale: 0.1 };
                let played =
                    networked.check(&setting, Tolerance::Late(f64::INFINITY), Box::new(io::sink()));
                played.unwrap_or_else(|error| panic!("{setting:?}: {error}"));
            });
        }
    });
}
