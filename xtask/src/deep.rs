//! `cargo xtask deep`: the long runs, which look for what a test run of minutes cannot find.
//!
//! A tool that is not installed is skipped with its reason, never silently: what did not run is
//! in the summary.

use crate::failure::{Failure, Result};
use crate::invocation::Invocation;
use crate::layers::Layers;
use crate::planted;
use crate::steps::Steps;
use crate::tree;

pub(crate) const HELP: &str = "\
deep
    The long runs: every interleaving under loom, the model tests with many more cases
    (ROUNDEL_DEEP=1), a soak of the network among them, the planted bugs, AddressSanitizer,
    ThreadSanitizer, and fuzzers for io_uring, the search for separators and the flow control. A tool
    that is missing is skipped with its reason.

    AddressSanitizer needs a nightly toolchain. ThreadSanitizer needs an instrumented standard
    library: Debian's rustc-web, cargo-web and rust-web-src of one version, linked by
    `rustup toolchain link deb /usr`, and clang-22 with libclang-rt-22-dev.";

const TARGET: &str = "x86_64-unknown-linux-gnu";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result {
    if let Some(argument) = arguments.next()? {
        return Err(argument.unexpected().into());
    }
    let (mut steps, mut skipped) = (Steps::default(), Vec::new());
    let result = all(&mut steps, &mut skipped);
    println!();
    for reason in skipped {
        println!("skipped {reason}");
    }
    if let Err(failure) = &result {
        println!("{failure}");
    }
    println!("{}", steps.tally());
    result.map_err(|_| Failure::new("the long runs found something"))
}

fn all(steps: &mut Steps, skipped: &mut Vec<&'static str>) -> Result {
    for entry in Layers::read()?.existing() {
        if tree::root().join("crates").join(&entry.name).join("tests/loom.rs").exists() {
            steps.test(&format!("{}: loom", entry.name), &loom(&entry.name))?;
        }
    }
    steps.test("model tests, long", &model_tests())?;
    steps.check("planted bugs are found", "cargo xtask planted", planted::find_all)?;
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        skipped.push("both sanitizers: they are set up for x86-64 Linux");
        return Ok(());
    }
    if Invocation::cargo(["+nightly", "--version"]).succeeds() {
        steps.test("AddressSanitizer", &address_sanitizer())?;
    } else {
        skipped.push("AddressSanitizer: no nightly toolchain");
    }
    if Invocation::cargo(["+nightly", "fuzz", "--version"]).succeeds() {
        for target in ["uring", "separators", "flow"] {
            steps.run(&format!("fuzzing: {target}"), &fuzz(target))?;
        }
    } else {
        skipped.push("fuzzing: no cargo-fuzz, or no nightly toolchain");
    }
    if !Invocation::cargo(["+deb", "--version"]).succeeds() {
        skipped.push("ThreadSanitizer: no toolchain called deb (`cargo xtask deep --help`)");
    } else if !Invocation::new("clang-22", ["--version"]).succeeds() {
        skipped.push("ThreadSanitizer: no clang-22 (`cargo xtask deep --help`)");
    } else {
        steps.test("ThreadSanitizer", &thread_sanitizer())?;
    }
    Ok(())
}

/// loom replaces the primitives under its own cfg, hence its own target directory.
fn loom(name: &str) -> Invocation {
    Invocation::cargo(["test", "-p", name, "--release", "--test", "loom"])
        .with(["--target-dir", "target/loom"])
        .env("RUSTFLAGS", "--cfg loom")
}

fn model_tests() -> Invocation {
    Invocation::cargo(["test", "--workspace", "--all-features", "--release"])
        .env("ROUNDEL_DEEP", "1")
}

/// Ten minutes of programs that nobody thought of; AddressSanitizer is on.
fn fuzz(target: &str) -> Invocation {
    Invocation::cargo(["+nightly", "fuzz", "run", target]).with(["--", "-max_total_time=600"])
}

/// Leaks included.
fn address_sanitizer() -> Invocation {
    sanitized(&["+nightly", "test"], "target/address", "-Zsanitizer=address")
}

/// Without an instrumented standard library its locks look like races; without
/// `rustix_use_libc` every epoll call does, because raw system calls are invisible to it.
fn thread_sanitizer() -> Invocation {
    let flags = "-Zsanitizer=thread -Zexternal-clangrt -Clinker=clang-22 \
                 -Clink-arg=-fsanitize=thread --cfg rustix_use_libc";
    sanitized(&["+deb", "test", "-Z", "build-std"], "target/thread", flags)
        .env("RUSTC_BOOTSTRAP", "1")
}

/// A named target keeps the flags away from build scripts; doc tests take theirs from rustdoc's.
fn sanitized(test: &[&str], directory: &str, flags: &str) -> Invocation {
    Invocation::cargo(test.iter().copied())
        .with(["--workspace", "--exclude", "xtask", "--all-features"])
        .with(["--target", TARGET, "--target-dir", directory])
        .env("RUSTFLAGS", flags)
        .env("RUSTDOCFLAGS", flags)
}
