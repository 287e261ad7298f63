//! The programs of the seed notes print what they once printed: to the tenth of a second on the
//! virtual clock, on every selector; in order and never early on the real one.
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
#[path = "../examples/seeds/fetch.rs"]
mod fetch;
#[path = "../examples/seeds/input.rs"]
mod input;
#[path = "../examples/seeds/printer.rs"]
mod printer;

use std::io;

use roundel::selector;

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

fn check_all(setting: &Setting, tolerance: Tolerance) {
    let mut differences = String::new();
    for seed in all_seeds() {
        if let Err(error) = seed.check(setting, tolerance, Box::new(io::sink())) {
            differences += &format!("\n{} on {setting:?}:\n{error}", seed.id);
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn on_the_virtual_clock_every_seed_is_exact_on_every_selector() {
    for driver in selector::names() {
        let driver = driver.to_owned();
        let setting = Setting { driver, clock: ClockKind::Virtual, scale: 1.0 };
        check_all(&setting, setting.tolerance());
    }
}

#[test]
fn on_the_real_clock_every_seed_keeps_its_order_and_is_never_early() {
    let setting = Setting { driver: "default".to_owned(), clock: ClockKind::Real, scale: 0.1 };
    // How late a machine is says nothing about the program.
    check_all(&setting, Tolerance::Late(f64::INFINITY));
}
