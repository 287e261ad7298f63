//! Sight: who awaits whom, as records and as a picture, without disturbing anybody.

mod support;

use std::{
    cell::RefCell,
    convert::Infallible,
    future::{Future, pending},
    pin::{Pin, pin},
    rc::Rc,
};

use roundel_executor::{
    Builder, ReturnWhen, Task, TaskGroup, TaskTree, WaitsFor, current_task, gather, shield, sleep,
    spawn, statistics, task_tree, task_tree_of, timeout, wait, yield_now,
};
use roundel_loop::LoopHandle;
use support::{MS, run, turn, virtual_loop};

fn named<T: 'static>(name: &str, future: impl Future<Output = T> + 'static) -> Task<T> {
    Builder::new().name(name).spawn(future)
}

/// The picture, without what follows the state on each line.
fn picture(shown: impl ToString) -> String {
    let shown = shown.to_string();
    let lines = shown.lines().map(|line| match line.split_once(", ") {
        Some((start, _)) if line.contains("poll") => start,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn names<'a>(tasks: impl Iterator<Item = &'a roundel_executor::TaskInfo>) -> Vec<&'a str> {
    tasks.map(|task| &*task.name).collect()
}

// spec: GRF-01, GRF-06
#[test]
fn a_task_stands_below_those_that_await_it() {
    run(async {
        let me = current_task().unwrap().id;
        let leaf = named("leaf", sleep(5 * MS));
        let middle = named("middle", async { leaf.await.unwrap() });
        let top = named("top", async { middle.await.unwrap() });
        let beside = named("beside", pending::<()>());
        yield_now().await;
        yield_now().await;
        let tree = task_tree();
        let leaf = tree.tasks().iter().find(|task| task.name == "leaf").unwrap().id;
        assert_eq!(
            picture(&tree),
            "Task-1: running\n\
             top: waits for task 3\n\
             └── middle: waits for task 2\n\
             \u{20}   └── leaf: sleeps 5ms more\n\
             beside: waits"
        );
        // From the task up to whoever began it all, as asyncio's call graph is.
        assert_eq!(
            picture(tree.awaiters(leaf)),
            "leaf: sleeps 5ms more\n\
             └── middle: waits for task 2\n\
             \u{20}   └── top: waits for task 3"
        );
        assert_eq!(picture(tree.branch(me)), "Task-1: running");
        assert_eq!(tree.branch(999).to_string(), "", "no such task");
        assert_eq!(names(tree.awaited_by(leaf)), ["middle"]);
        assert_eq!(names(tree.awaits(top.id())), ["middle"]);
        assert!(tree.task(leaf).unwrap().site.file().ends_with("tree.rs"));
        top.await.unwrap();
        beside.cancel();
    });
}

// spec: GRF-02
#[test]
fn without_a_task_there_is_none_and_without_a_loop_no_tree() {
    assert!(current_task().is_none());
    let (_event_loop, handle, _) = virtual_loop();
    assert_eq!(task_tree_of(&handle).to_string(), "");
    std::panic::catch_unwind(task_tree).unwrap_err();
}

// spec: GRF-04
#[test]
fn waits_through_timeout_wait_shield_gather_and_groups_are_seen() {
    run(async {
        let me = current_task().unwrap().id;
        let slow = |name| named(name, pending::<()>());
        let by = |tree: &TaskTree| names(tree.awaits(me)).join(" ");
        let one = timeout(MS, slow("in a timeout"));
        let watch = async {
            yield_now().await;
            by(&task_tree())
        };
        let (_, seen) = futures::future::join(one, watch).await;
        assert_eq!(seen, "in a timeout");

        let many = wait([slow("a"), slow("b")], ReturnWhen::AllCompleted, Some(MS));
        let watch = async {
            yield_now().await;
            by(&task_tree())
        };
        let (_, seen) = futures::future::join(many, watch).await;
        assert!(seen.ends_with("a b"), "{seen}");

        let shielded = timeout(MS, shield(slow("shielded")));
        let watch = async {
            yield_now().await;
            by(&task_tree())
        };
        let (_, seen) = futures::future::join(shielded, watch).await;
        assert!(seen.ends_with("shielded"), "{seen}");

        let gathered = timeout(MS, gather([slow("c"), slow("d")]));
        let watch = async {
            yield_now().await;
            yield_now().await;
            let tree = task_tree();
            // It makes a child of each, and those await the tasks.
            let children = tree.awaits(me).filter(|task| task.parent == Some(me));
            let awaits = children.flat_map(|child| names(tree.awaits(child.id)));
            awaits.collect::<Vec<_>>().join(" ")
        };
        let (_, seen) = futures::future::join(gathered, watch).await;
        assert_eq!(seen, "c d");

        let group = TaskGroup::scope(async |group| {
            group.builder().name("child").spawn(async {
                sleep(MS).await;
                Ok::<_, Infallible>(())
            });
            yield_now().await;
            yield_now().await;
            Ok(picture(task_tree().branch(me)))
        });
        let seen = group.await.unwrap();
        assert!(seen.starts_with("Task-1: running\n"), "{seen}");
        assert!(seen.ends_with("── child: sleeps 1ms more"), "{seen}");
    });
}

// spec: GRF-05
#[test]
fn a_link_goes_with_its_end_and_a_promise_counts_who_awaits_it() {
    run(async {
        let (promise, promised) = roundel_promise::local::promise::<u8>();
        let other = promised.clone();
        let child = named("child", promised);
        let awaits = named("awaits", child);
        yield_now().await;
        yield_now().await;
        assert_eq!(other.inspect().waiters, 1);
        let tree = task_tree();
        assert_eq!(names(tree.awaits(awaits.id())), ["child"]);
        promise.set(5).unwrap();
        yield_now().await;
        assert_eq!(other.inspect().waiters, 0);
        let after = task_tree();
        assert_eq!(names(after.awaits(awaits.id())), [""; 0]);
        assert_eq!(names(tree.awaits(awaits.id())), ["child"], "a snapshot stays");
        assert_eq!(awaits.await.unwrap().unwrap(), Ok(5));
    });
}

#[test]
fn a_look_polls_nothing_and_wakes_nobody() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = roundel_executor::spawn_on(&handle, async {
        spawn(pending::<()>()).await.unwrap();
    });
    turn(&mut event_loop);
    turn(&mut event_loop);
    let before = (statistics(&handle), handle.statistics());
    for _ in 0..100 {
        assert_eq!(task_tree_of(&handle).to_string().lines().count(), 2);
    }
    assert_eq!((statistics(&handle), handle.statistics()), before);
    drop(task);
}

