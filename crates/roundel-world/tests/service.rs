//! A service of requests and replies, with retries and timeouts, among partitions, crashes, pauses
//! and a kernel that does what kernels may: whatever was acknowledged is in the server's log.
//!
//! A few hundred seeds in a test run; `ROUNDEL_DEEP` makes it a hundred thousand.

mod support;

use std::{cell::RefCell, collections::BTreeSet, env, rc::Rc};

use roundel_executor::{sleep, spawn, timeout};
use roundel_loop::{Attached, File, LoopHandle, OpenOptions, Outcome};
use roundel_world::{Faults, Host, Link, Random, World, check, run};
use support::*;

/// A request is its number; the reply is the same.
type Request = [u8; 4];

async fn open_log() -> Attached<File> {
    let options = OpenOptions { read: true, append: true, create: true, ..OpenOptions::NONE };
    match LoopHandle::current().open("/log", options).await.unwrap() {
        Outcome::Opened(file) => LoopHandle::current().attach(file),
        other => panic!("no file: {other:?}"),
    }
}

async fn serve() {
    let (listener, log) = (listen(7), Rc::new(open_log().await));
    loop {
        let Ok(connection) = accept(&listener).await else {
            sleep(MS).await;
            continue;
        };
        let log = Rc::clone(&log);
        spawn(async move {
            while let Ok(request) = recv_exactly(&connection, 4).await {
                let _ = log.write_at(0, request.clone()).await.unwrap();
                let _ = log.sync(true).await.unwrap();
                if send(&connection, &request).await.is_err() {
                    break;
                }
            }
        })
        .detach();
    }
}

/// Asks until somebody answers; connects again whenever anything goes wrong.
async fn ask(host: &Host, request: Request, connection: &mut Option<Connection>) -> bool {
    for _ in 0..8 {
        let asked = timeout(50 * MS, async {
            if connection.is_none() {
                *connection = Some(connect((host.resolve("server")?, 7).into()).await?);
            }
            let to = connection.as_ref().expect("it was made above");
            send(to, &request).await?;
            recv_exactly(to, 4).await
        });
        match asked.await {
            Ok(Ok(reply)) => {
                assert_eq!(reply, request, "the reply to another request");
                return true;
            }
            // A late reply would be taken for the next one's.
            _ => *connection = None,
        }
        sleep(5 * MS).await;
    }
    false
}

/// What the weather does to the world, for a while.
async fn storm(world: World, server: Host, clients: Vec<Host>, mut random: Random) {
    for _ in 0..4 {
        sleep(random.time(60 * MS)).await;
        let client = &clients[random.index(clients.len())];
        match random.below(6) {
            0 => world.partition(&[&server], &[client]),
            1 => world.cut(&server, client),
            2 => server.restart(),
            3 => {
                server.kill();
                sleep(random.time(30 * MS)).await;
                server.restart();
            }
            4 => server.pause(),
            _ => {
                world.heal();
                server.resume();
            }
        }
    }
    world.heal();
    server.resume();
    server.restart();
}

/// Returns how many requests were acknowledged.
async fn body(world: World) -> usize {
    world.set_faults(Faults::MANY);
    world.set_default_link(Link { jitter: 2 * MS, loss: 0.02, ..Link::default() });
    let server = world.host("server", async |_| serve().await);
    let acknowledged = Rc::new(RefCell::new(BTreeSet::new()));
    let clients: Vec<_> = (0..3).map(|n| world.add_host(&format!("client-{n}"))).collect();
    let asking: Vec<_> = (0_u16..)
        .zip(&clients)
        .map(|(number, client)| {
            let (host, acknowledged) = (client.clone(), Rc::clone(&acknowledged));
            let mut random = world.random(&host.name());
            client.spawn(async move {
                let mut connection = None;
                for nth in 0_u16..5 {
                    sleep(random.time(50 * MS)).await;
                    let [a, b] = number.to_be_bytes();
                    let [c, d] = nth.to_be_bytes();
                    if ask(&host, [a, b, c, d], &mut connection).await {
                        acknowledged.borrow_mut().insert([a, b, c, d]);
                    }
                }
            })
        })
        .collect();
    storm(world.clone(), server.clone(), clients, world.random("storm")).await;
    for client in asking {
        client.await.unwrap();
    }
    sleep(SECOND).await;
    let kept = server.spawn(async {
        match open_log().await.read_at(0, 1 << 20).await.unwrap() {
            Outcome::Received(log) => log.as_chunks::<4>().0.iter().copied().collect(),
            other => panic!("no log: {other:?}"),
        }
    });
    let kept: BTreeSet<Request> = kept.await.unwrap();
    let lost: Vec<_> = acknowledged.borrow().difference(&kept).copied().collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    acknowledged.borrow().len()
}

#[test]
fn what_was_acknowledged_is_kept() {
    let is_deep = env::var_os("ROUNDEL_DEEP").is_some_and(|value| !value.is_empty());
    let seeds = if is_deep { 100_000 } else { 300 };
    check(seeds, async |world| {
        body(world).await;
    });
}

/// A storm that lets nobody through would prove nothing.
#[test]
fn most_requests_are_acknowledged_in_the_end() {
    let acknowledged: usize = (0..20).map(|seed| run(seed, body).unwrap().output).sum();
    assert!((151..=300).contains(&acknowledged), "{acknowledged} of {}", 20 * 3 * 5);
}
