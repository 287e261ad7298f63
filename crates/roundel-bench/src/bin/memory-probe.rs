//! `memory-probe`: what one waiting thing takes, in a process whose allocator counts.

use std::{alloc::System, error::Error};

use cap::Cap;
use roundel_bench::{
    machine::raise_descriptor_limit,
    memory::{Waiting, usage_of},
};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const HELP: &str = "\
memory-probe timers|connections|tasks PEER COUNT
    Prints two numbers: bytes allocated and bytes resident for each.";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [waiting, peer, count] = arguments.as_slice() else { return Err(HELP.into()) };
    let waiting = Waiting::named(waiting, peer).ok_or(HELP)?;
    raise_descriptor_limit()?;
    let [allocated, resident] = usage_of(waiting, count.parse()?, || ALLOCATOR.allocated())?;
    println!("{allocated} {resident}");
    Ok(())
}
