//! Ending every task of a loop: everything is cleaned up, and nothing is left.

mod support;

use std::future::pending;

use roundel_executor::{AsyncExit, cancel_all, sleep, spawn, with};
use roundel_loop::LoopHandle;
use support::{Log, MS, run_leaving_nothing};

/// Logs its exit, which takes a millisecond and a task of its own.
struct Resource(Log);

impl AsyncExit for Resource {
    async fn exit(self) {
        let helper = spawn(sleep(MS));
        self.0.add(format!("helper ended: {}", helper.await.is_ok()));
    }
}

#[test]
fn every_other_task_ends_and_may_use_tasks_to_clean_up() {
    let log = Log::default();
    let told = log.clone();
    run_leaving_nothing(async move {
        for _ in 0..2 {
            let resource = Resource(told.clone());
            spawn(with(resource, async |_| pending::<()>().await)).detach();
        }
        sleep(MS).await;
        cancel_all(&LoopHandle::current()).await;
        told.add("all ended");
    });
    assert_eq!(log.take(), ["helper ended: true", "helper ended: true", "all ended"]);
}

#[test]
fn what_is_spawned_meanwhile_is_cancelled_too() {
    struct Spawner;
    impl Drop for Spawner {
        fn drop(&mut self) {
            spawn(pending::<()>()).detach();
        }
    }
    run_leaving_nothing(async {
        let spawner = Spawner;
        spawn(async move {
            let _spawner = spawner;
            pending::<()>().await;
        })
        .detach();
        sleep(MS).await;
        cancel_all(&LoopHandle::current()).await;
    });
}
