//! Hosts that talk, crash, restart, pause and drift; links that are slow, narrow and cut.

mod support;

use std::{cell::Cell, io::ErrorKind, rc::Rc, time::Duration};

use roundel_executor::{sleep, spawn, timeout};
use roundel_loop::{LoopHandle, Outcome, SocketOption};
use roundel_world::{Cause, Faults, Link, Simulation, World, check, run};
use support::*;

/// A world with an echo server on port 7 that listens already.
async fn with_echo(world: &World) -> roundel_world::Host {
    let server = world.host("echo", async |_| echo(7).await);
    world.all_tasks_blocked().await;
    server
}

async fn ask(connection: &Connection, question: &[u8]) -> std::io::Result<Vec<u8>> {
    send(connection, question).await?;
    recv_exactly(connection, question.len()).await
}

#[test]
fn a_request_and_its_answer_take_a_round_trip_each_way() {
    check(20, async |world| {
        let server = with_echo(&world).await;
        let latency = Duration::from_millis(30);
        world.set_default_link(Link { latency, ..Link::default() });
        let begin = world.elapsed();
        let connection = connect(server.address(7)).await.unwrap();
        assert_eq!(world.elapsed() - begin, 2 * latency);
        assert_eq!(ask(&connection, b"hello").await.unwrap(), b"hello");
        let took = world.elapsed() - begin;
        assert!(took >= 4 * latency && took < 5 * latency, "{took:?}");
    });
}

#[test]
fn names_are_resolved() {
    run(1, async |world| {
        let server = with_echo(&world).await;
        assert_eq!(world.resolve("echo").unwrap(), server.ip());
        assert_eq!(world.resolve("nobody").unwrap_err().kind(), ErrorKind::NotFound);
    })
    .unwrap();
}

#[test]
fn a_narrow_link_takes_its_time() {
    run(1, async |world| {
        let server = with_echo(&world).await;
        let bandwidth = Some(100_000);
        world.set_default_link(Link { latency: Duration::ZERO, bandwidth, ..Link::default() });
        let connection = connect(server.address(7)).await.unwrap();
        let begin = world.elapsed();
        let asked = vec![1; 200_000];
        assert_eq!(ask(&connection, &asked).await.unwrap(), asked);
        assert!(world.elapsed() - begin >= Duration::from_secs(2), "{:?}", world.elapsed());
    })
    .unwrap();
}

#[test]
fn bytes_come_in_order_and_once_however_bad_the_link() {
    check(30, async |world| {
        let server = with_echo(&world).await;
        world.set_faults(Faults::SOME);
        world.set_default_link(Link {
            jitter: 20 * MS,
            loss: 0.2,
            duplication: 0.2,
            reordering: 0.2,
            ..Link::default()
        });
        let connection = connect(server.address(7)).await.unwrap();
        for round in 0..20_u8 {
            let asked: Vec<u8> = (0..1000).map(|n| (n % 251) as u8 ^ round).collect();
            assert_eq!(ask(&connection, &asked).await.unwrap(), asked);
        }
    });
}

#[test]
fn datagrams_get_lost_doubled_and_out_of_order() {
    let ran = run(3, async |world| {
        let inbox = world.add_host("inbox");
        let received = inbox.spawn(async {
            let socket = datagrams(9);
            let mut numbers = Vec::new();
            while let Ok(Ok(Outcome::Datagram(message))) =
                timeout(SECOND, socket.recv_from(10)).await
            {
                numbers.push(message.data[0]);
            }
            numbers
        });
        world.all_tasks_blocked().await;
        world.set_default_link(Link {
            loss: 0.2,
            duplication: 0.2,
            reordering: 0.2,
            ..Link::default()
        });
        let socket = datagrams(0);
        for number in 0..100 {
            let _ = socket.send_to(&[number], inbox.address(9)).await.unwrap();
            sleep(MS / 10).await;
        }
        received.await.unwrap()
    });
    let numbers = ran.unwrap().output;
    let mut once = numbers.clone();
    once.sort_unstable();
    assert!(!numbers.is_sorted(), "some were overtaken");
    let count = once.len();
    once.dedup();
    assert!(once.len() < count, "some came twice");
    assert!((60..100).contains(&once.len()), "some were lost: {}", once.len());
}

