//! Listens to one signal, hears it once, and gives it back: then it does again what it did before.
//!
//! ```sh
//! cargo run -p roundel-signal --example listen -- 10 &   # SIGUSR1
//! kill -USR1 %1                                          # is told
//! kill -USR1 %1                                          # ends it, as that signal does
//! ```

use std::{env, error::Error, io};

use futures::{StreamExt, executor::block_on};
use roundel_signal::{SignalKind, signal};

fn main() -> Result<(), Box<dyn Error>> {
    let number = env::args().nth(1).ok_or("which signal? give its number")?;
    let kind = SignalKind::from_raw(number.parse()?);

    let mut stream = signal(kind)?;
    println!("listening to {kind}");
    block_on(stream.next());
    println!("heard {kind}");
    drop(stream);
    println!("gave {kind} back");

    // Until the input ends, or a signal ends the program.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    println!("outlived {kind}");
    Ok(())
}
