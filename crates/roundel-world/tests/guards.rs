//! What our own crates promise, by seeds. For each there is a line of theirs in `docs/planted.toml`
//! and a broken one for it; `cargo xtask planted` plants that, and here it has to be found.

mod support;

use std::{env, rc::Rc};

use roundel_executor::{TaskGroup, gather, sleep, spawn, timeout};
use roundel_loop::LoopHandle;
use roundel_net::{Listener, ServeOptions, connect, serve};
use roundel_promise::local::promise;
use roundel_world::{Faults, Link, World};
use support::{MS, SECOND};

/// As many seeds as the environment says.
fn check(body: impl AsyncFn(World) + 'static) {
    let seeds = env::var("ROUNDEL_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    roundel_world::check(seeds.unwrap_or(50), body);
}

#[test]
fn who_is_woken_within_their_own_turn_goes_on() {
    check(async |world| {
        let mut random = world.random("group");
        let (nap, other) = (random.time(MS), random.time(MS));
        let sum = TaskGroup::scope(async |group| {
            let (promise, promised) = promise();
            // The one that is told is polled before the one that tells, in the same turn.
            let told = group.spawn(async move {
                sleep(nap).await;
                Ok::<_, ()>(promised.await.unwrap() + 1)
            });
            group.spawn(async move {
                sleep(other).await;
                promise.set(1).unwrap();
                Ok(())
            });
            Ok(told.await)
        });
        assert_eq!(sum.await.unwrap(), 2);
    });
}

#[test]
fn the_end_is_seen_whenever_one_looks() {
    check(async |world| {
        let server = world.host("server", async |_| {
            let listener = Listener::bind(("0.0.0.0", 7)).await.unwrap();
            let server = serve(listener, async |connection| {
                let (_, mut writer) = connection.open();
                writer.write(b"last words".to_vec()).await?;
                writer.write_eof().await
            });
            server.closed().await;
        });
        world.all_tasks_blocked().await;
        let (mut reader, _writer) = connect(server.address(7)).await.unwrap().open();
        sleep(world.random("nap").time(2 * MS)).await;
        assert_eq!(reader.read_to_end().await.unwrap(), b"last words");
        sleep(MS).await;
    });
}

#[test]
fn a_timer_is_nobody_elses() {
    check(async |world| {
        let mut random = world.random("naps");
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                // Round times, so that some are due together.
                let naps = [(); 8].map(|()| MS * random.below(4) as u32);
                let patience = [(); 8].map(|()| MS * random.below(4) as u32);
                spawn(async move {
                    for (nap, patience) in naps.into_iter().zip(patience) {
                        let _ = timeout(patience, sleep(nap)).await;
                    }
                })
            })
            .collect();
        gather(tasks).await;
    });
}

#[test]
fn who_gives_up_waiting_for_room_takes_none() {
    check(async |world| {
        let mut random = world.random("work");
        TaskGroup::scope(async |group| {
            group.limit(1);
            for _ in 0..6 {
                let takes = MS * random.below(4) as u32;
                let patience = MS * random.below(3) as u32;
                let begun = group.spawn_when_free(async move {
                    sleep(takes).await;
                    Ok::<_, ()>(())
                });
                let _ = timeout(patience, begun).await;
            }
            let begun = group.spawn_when_free(async { Ok(()) });
            assert!(timeout(SECOND, begun).await.is_ok(), "there is no room any more");
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_timer_is_never_early() {
    check(async |world| {
        let host = world.add_host("sleeper");
        let mut random = world.random("naps");
        let naps = [(); 20].map(|()| random.time(5 * MS));
        let sleeper = host.spawn(async move {
            let other = spawn(async {
                for _ in 0..100 {
                    sleep(MS / 3).await;
                }
            });
            let here = LoopHandle::current();
            for nap in naps {
                let begin = here.now();
                sleep(nap).await;
                assert!(here.now() - begin >= nap, "{:?} of {nap:?}", here.now() - begin);
            }
            other.await.unwrap();
        });
        sleeper.await.unwrap();
    });
}

#[test]
fn a_server_survives_want_of_descriptors() {
    check(async |world| {
        world.set_faults(Faults { emfile_on_accept: 0.02, ..Faults::NONE });
        let server = world.host("server", async |_| {
            let listener = Listener::bind(("0.0.0.0", 7)).await.unwrap();
            let server = serve(listener, async |connection| {
                let (mut reader, mut writer) = connection.open();
                let line = reader.read_line().await?.to_vec();
                writer.write(line).await
            });
            server.closed().await;
        });
        world.all_tasks_blocked().await;
        for _ in 0..5 {
            let answer = timeout(10 * SECOND, async {
                let (mut reader, mut writer) = connect(server.address(7)).await?.open();
                writer.write(b"hello\n".to_vec()).await.unwrap();
                Ok::<_, roundel_net::ConnectError>(reader.read_line().await.unwrap().to_vec())
            });
            assert_eq!(answer.await.expect("nobody answers").unwrap(), b"hello\n");
        }
    });
}

#[test]
fn a_connection_that_fails_makes_room() {
    check(async |world| {
        world.set_faults(Faults { resets: 0.05, ..Faults::NONE });
        let server = world.host("server", async |_| {
            let mut options = ServeOptions::default();
            options.limit = Some(1);
            let listener = Listener::bind(("0.0.0.0", 7)).await.unwrap();
            let server = options.serve(listener, async |connection| {
                let (mut reader, mut writer) = connection.open();
                let line = reader.read_line().await?.to_vec();
                writer.write(line).await
            });
            server.closed().await;
        });
        world.all_tasks_blocked().await;
        let ask = async || {
            let Ok(connection) = connect(server.address(7)).await else { return false };
            let (mut reader, mut writer) = connection.open();
            // The handler has begun when the question comes, or the reset with it.
            sleep(2 * MS).await;
            writer.write(b"hello\n".to_vec()).await.is_ok()
                && matches!(reader.read_line().await, Ok(b"hello\n"))
        };
        for _ in 0..10 {
            let _ = timeout(SECOND, ask()).await;
        }
        world.set_faults(Faults::NONE);
        assert_eq!(timeout(10 * SECOND, ask()).await, Ok(true), "there is no room any more");
    });
}

#[test]
fn bytes_arrive_in_the_order_in_which_they_were_written() {
    check(async |world| {
        world.set_faults(Faults::SOME);
        world.set_default_link(Link { jitter: MS, loss: 0.05, ..Link::default() });
        let server = world.add_host("server");
        let reading = server.spawn(async {
            let listener = Listener::bind(("0.0.0.0", 7)).await.unwrap();
            let (mut reader, _writer) = listener.accept().await.unwrap().open();
            reader.read_to_end().await.unwrap()
        });
        world.all_tasks_blocked().await;
        let (_reader, mut writer) = connect(server.address(7)).await.unwrap().open();
        let words: Rc<[u8]> = (0..100).collect();
        for word in words.chunks(5) {
            match word[0] % 2 {
                0 => writer.write(word.to_vec()).await.unwrap(),
                _ => writer.write_buffered(word).unwrap(),
            }
        }
        writer.write_eof().await.unwrap();
        assert_eq!(reading.await.unwrap(), &words[..]);
    });
}
