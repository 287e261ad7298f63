//! The uncommon ways of our own code: gone by the seed where the faults say so, and not noticed by a
//! correct program.
#![cfg(feature = "buggify")]

mod support;

use std::collections::BTreeMap;

use roundel_executor::sleep;
use roundel_net::{Listener, connect, serve, staggered_race};
use roundel_world::{Faults, World, check, run};
use support::MS;

const SITES: [&str; 11] = [
    "loop: one timer a turn",
    "loop: one remote call a turn",
    "loop: outcomes a turn later",
    "task: polled though nobody woke it",
    "reader: gives way first",
    "reader: a byte at a time",
    "reader: begins anew",
    "reader: one receive at a time",
    "writer: sends a turn later",
    "acceptor: pauses for nothing",
    "race: the next begins at once",
];

/// Some of everything that has uncommon ways.
async fn program(world: World) {
    let server = world.host("loud", async |_| {
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
    });
    world.all_tasks_blocked().await;
    let client = world.add_host("client");
    let asking = client.spawn(async move {
        let (mut reader, mut writer) = connect(server.address(7)).await.unwrap().open();
        for number in 0..20 {
            writer.write(format!("question {number}\n").into_bytes()).await.unwrap();
            let answer = reader.read_line().await.unwrap();
            assert_eq!(answer, format!("QUESTION {number}\n").as_bytes());
        }
        let attempt = async |takes| {
            sleep(MS * takes).await;
            Ok::<_, ()>(takes)
        };
        let raced = staggered_race([attempt(30), attempt(1)], Some(MS)).await;
        assert!(raced.winner.is_some_and(|(_, takes)| takes == 1));
    });
    asking.await.unwrap();
}

/// How often each place was passed the uncommon way.
fn passed(seed: u64, faults: Faults) -> BTreeMap<&'static str, usize> {
    let ran = run(seed, async move |world| {
        world.network().keep_trace();
        world.set_faults(faults);
        program(world.clone()).await;
        world.network().trace()
    });
    let mut passed = BTreeMap::new();
    for event in ran.unwrap().output.iter().filter(|event| event.what.contains(": ")) {
        *passed.entry(event.what).or_default() += 1;
    }
    passed
}

const OFTEN: Faults = Faults { buggify: 0.25, ..Faults::NONE };

#[test]
fn every_uncommon_way_is_gone_in_some_runs_and_not_in_others() {
    let runs: Vec<_> = (0..40).map(|seed| passed(seed, OFTEN)).collect();
    for site in SITES {
        let count = runs.iter().filter(|passed| passed.contains_key(site)).count();
        assert!((1..40).contains(&count), "{site}: in {count} runs of 40");
    }
    let known = |passed: &BTreeMap<&str, usize>| passed.keys().all(|site| SITES.contains(site));
    assert!(runs.iter().all(known), "a place that is not listed here: {runs:?}");
}

#[test]
fn none_is_gone_unless_the_faults_say_so() {
    assert!(passed(1, Faults::NONE).is_empty());
}

#[test]
fn a_correct_program_does_not_notice() {
    check(100, async |world| {
        world.set_faults(Faults { buggify: 0.25, ..Faults::SOME });
        program(world).await;
    });
}