#[test]
fn a_partition_that_heals_loses_nothing_of_a_stream() {
    check(20, async |world| {
        let server = with_echo(&world).await;
        let connection = connect(server.address(7)).await.unwrap();
        world.partition(&[&world.main_host()], &[&server]);
        let begin = world.elapsed();
        let healer = world.clone();
        spawn(async move {
            sleep(30 * SECOND).await;
            healer.heal();
        })
        .detach();
        assert_eq!(ask(&connection, b"through").await.unwrap(), b"through");
        assert!(world.elapsed() - begin >= 30 * SECOND);
    });
}

#[test]
fn a_partition_that_stays_ends_a_connection_after_a_quarter_of_an_hour() {
    run(1, async |world| {
        let server = with_echo(&world).await;
        let connection = connect(server.address(7)).await.unwrap();
        world.partition(&[&world.main_host()], &[&server]);
        let error = ask(&connection, b"lost").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(world.elapsed() > 900 * SECOND && world.elapsed() < 1200 * SECOND);
    })
    .unwrap();
}

#[test]
fn nobody_hears_of_a_crash_until_they_send() {
    check(10, async |world| {
        let server = with_echo(&world).await;
        let connection = connect(server.address(7)).await.unwrap();
        server.crash();
        // Half open: a receive alone waits for ever.
        assert!(timeout(3600 * SECOND, recv(&connection)).await.is_err());
        server.restart();
        sleep(SECOND).await;
        let error = ask(&connection, b"who is there?").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        let again = connect(server.address(7)).await.unwrap();
        assert_eq!(ask(&again, b"hello").await.unwrap(), b"hello");
    });
}

#[test]
fn keep_alive_finds_a_crashed_peer() {
    run(1, async |world| {
        let server = with_echo(&world).await;
        let connection = connect(server.address(7)).await.unwrap();
        connection.socket().set(SocketOption::KeepAlive(Some(Default::default()))).unwrap();
        server.crash();
        let error = recv(&connection).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    })
    .unwrap();
}

