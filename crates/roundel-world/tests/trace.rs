//! What a trace that is kept whole tells: which host turned, and which of its tasks went.

use std::time::Duration;

use roundel_executor::{sleep, spawn, task_tree};
use roundel_sim::TraceEvent;
use roundel_world::{Simulation, World};

const MS: Duration = Duration::from_millis(1);

/// Two tasks that sleep in turns; gives their numbers.
async fn program(world: World) -> (Vec<TraceEvent>, [u64; 2]) {
    let sleeper = |times| {
        spawn(async move {
            for _ in 0..times {
                // why: the clock is virtual; each sleep is a turn of its own.
                sleep(MS).await;
            }
        })
    };
    let (short, long) = (sleeper(1), sleeper(3));
    let numbers = [short.id(), long.id()];
    assert!(numbers.iter().all(|number| task_tree().task(*number).is_some()));
    short.await.unwrap();
    long.await.unwrap();
    sleep(MS).await;
    (world.network().trace(), numbers)
}

#[test]
fn a_kept_trace_names_the_tasks_and_is_the_same_run() {
    let plain = Simulation::new(3).run(program).unwrap();
    let kept = Simulation::new(3).keep_trace().run(program).unwrap();
    assert_eq!(plain.trace_hash, kept.trace_hash, "to be looked at changes nothing");
    assert!(plain.output.0.iter().all(|event| !event.what.starts_with("task")));

    let (trace, [short, long]) = kept.output;
    let count = |what, task| {
        trace.iter().filter(|event| event.what == what && event.amount == task).count()
    };
    // A task's last turn is its end.
    assert_eq!((count("task", short), count("task ended", short)), (1, 1), "{trace:#?}");
    assert_eq!((count("task", long), count("task ended", long)), (3, 1), "{trace:#?}");
    let turned = trace.iter().filter(|event| event.what == "turn").count();
    assert!(turned >= 5, "turns are told too: {turned}");
}
