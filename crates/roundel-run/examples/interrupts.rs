//! What Ctrl-C does to programs of several kinds; press it once or twice.
//!
//! ```sh
//! cargo run -p roundel-run --example interrupts -- polite
//! ```

use std::{
    env,
    error::Error,
    future::pending,
    io::{self, Read},
    thread,
};

use futures::StreamExt;
use roundel_executor::{AsyncExit, with, yield_now};
use roundel_run::{LoopGroup, Runner, run};
use roundel_signal::{SignalKind, signal};

fn main() -> Result<(), Box<dyn Error>> {
    let program = env::args().nth(1).unwrap_or_default();
    match program.as_str() {
        "polite" => say(run(with(Resource, async |_| wait("ready").await))),
        "busy" => say(run(with(Resource, async |_| busy().await))),
        "stubborn" => say(run(with(Stubborn, async |_| wait("ready").await))),
        "blocked" => say(run(block())),
        "heedful" => say(run(heed(SignalKind::INTERRUPT, 3))),
        "until-terminated" => say(run(heed(SignalKind::TERMINATE, 1))),
        "deaf" => say(Runner::builder().ctrl_c(false).build()?.run(wait("ready"))),
        "in-a-thread" => {
            thread::spawn(|| say(run(wait("ready")))).join().map_err(|_| "it panicked")?;
        }
        "several-runs" => {
            let mut runner = Runner::new()?;
            say(runner.run(wait("first")));
            say(runner.run(wait("second")));
            println!("over");
            io::stdin().read_to_end(&mut Vec::new())?;
        }
        "group" => say(LoopGroup::new().loops(2).run(async |_| {
            with(Resource, async |_| wait("ready").await).await;
        })),
        _ => {
            return Err("polite, busy, stubborn, blocked, heedful, until-terminated, deaf, \
                         in-a-thread, several-runs or group?"
                .into());
        }
    }
    Ok(())
}

fn say<T: std::fmt::Debug, E: Error>(outcome: Result<T, E>) {
    match outcome {
        Ok(value) => println!("result: {value:?}"),
        Err(error) => println!("error: {error}"),
    }
}

/// Does nothing, in vain.
async fn wait(line: &str) {
    println!("{line}");
    pending::<()>().await;
}

/// Does nothing, with great effort.
async fn busy() {
    println!("ready");
    loop {
        yield_now().await;
    }
}

/// Keeps its thread from everything else.
async fn block() {
    println!("ready");
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// Listens by itself.
async fn heed(kind: SignalKind, times: usize) -> usize {
    let mut signals = signal(kind).expect("it can be handled");
    println!("ready");
    for _ in 0..times {
        signals.next().await;
        println!("heard {kind}");
    }
    times
}

/// Has an end that takes a turn.
struct Resource;

impl AsyncExit for Resource {
    async fn exit(self) {
        yield_now().await;
        println!("cleaned up");
    }
}

/// Has an end that takes too long.
struct Stubborn;

impl AsyncExit for Stubborn {
    async fn exit(self) {
        println!("cleaning up");
        pending::<()>().await;
    }
}