#[test]
fn a_killed_process_ends_its_connections() {
    check(10, async |world| {
        let server = with_echo(&world).await;
        let connection = connect(server.address(7)).await.unwrap();
        sleep(SECOND).await;
        server.kill();
        assert_eq!(recv(&connection).await.unwrap(), b"");
        let error = connect(server.address(7)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_host_that_is_down_does_not_answer() {
    run(1, async |world| {
        let server = with_echo(&world).await;
        server.crash();
        let error = connect(server.address(7)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(world.elapsed() >= 127 * SECOND);
    })
    .unwrap();
}

#[test]
fn a_program_begins_anew_at_each_restart() {
    run(1, async |world| {
        let lives = Rc::new(Cell::new(0));
        let counted = Rc::clone(&lives);
        let host = world.host("cat", async move |_| {
            counted.set(counted.get() + 1);
            sleep(3600 * SECOND).await;
        });
        for _ in 0..9 {
            sleep(SECOND).await;
            host.restart();
        }
        sleep(SECOND).await;
        assert_eq!(lives.get(), 9 + 1);
    })
    .unwrap();
}

#[test]
fn a_paused_host_answers_when_it_goes_on() {
    run(1, async |world| {
        let server = with_echo(&world).await;
        let connection = connect(server.address(7)).await.unwrap();
        server.pause();
        send(&connection, b"hello").await.unwrap();
        assert!(timeout(60 * SECOND, recv(&connection)).await.is_err());
        server.resume();
        assert_eq!(recv(&connection).await.unwrap(), b"hello");
    })
    .unwrap();
}

#[test]
fn a_drifting_clock_counts_its_own_seconds() {
    run(1, async |world| {
        let host = world.add_host("fast");
        host.set_drift(1000);
        let begin = world.elapsed();
        host.spawn(async { sleep(1001 * SECOND).await }).await.unwrap();
        assert_eq!(world.elapsed() - begin, 1000 * SECOND);
    })
    .unwrap();
}

#[test]
fn what_was_not_synced_may_be_gone_after_a_crash() {
    use roundel_loop::{File, OpenOptions};
    async fn open() -> roundel_loop::Attached<File> {
        let options = OpenOptions { read: true, write: true, create: true, ..OpenOptions::NONE };
        match LoopHandle::current().open("/log", options).await.unwrap() {
            Outcome::Opened(file) => LoopHandle::current().attach(file),
            other => panic!("{other:?}"),
        }
    }
    async fn content() -> Vec<u8> {
        let Outcome::Received(data) = open().await.read_at(0, 10_000).await.unwrap() else {
            panic!("no data")
        };
        data.into_vec()
    }
    let mut seen = [0; 3];
    for seed in 0..100 {
        let ran = run(seed, async |world| {
            let host = world.add_host("disk");
            host.spawn(async {
                let file = open().await;
                let _ = file.write_at(0, &[1; 1024]).await.unwrap();
                let _ = file.sync(false).await.unwrap();
                let _ = file.write_at(1024, &[2; 1024]).await.unwrap();
                assert_eq!(content().await.len(), 2048, "it can be read at once");
            })
            .await
            .unwrap();
            host.restart();
            sleep(SECOND).await;
            host.spawn(content()).await.unwrap()
        });
        let left = ran.unwrap().output;
        assert_eq!(left[..1024], [1; 1024], "what was synced is there");
        let torn = left[1024..].iter().filter(|&&byte| byte == 2).count();
        seen[torn / 512] += 1;
    }
    assert!(seen.iter().all(|&count| count > 5), "none, half, all: {seen:?}");
}

#[test]
fn a_deadlock_is_told_with_every_hosts_tasks() {
    let failure = run(1, async |world| {
        let server = with_echo(&world).await;
        let connection = connect(server.address(7)).await.unwrap();
        let _ = recv(&connection).await;
    })
    .unwrap_err();
    let Cause::Deadlock { tasks } = &failure.cause else { panic!("{failure}") };
    for line in ["host main:", "host echo:", "main: waits", "echo: waits"] {
        assert!(tasks.contains(line), "{line} is not in\n{tasks}");
    }
}

#[test]
fn a_world_in_circles_and_one_that_takes_too_long_are_told() {
    let failure = run(1, async |_| {
        loop {
            roundel_executor::yield_now().await;
        }
    });
    let failure: roundel_world::Failure = failure.map(|_: roundel_world::Run<()>| ()).unwrap_err();
    assert!(matches!(failure.cause, Cause::Busy { .. }), "{failure}");
    let failure =
        Simulation::new(1).time_limit(SECOND).run(async |_| sleep(2 * SECOND).await).unwrap_err();
    assert!(matches!(failure.cause, Cause::TooLong), "{failure}");
}

#[test]
fn a_panic_on_any_host_fails_the_run() {
    let failure = run(1, async |world| {
        let _ = world.add_host("weak").spawn(async { panic!("it broke") }).await;
        sleep(SECOND).await;
    })
    .unwrap_err();
    assert!(failure.to_string().contains("host weak"), "{failure}");
    assert!(failure.to_string().contains("it broke"), "{failure}");
    let failure = run(1, async |_| panic!("main broke")).map(|_: roundel_world::Run<()>| ());
    assert!(failure.unwrap_err().to_string().contains("main broke"));
}

#[test]
fn ten_thousand_hosts_talk_to_one() {
    let ran = run(1, async |world| {
        let server = with_echo(&world).await;
        let clients: Vec<_> = (0..10_000)
            .map(|n| {
                let (host, to) = (world.add_host(&format!("client-{n}")), server.address(7));
                host.spawn(async move {
                    let connection = connect(to).await.unwrap();
                    ask(&connection, &[1; 10]).await.unwrap()
                })
            })
            .collect();
        for client in clients {
            assert_eq!(client.await.unwrap(), [1; 10]);
        }
    });
    // Each is a turn of a client, a packet to the server, or one back.
    assert!(ran.unwrap().events > 10_000 * 8);
}
