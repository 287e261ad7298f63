//! A panic that was caught and cannot go on, because the future that it was to end is dropped
//! before, is told to the loop's handler.

mod support;

use std::future::pending;

use roundel_executor::{AsyncExit, TaskGroup, gather, sleep, spawn_on, timeout, with};
use support::{MS, assert_nothing_left, reports, virtual_loop};

/// Runs `doomed` for a millisecond, in which it panics and does not come to its end; what was told.
fn told_when_dropped<T>(doomed: impl Future<Output = T> + 'static) -> Vec<String> {
    let (mut event_loop, handle, _) = virtual_loop();
    let told = reports(&handle);
    let task = spawn_on(&handle, async { timeout(MS, doomed).await.is_err() });
    assert!(event_loop.run_until_complete(task).unwrap().unwrap());
    assert_nothing_left(&handle);
    told.take()
}

struct SlowExit;

impl AsyncExit for SlowExit {
    async fn exit(self) {
        sleep(3 * MS).await;
    }
}

#[test]
fn with_is_dropped_in_the_exit() {
    let told = told_when_dropped(with(SlowExit, async |_| panic!("in the body")));
    assert_eq!(told, ["a panic was lost with the future that it was to end: in the body"]);
}

#[test]
fn a_gathering_is_dropped_before_the_others_have_cleaned_up() {
    let told = told_when_dropped(gather([0, 1].map(async |number| match number {
        0 => with(SlowExit, async |_| pending::<()>().await).await,
        _ => panic!("a part"),
    })));
    assert_eq!(told, ["the panic of a gathered future did not go on: a part"]);
}

#[test]
fn a_group_is_dropped_before_its_child_has_cleaned_up() {
    let told = told_when_dropped(TaskGroup::scope(async |group| {
        group.spawn::<(), _>(async {
            drop(with(SlowExit, async |_| ()));
            panic!("a child")
        });
        Ok::<_, &str>(())
    }));
    assert_eq!(told, ["a child's panic was lost with its owner: a child"]);
}
