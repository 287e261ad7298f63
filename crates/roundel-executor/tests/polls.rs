//! How long tasks keep the loop: polls that are measured, and stalls that name their task.

mod support;

use std::{cell::RefCell, rc::Rc, time::Duration};

use roundel_executor::{
    Builder, Task, TaskInfo, measure_polls, sleep, spawn, spawn_on, tasks_of, yield_now,
};
use roundel_loop::{LoopHandle, Stall, Verdict, VirtualClock};
use support::{MS, turn, virtual_loop};

fn info<T>(handle: &LoopHandle, task: &Task<T>) -> TaskInfo {
    tasks_of(handle).into_iter().find(|info| info.id == task.id()).unwrap()
}

/// A task whose polls take so many milliseconds each, and which then sleeps.
fn busy(handle: &LoopHandle, clock: &VirtualClock, name: &str, polls: &'static [u32]) -> Task<()> {
    let clock = clock.clone();
    Builder::new().name(name).spawn_on(handle, async move {
        for &poll in polls {
            clock.advance(poll * MS);
            yield_now().await;
        }
        sleep(Duration::MAX).await;
    })
}

#[test]
fn polls_are_timed_while_that_is_on() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let task = busy(&handle, &clock, "busy", &[7, 3, 20, 1, 5]);
    let spent = |task| {
        let time = info(&handle, task).poll_time;
        (time.total, time.longest)
    };
    turn(&mut event_loop);
    assert_eq!(spent(&task), (Duration::ZERO, Duration::ZERO), "off");
    measure_polls(&handle, true);
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert_eq!(spent(&task), (23 * MS, 20 * MS));
    turn(&mut event_loop);
    assert_eq!(spent(&task), (24 * MS, 20 * MS));
    measure_polls(&handle, false);
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert_eq!(spent(&task), (24 * MS, 20 * MS));
    assert_eq!(info(&handle, &task).polls, 6);
}

#[test]
fn what_keeps_the_loop_counts_the_drop_of_the_future_and_the_clean_up_included() {
    struct SlowToDrop(VirtualClock);
    impl Drop for SlowToDrop {
        fn drop(&mut self) {
            self.0.advance(9 * MS);
        }
    }
    let (mut event_loop, handle, clock) = virtual_loop();
    measure_polls(&handle, true);
    let slow = SlowToDrop(clock.clone());
    let task = spawn_on(&handle, async move {
        let parent = spawn(async move {
            let _slow = slow;
            sleep(Duration::MAX).await;
        });
        yield_now().await;
        parent.cancel();
        sleep(Duration::MAX).await;
        drop(parent);
    });
    for _ in 0..4 {
        turn(&mut event_loop);
    }
    assert_eq!(clock.elapsed(), 9 * MS);
    assert_eq!(info(&handle, &task).poll_time.total, Duration::ZERO, "it was the child's poll");
}

type Stalls = Rc<RefCell<Vec<Stall>>>;

fn watch(handle: &LoopHandle) -> Stalls {
    handle.set_slow_callback(Some(100 * MS));
    let stalls = Stalls::default();
    let told = Rc::clone(&stalls);
    handle.set_unhandled_handler(Some(Rc::new(move |report| {
        told.borrow_mut().extend(report.stall.clone());
        Verdict::Continue
    })));
    stalls
}

/// The name of the one suspect of the one stall.
#[track_caller]
fn culprit(stalls: &Stalls) -> String {
    let stalls = stalls.take();
    let [stall] = &stalls[..] else { panic!("one stall: {stalls:?}") };
    let [suspect] = &stall.suspects[..] else { panic!("one suspect: {stall}") };
    assert!(stall.to_string().contains(suspect.name.as_ref().unwrap()));
    suspect.name.clone().unwrap()
}

#[test]
fn a_stall_is_reported_with_the_name_of_its_task_and_booked_to_it() {
    let (mut event_loop, handle, clock) = virtual_loop();
    handle.set_debug(true);
    let stalls = watch(&handle);
    let _quick = busy(&handle, &clock, "quick", &[1, 1, 1]);
    let slow = busy(&handle, &clock, "slow", &[2, 300, 2]);
    turn(&mut event_loop);
    assert!(stalls.take().is_empty());
    turn(&mut event_loop);
    assert_eq!(culprit(&stalls), "slow");
    let time = info(&handle, &slow).poll_time;
    assert_eq!((time.total, time.longest), (300 * MS, 300 * MS), "though nothing is measured");

    // A task that ends in the poll that stalls is named as well, and one without a name by number.
    let advance = |ms: u32| {
        let clock = clock.clone();
        async move { clock.advance(ms * MS) }
    };
    let _ended = Builder::new().name("short-lived").spawn_on(&handle, advance(150));
    turn(&mut event_loop);
    assert_eq!(culprit(&stalls), "short-lived");
    let nameless = spawn_on(&handle, advance(150));
    turn(&mut event_loop);
    assert_eq!(culprit(&stalls), format!("Task-{}", nameless.id()));

    // A plain call-back has no name, whatever ran before it.
    let late = clock.clone();
    handle.call_soon(move || late.advance(150 * MS));
    turn(&mut event_loop);
    let stall = stalls.take().remove(0);
    assert_eq!((stall.suspects.len(), &stall.suspects[0].name), (1, &None));
}

#[test]
fn the_first_stall_among_many_call_backs_names_every_suspect() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let stalls = watch(&handle);
    let _tasks = [
        busy(&handle, &clock, "a", &[1]),
        busy(&handle, &clock, "b", &[150]),
        busy(&handle, &clock, "c", &[1]),
    ];
    handle.call_soon(|| {});
    turn(&mut event_loop);
    let stall = stalls.take().remove(0);
    let names: Vec<_> = stall.suspects.iter().map(|suspect| suspect.name.as_deref()).collect();
    assert_eq!(names, [Some("a"), Some("b"), Some("c"), None]);
    assert!(stall.suspects.iter().all(|suspect| suspect.site.file().ends_with("polls.rs")));
}
