//! Random programs of operations, cancels and drops against a model: no byte is lost, doubled or
//! out of order, whoever loses interest when.
//!
//! `ROUNDEL_DEEP=1` runs many more. A program that fails prints its seed; `ROUNDEL_SEED=N` runs it
//! alone. The fuzzer (`fuzz/`) runs the same programs, its own bytes instead of a seed's.
#![cfg(target_os = "linux")]

mod program;

use program::run;
use roundel_uring::probe;

#[test]
fn random_programs_lose_nothing() {
    if let Err(reason) = probe() {
        eprintln!("not run: {reason}");
        return;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (number("ROUNDEL_SEED"), number("ROUNDEL_DEEP")) {
        (Some(seed), _) => seed..seed + 1,
        (None, Some(_)) => 0..20_000,
        (None, None) => 0..150,
    };
    for seed in seeds {
        let told = Told(seed);
        run(&bytes(seed));
        std::mem::forget(told);
    }
}

/// Says which program it was, if it panicked.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        eprintln!("this was ROUNDEL_SEED={}", self.0);
    }
}

/// What the seed stands for: some hundred bytes of xorshift.
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let length = 40 + next() % 400;
    (0..length).map(|_| (next() >> 32) as u8).collect()
}
