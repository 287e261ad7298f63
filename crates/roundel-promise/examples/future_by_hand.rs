//! A future by hand: dump it, set it, dump it again.
//!
//! The call-back runs inside `set`, in the thread that sets, and stays in the list afterwards.
use std::error::Error;

use roundel_promise::{Broken, promise};

fn print_reversed(outcome: Result<&String, Broken>) {
    match outcome {
        Ok(text) => println!("{}", text.chars().rev().collect::<String>()),
        Err(broken) => println!("{broken}"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (promise, promised) = promise();
    promised.on_done(print_reversed);

    println!("before: {promised:#?}");
    promise.set(String::from("HELLO"))?;
    println!("after: {promised:#?}");

    println!("{}", promised.result()?);
    Ok(())
}
