//! Groups of loops: the same program on each, ending together.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use roundel_executor::{AsyncExit, sleep, with, yield_now};
use roundel_loop::LoopHandle;
use roundel_promise::promise;
use roundel_run::{LoopGroup, LoopGroupError, ProgramFailure, RunError, run};

#[test]
fn each_loop_has_a_thread_of_its_own_and_results_are_in_order() {
    let results = LoopGroup::new().loops(3).run(async |member| {
        for _ in member.index()..3 {
            yield_now().await; // the last one ends first
        }
        (member.index(), thread::current().name().map(str::to_owned))
    });
    let names = (0..3).map(|index| (index, Some(format!("loop-{index}"))));
    assert_eq!(results.unwrap(), names.collect::<Vec<_>>());
}

#[test]
fn loops_reach_each_other_even_when_their_own_programs_have_ended() {
    // Loop 0 ends at once; the others call it, in whatever order.
    let served = LoopGroup::new().loops(3).run(async |member| {
        if member.index() == 0 {
            return None;
        }
        let (promise, promised) = promise();
        let call = move || {
            promise.set(thread::current().name().map(str::to_owned)).unwrap();
        };
        member.loops()[0].call_soon(call).expect("loop 0 goes on for the others");
        promised.await.unwrap()
    });
    let served = served.unwrap();
    assert_eq!(served, [None, Some("loop-0".to_owned()), Some("loop-0".to_owned())]);
}

#[test]
fn what_a_program_shares_is_shared() {
    let counter = Arc::new(AtomicUsize::new(0));
    let count = counter.clone();
    let group = LoopGroup::new().loops(4);
    group.run(async move |_| count.fetch_add(1, Ordering::Relaxed)).unwrap();
    assert_eq!(counter.load(Ordering::Relaxed), 4);
    assert_eq!(Arc::strong_count(&counter), 1, "nothing is left of the program");
}

#[test]
fn a_panic_cancels_the_others_which_clean_up() {
    struct Cleaned(Arc<AtomicUsize>);
    impl AsyncExit for Cleaned {
        async fn exit(self) {
            yield_now().await;
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let cleaned = Arc::new(AtomicUsize::new(0));
    let clean = cleaned.clone();
    // One that is cancelled before it has begun has nothing to clean up.
    let begun = Arc::new(Barrier::new(3));
    let error = LoopGroup::new()
        .loops(3)
        .run(async move |member| {
            with(Cleaned(clean.clone()), async |_| {
                begun.wait();
                assert_ne!(member.index(), 1, "one is broken");
                std::future::pending::<()>().await;
            })
            .await;
        })
        .unwrap_err();
    assert_eq!(cleaned.load(Ordering::Relaxed), 3);
    let text = error.to_string();
    let LoopGroupError::Failed(failures) = error else { panic!("{error:?}") };
    let [failure] = &failures[..] else { panic!("{failures:?}") };
    assert_eq!(failure.index, 1);
    assert!(matches!(failure.failure, ProgramFailure::Panicked(_)));
    assert!(text.starts_with("running a group of loops: loop 1: panicked: "), "{text}");
    assert!(text.contains("one is broken"), "{text}");
}

#[test]
fn a_loop_that_is_stopped_fails_the_group() {
    let error = LoopGroup::new()
        .loops(2)
        .run(async |member| {
            if member.index() == 0 {
                LoopHandle::current().stop();
            }
            std::future::pending::<()>().await;
        })
        .unwrap_err();
    let LoopGroupError::Failed(failures) = error else { panic!("{error:?}") };
    assert_eq!(failures.len(), 1);
    assert!(matches!(failures[0].failure, ProgramFailure::Run(RunError::Stopped)), "{failures:?}");
}

#[test]
fn a_loop_that_cannot_be_made_ends_the_group_before_it_begins() {
    let begun = Arc::new(AtomicUsize::new(0));
    let begin = begun.clone();
    let program = async move |_| begin.fetch_add(1, Ordering::Relaxed);
    let error = LoopGroup::new().loops(3).backend("telepathy").run(program).unwrap_err();
    assert!(
        matches!(error, LoopGroupError::Build { source: RunError::Backend(_), .. }),
        "{error:?}"
    );
    assert_eq!(begun.load(Ordering::Relaxed), 0);
}

#[test]
fn a_group_inside_a_running_loop_is_refused() {
    let inside = run(async { LoopGroup::new().run(async |_| ()) }).unwrap();
    assert!(matches!(inside, Err(LoopGroupError::Nested)), "{inside:?}");
}

#[test]
fn simulated_loops_jump_by_themselves() {
    let hours = LoopGroup::new().loops(2).backend("simulated").run(async |member| {
        let begin = LoopHandle::current().now();
        sleep(std::time::Duration::from_secs(3600) * (member.index() as u32 + 1)).await;
        (LoopHandle::current().now() - begin).as_secs() / 3600
    });
    assert_eq!(hours.unwrap(), [1, 2]);
}
