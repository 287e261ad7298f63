//! Which ports of a host answer, asked of at most a hundred at once.
//!
//! ```text
//! cargo run --example port_scanner -- 127.0.0.1
//! cargo run --example port_scanner -- 127.0.0.1 1-65535
//! ```

use std::{convert::Infallible, env, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use roundel::{
    TaskGroup,
    net::{ConnectOptions, resolve},
};

const USAGE: &str = "usage: port_scanner HOST [FIRST-LAST]    (1-1023 unless given)";

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("port_scanner: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let words: Vec<_> = env::args().skip(1).collect();
    let (host, ports) = match &words[..] {
        [host] if !host.starts_with('-') => (host.clone(), "1-1023"),
        [host, ports] => (host.clone(), &**ports),
        _ => bail!(USAGE),
    };
    let (first, last) = ports.split_once('-').context(USAGE)?;
    let ports = first.parse::<u16>().ok().context(USAGE)?..=last.parse().ok().context(USAGE)?;
    roundel::run(async move {
        // Looked up once, not for every port.
        let host = resolve((host, 0)).await?[0].ip();
        let mut options = ConnectOptions::default();
        options.limit = Some(Duration::from_secs(2));
        let options = &options;
        TaskGroup::scope(async |group| {
            group.limit(100);
            for port in ports {
                let answers = async move {
                    if options.connect((host, port)).await.is_ok() {
                        println!("{port} is open");
                    }
                    Ok(())
                };
                group.spawn_when_free(answers).await;
            }
            Ok::<_, Infallible>(())
        })
        .await?;
        Ok(())
    })?
}
