//! A seed is a run: the same in one process, in another, and not the same once anything but the
//! seed has a say. Each kind of leak is planted, and seen.

mod support;

use std::{
    cell::RefCell,
    collections::HashSet,
    env,
    process::Command,
    rc::Rc,
    time::{Duration, Instant},
};

use roundel_executor::{sleep, timeout};
use roundel_world::{Cause, Faults, Found, Link, World, run, try_check};
use support::*;

/// Some of everything: hosts that ask each other over bad links, crash and come back.
async fn busy(world: World) {
    world.set_faults(Faults::MANY);
    world.set_default_link(Link { jitter: 5 * MS, loss: 0.05, ..Link::default() });
    let servers: Vec<_> =
        (0..3).map(|n| world.host(&format!("server-{n}"), async |_| echo(7).await)).collect();
    let clients: Vec<_> = (0..5)
        .map(|n| {
            let host = world.add_host(&format!("client-{n}"));
            host.set_drift(n * 20 - 50);
            let to = servers[n as usize % 3].address(7);
            host.spawn(async move {
                for _ in 0..5 {
                    // Who asks a host that crashes is never told.
                    let _ = timeout(SECOND, async {
                        let connection = connect(to).await?;
                        send(&connection, b"what?").await?;
                        recv(&connection).await
                    })
                    .await;
                    sleep(MS).await;
                }
            })
        })
        .collect();
    sleep(20 * MS).await;
    servers[0].restart();
    for client in clients {
        client.await.unwrap();
    }
}

fn hash_of(seed: u64) -> u64 {
    run(seed, busy).unwrap().trace_hash
}

#[test]
fn a_seed_is_a_run_and_another_seed_another() {
    let hashes: Vec<u64> = (0..20).map(hash_of).collect();
    assert_eq!(hashes, (0..20).map(hash_of).collect::<Vec<_>>());
    assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), 20);
}

/// The child: says its hash, and nothing else.
const SAY: &str = "ROUNDEL_TEST_SAY_HASH";

#[test]
fn a_seed_is_the_same_run_in_another_process() {
    let name = "a_seed_is_the_same_run_in_another_process";
    if env::var_os(SAY).is_some() {
        println!("hash {:016x}", hash_of(77));
        return;
    }
    let mut child = Command::new(env::current_exe().unwrap());
    let output = child.args([name, "--exact", "--nocapture"]).env(SAY, "1").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&format!("hash {:016x}", hash_of(77))), "{said}");
}

fn is_seen(found: Result<(), Found>) {
    let found = found.expect_err("the leak is not seen");
    assert!(matches!(found.failure.cause, Cause::NotDeterministic), "{found}");
    assert!(found.to_string().contains("ROUNDEL_SEED=0"), "{found}");
}

#[test]
fn without_a_leak_nothing_is_seen() {
    try_check(5, busy).unwrap();
}

#[test]
fn the_order_of_a_hash_map_is_seen() {
    is_seen(try_check(3, async |world: World| {
        let hosts: HashSet<String> = (0..20).map(|n| format!("host-{n}")).collect();
        for name in &hosts {
            world.add_host(name);
        }
        let inbox = world.main_host();
        let socket = datagrams(9);
        for name in &hosts {
            let _ = socket.send_to(name.as_bytes(), inbox.address(9)).await.unwrap();
        }
        let _ = socket.recv_from(100).await.unwrap();
    }));
}

#[test]
fn an_address_is_seen() {
    let kept = Rc::new(RefCell::new(Vec::new()));
    is_seen(try_check(3, async move |_: World| {
        // What is kept makes the next one lie elsewhere.
        let boxed = Box::new(1_u64);
        let address = &raw const *boxed as u64;
        kept.borrow_mut().push(boxed);
        sleep(Duration::from_nanos(address % 1_000_003)).await;
    }));
}

#[test]
fn the_wall_clock_is_seen() {
    let begin = Instant::now();
    is_seen(try_check(3, async move |_: World| {
        sleep(begin.elapsed()).await;
    }));
}

#[test]
fn a_thread_is_seen() {
    is_seen(try_check(3, async |world: World| {
        let began = Instant::now();
        let thread = std::thread::spawn(move || began.elapsed().as_nanos() as u64);
        world.note("thread", thread.join().unwrap());
    }));
}
