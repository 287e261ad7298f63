//! A selector and a `while` loop, and nothing else: prints lines as they arrive.
//!
//! Run it with `cargo run --example stdin [SELECTOR]`. The data kept with standard input is the
//! function that reads it.
use std::{env, error::Error, io};

use roundel_selector::{Interest, SelectorMap, Source, by_name};

type Reader = fn(&Source) -> io::Result<bool>;

fn main() -> Result<(), Box<dyn Error>> {
    let selector = by_name(&env::args().nth(1).unwrap_or("default".into()))?;
    let mut map = SelectorMap::with_selector(selector);
    map.register(Source::new(io::stdin()), Interest::READ, print_line as Reader)?;

    let mut open = true;
    while open {
        for (key, _ready) in map.select(None)? {
            open = key.data()(key.source())?;
        }
    }
    Ok(())
}

/// Prints one line; false at the end of the input.
fn print_line(stdin: &Source) -> io::Result<bool> {
    // Byte by byte: a line left in a buffer of ours is one that the selector cannot see.
    let mut line = Vec::new();
    let mut byte = [0];
    let mut open = true;
    while open && byte != *b"\n" {
        open = rustix::io::read(stdin, &mut byte)? > 0;
        line.extend_from_slice(&byte[..usize::from(open)]);
    }
    if !line.is_empty() {
        println!("Got input from stdin: '{}'", String::from_utf8_lossy(&line).trim_end());
    }
    Ok(open)
}
