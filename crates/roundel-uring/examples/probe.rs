//! Says what this kernel's io_uring offers, or why there is none; the exit status tells too.
//!
//! `cargo run -p roundel-uring --example probe`

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    match roundel_uring::probe() {
        Ok(features) => println!("io_uring is here: {features}"),
        Err(reason) => {
            println!("{reason}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("io_uring is Linux's");
    ExitCode::FAILURE
}
