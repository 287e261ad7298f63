//! A key-value server that speaks lines: one command a line, one answer a line.
//!
//! ```text
//! cargo run --example kv_server -- 127.0.0.1:7001
//! printf 'set fruit apples and pears\nget fruit\n' | nc -N 127.0.0.1 7001
//! ```
//!
//! The table is shared by all connections. They live in one thread and are interrupted only where
//! they await, so what is done to it between two awaits is done at once, without a lock.

use std::{cell::RefCell, collections::BTreeMap, env, process::ExitCode, rc::Rc, time::Duration};

use futures::StreamExt;
use roundel::{
    SignalKind,
    net::{Connection, Listener, ServeOptions},
    signal,
    stream::ReadError,
    timeout,
};

const USAGE: &str = "usage: kv_server [HOST:PORT]    (127.0.0.1:7001 unless given)";

/// A line may be so long, in bytes, and no longer.
const LONGEST_LINE: usize = 4096;
/// Who says nothing for so long is shown out.
const PATIENCE: Duration = Duration::from_secs(600);

const HELP: &str = "set KEY VALUE, get KEY, delete KEY, keys, quit";

type Table = RefCell<BTreeMap<String, String>>;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kv_server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let mut words = env::args().skip(1);
    let address = words.next().unwrap_or_else(|| "127.0.0.1:7001".to_owned());
    anyhow::ensure!(words.next().is_none() && !address.starts_with('-'), USAGE);
    roundel::run(async move {
        let table = Rc::new(Table::default());
        let mut options = ServeOptions::default();
        options.limit = Some(1000);
        let listener = Listener::bind(address).await?;
        let mut ctrl_c = signal(SignalKind::INTERRUPT)?;
        println!("listening at {}", listener.local_addresses()[0]);
        let server = options.serve(listener, async move |client| attend(client, &table).await);
        server.serve_until(ctrl_c.next()).await;
        Ok(())
    })?
}

/// One client, from the first command to the last.
async fn attend(client: Connection, table: &Table) -> Result<(), ReadError> {
    let (mut reader, mut writer) = client.open();
    reader.set_limit(LONGEST_LINE);
    loop {
        let line = match timeout(PATIENCE, reader.read_line()).await {
            // Nothing, not even a line feed: the client has ended.
            Ok(Ok([])) => return Ok(()),
            Ok(Ok(line)) => str::from_utf8(line),
            // The reader has dropped the line; the next one may be better.
            Ok(Err(ReadError::LimitOverrun { limit, .. })) => {
                writer
                    .write(format!("error: more than {limit} bytes in a line\n").into_bytes())
                    .await?;
                continue;
            }
            Ok(Err(error)) => return Err(error),
            Err(_) => return Ok(writer.write(b"error: time is up\n").await?),
        };
        let answer = match line.map(str::trim_end) {
            Ok("quit") => return Ok(()),
            Ok(command) => answer(&mut table.borrow_mut(), command),
            Err(_) => "error: no UTF-8".to_owned(),
        };
        writer.write((answer + "\n").into_bytes()).await?;
    }
}

fn answer(table: &mut BTreeMap<String, String>, command: &str) -> String {
    let missing = |key| format!("error: there is no {key}");
    match *command.splitn(3, ' ').collect::<Vec<_>>() {
        ["get", key] => table.get(key).cloned().unwrap_or_else(|| missing(key)),
        ["set", key, value] => {
            table.insert(key.to_owned(), value.to_owned());
            "ok".to_owned()
        }
        ["delete", key] => table.remove(key).map_or_else(|| missing(key), |_| "ok".to_owned()),
        ["keys"] => table.keys().map(String::as_str).collect::<Vec<_>>().join(" "),
        _ => format!("error: the commands are {HELP}"),
    }
}
