//! Programs of operations, cancels and drops on io_uring against the model of `roundel-uring`'s
//! tests, from the fuzzer's bytes.
#![no_main]

#[path = "../../crates/roundel-uring/tests/model/program.rs"]
mod program;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // A longer program finds nothing that several short ones do not, and more slowly.
    program::run(&bytes[..bytes.len().min(400)]);
});
