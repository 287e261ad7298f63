//! Programs as anybody writes them, on streams, servers and names, unchanged in a simulated world.

mod support;

use std::{cell::Cell, rc::Rc};

use roundel_executor::{gather, sleep, spawn, timeout};
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

/// Counts those who are inside.
struct Inside(Rc<Cell<u32>>);

impl Inside {
    fn enter(count: &Rc<Cell<u32>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Asks again and again, and does not care.
async fn pester() {
    for _ in 0..5 {
        let _ = timeout(30 * MS, ask("hello")).await;
        sleep(MS).await;
    }
}

#[test]
fn a_server_that_has_drained_has_no_handler_left() {
    check(100, async |world| {
        world.set_faults(Faults::MANY);
        world.set_default_link(Link { jitter: 3 * MS, loss: 0.05, ..Link::default() });
        let server = world.add_host("loud");
        let mut random = world.random("drain");
        let (begin, limit) = (random.time(60 * MS), random.time(60 * MS));
        let serving = server.spawn(async move {
            let inside = Rc::new(Cell::new(0));
            let count = Rc::clone(&inside);
            let listener = Listener::bind(("0.0.0.0", 7)).await.unwrap();
            let server = serve(listener, async move |connection| {
                let _inside = Inside::enter(&count);
                let (mut reader, mut writer) = connection.open();
                let line = reader.read_line().await?.to_ascii_uppercase();
                sleep(5 * MS).await;
                writer.write(line).await
            });
            sleep(begin).await;
            server.drain(limit).await;
            assert_eq!(inside.get(), 0);
        });
        world.all_tasks_blocked().await;
        let client = world.add_host("client");
        let asking = client.spawn(async {
            let clients: Vec<_> = (0..4).map(|_| spawn(pester())).collect();
            gather(clients).await;
        });
        serving.await.unwrap();
        asking.await.unwrap();
    });
}
