//! Programs as anybody writes them, on streams, servers and names, unchanged in a simulated world.

mod support;

use roundel_executor::{sleep, timeout};
use roundel_net::{Listener, connect, serve};
use roundel_world::{Faults, Host, Link, check};
use support::{MS, SECOND};

/// Answers each line with itself in capitals.
async fn shout(_: Host) {
    let listener = Listener::bind(("0.0.0.0", 7)).await.unwrap();
    let server = serve(listener, async |connection| {
        let (mut reader, mut writer) = connection.open();
        loop {
            let line = reader.read_line().await?.to_ascii_uppercase();
            if line.is_empty() {
                return std::io::Result::Ok(());
            }
            writer.write(line).await?;
        }
    });
    server.closed().await;
}

async fn ask(question: &str) -> std::io::Result<String> {
    let connection = connect("loud:7").await.map_err(std::io::Error::other)?;
    let (mut reader, mut writer) = connection.open();
    writer.write(format!("{question}\n").into_bytes()).await?;
    let answer = reader.read_line().await.map_err(std::io::Error::other)?;
    Ok(String::from_utf8_lossy(answer).trim_end().to_owned())
}

#[test]
fn servers_streams_and_names_work_in_a_bad_world() {
    check(50, async |world| {
        world.set_faults(Faults::SOME);
        world.set_default_link(Link { jitter: 3 * MS, loss: 0.05, ..Link::default() });
        let _server = world.host("loud", shout);
        world.all_tasks_blocked().await;
        let client = world.add_host("client");
        let answer = client.spawn(async { ask("hello").await.unwrap() }).await.unwrap();
        assert_eq!(answer, "HELLO");
    });
}

#[test]
fn a_client_that_asks_again_survives_its_server() {
    check(50, async |world| {
        let server = world.host("loud", shout);
        let client = world.add_host("client");
        let asking = client.spawn(async {
            loop {
                if let Ok(Ok(answer)) = timeout(SECOND, ask("still there?")).await {
                    return answer;
                }
                sleep(10 * MS).await;
            }
        });
        for _ in 0..3 {
            server.restart();
            sleep(world.random("life").time(2 * MS)).await;
        }
        assert_eq!(asking.await.unwrap(), "STILL THERE?");
    });
}