#[test]
fn what_a_task_said_before_it_ended_is_not_taken_for_the_next_one_s() {
    run(async {
        let ends = spawn(async {
            let mut pause = pin!(sleep(MS));
            let _ = futures::poll!(&mut pause);
        });
        let waits = named("waits", pending::<()>());
        yield_now().await;
        let tree = task_tree();
        assert!(ends.is_done());
        assert_eq!(tree.task(waits.id()).unwrap().waits_for, WaitsFor::Unknown);
    });
}

#[test]
fn tasks_that_wait_for_each_other_in_a_circle_are_drawn_once() {
    run(async {
        type Slot = Rc<RefCell<Option<Task<()>>>>;
        let slots: [Slot; 2] = Default::default();
        for (nth, name) in ["a", "b"].into_iter().enumerate() {
            let other = Rc::clone(&slots[1 - nth]);
            *slots[nth].borrow_mut() = Some(named(name, async move {
                let task = other.borrow_mut().take();
                task.unwrap().await.unwrap();
            }));
        }
        yield_now().await;
        assert_eq!(
            picture(task_tree()),
            "Task-1: running\n\
             a: waits for task 3\n\
             └── b: waits for task 2\n\
             \u{20}   └── a, see above"
        );
    });
}

#[test]
fn a_task_that_two_await_is_drawn_in_full_once() {
    run(async {
        let slow = Rc::new(RefCell::new(named("slow", pending::<()>())));
        let both: Vec<_> = ["a", "b"]
            .map(|name| {
                let slow = Rc::clone(&slow);
                named(
                    name,
                    std::future::poll_fn(move |context| {
                        Pin::new(&mut *slow.borrow_mut()).poll(context).map(drop)
                    }),
                )
            })
            .into();
        yield_now().await;
        assert_eq!(
            picture(task_tree()),
            "Task-1: running\n\
             a: waits for task 2\n\
             └── slow: waits\n\
             b: waits for task 2\n\
             └── slow, see above"
        );
        drop(both);
    });
}

#[test]
fn a_chain_of_ten_thousand_tasks_is_drawn_without_running_off() {
    run(async {
        let mut last = spawn(pending::<()>());
        for _ in 0..10_000 {
            let next = last;
            last = spawn(async { next.await.unwrap() });
        }
        yield_now().await;
        let tree = task_tree();
        assert_eq!(tree.tasks().len(), 10_002);
        let shown = tree.to_string();
        assert_eq!(shown.lines().count(), 10_002);
        let widest = shown.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest < 500, "{widest}");
    });
}

#[test]
fn the_tree_is_told_from_a_loop_that_does_not_run_too() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = roundel_executor::spawn_on(&handle, async {
        named("child", sleep(MS)).await.unwrap();
        LoopHandle::current().stop();
    });
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert_eq!(
        picture(task_tree_of(&handle)),
        "Task-1: waits for task 2\n└── child: sleeps 1ms more"
    );
    drop(task);
}
