//! `cargo xtask cross`: does it still compile for platforms this machine is not?
//!
//! The standard library is built from source for each target, so no target has to be installed.

use lexopt::prelude::*;

use crate::failure::{Failure, Result};
use crate::invocation::Invocation;
use crate::steps::Steps;

pub(crate) const HELP: &str = "\
cross [--target TRIPLE]...
    Type-checks the crates for other platforms: FreeBSD, macOS, illumos, Windows, Linux on
    aarch64 and with musl, unless targets are named. Nothing is linked or run.

    Needs Debian's rustc-web, cargo-web and rust-web-src of one version, linked once by
    `rustup toolchain link deb /usr`. A Windows target with the gnu ABI needs
    binutils-mingw-w64-x86-64 too.";

const TARGETS: [&str; 6] = [
    "x86_64-unknown-freebsd",
    "aarch64-apple-darwin",
    "x86_64-unknown-illumos",
    "x86_64-pc-windows-msvc",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
];

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    let mut targets = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("target") => targets.push(arguments.value()?.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if !Invocation::cargo(["+deb", "--version"]).succeeds() {
        return Err(Failure::new(
            "there is no toolchain called deb; `cargo xtask cross --help` says how to get it",
        ));
    }
    if targets.is_empty() {
        targets = TARGETS.map(str::to_owned).into();
    }
    let mut steps = Steps::default();
    targets.iter().try_for_each(|target| steps.run(target, &check(target)))
}

fn check(target: &str) -> Invocation {
    Invocation::cargo(["+deb", "check", "-Z", "build-std", "--workspace", "--exclude", "xtask"])
        .with(["--target", target, "--target-dir", "target/cross"])
        .env("RUSTC_BOOTSTRAP", "1")
}
