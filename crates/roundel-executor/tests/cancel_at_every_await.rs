//! Every operation of the crate, dropped at each of its awaits: nothing is lost, nothing is left,
//! and every clean-up runs once.

mod support;

use std::{
    cell::{Cell, RefCell},
    future::pending,
    rc::Rc,
    time::Duration,
};

use futures::StreamExt;
use roundel_executor::{
    AsyncExit, ContextVar, ContextVars, Elapsed, ReturnWhen, Task, as_completed, cancel_all,
    interval, is_stop_requested, shield, sleep, sleep_until, spawn, spawn_on, stop_requested,
    timeout, timeout_at, timeout_scope, wait, with, yield_now,
};
use roundel_loop::LoopHandle;
use roundel_sim::{Cut, cancel_at_every_await};

use support::{MS, assert_nothing_left, reports, virtual_loop};

const AGES: Duration = Duration::from_secs(3600);

/// Runs each round as a task on a loop of its own. Tasks that the round leaves may come to their
/// ends; then the loop has to be empty and nothing reported. Returns the operation's polls.
fn at_every_await<R>(mut round: impl FnMut(Cut) -> R) -> usize
where
    R: Future<Output = ()> + 'static,
{
    cancel_at_every_await(|cut| {
        let (mut event_loop, handle, _) = virtual_loop();
        let told = reports(&handle);
        let task = spawn_on(&handle, round(cut));
        event_loop.run_until_complete(task).unwrap().unwrap();
        let rest = spawn_on(&handle, async { sleep(AGES).await });
        event_loop.run_until_complete(rest).unwrap().unwrap();
        assert_nothing_left(&handle);
        assert!(told.take().is_empty());
    })
}

fn timers() -> usize {
    LoopHandle::current().statistics().pending_timers
}

fn sleeper(ms: u32) -> Task<u32> {
    spawn(async move {
        sleep(ms * MS).await;
        ms
    })
}

/// Counts its exits, which wait twice.
#[derive(Clone, Default)]
struct Exits(Rc<Cell<u32>>);

impl AsyncExit for Exits {
    async fn exit(self) {
        yield_now().await;
        sleep(MS).await;
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn sleeping() {
    let polls = at_every_await(async |cut| {
        cut.short(sleep(MS)).await;
        assert_eq!(timers(), 0);
    });
    assert_eq!(polls, 2);
    let polls = at_every_await(async |cut| {
        let past = LoopHandle::current().now();
        cut.short(sleep_until(past)).await;
    });
    assert_eq!(polls, 2);
}

#[test]
fn yielding() {
    let polls = at_every_await(async |cut| {
        cut.short(yield_now()).await;
    });
    assert_eq!(polls, 2);
}

#[test]
fn a_tick() {
    let polls = at_every_await(async |cut| {
        let start = LoopHandle::current().now();
        let mut ticks = interval(10 * MS);
        assert_eq!(ticks.tick().await, start);
        let second = match cut.short(ticks.tick()).await {
            Some(tick) => tick,
            None => ticks.tick().await,
        };
        assert_eq!(second, start + 10 * MS, "a tick that was not given is still to come");
        assert_eq!(ticks.tick().await, start + 20 * MS);
    });
    assert_eq!(polls, 2);
}

#[test]
fn joining_a_task() {
    let polls = at_every_await(async |cut| {
        let mut task = sleeper(5);
        let outcome = match cut.short(&mut task).await {
            Some(outcome) => outcome,
            None => task.await,
        };
        assert_eq!(outcome.unwrap(), 5);
    });
    assert_eq!(polls, 2);
}

#[test]
fn a_shield() {
    let polls = at_every_await(async |cut| {
        let mut shielded = shield(sleeper(5));
        let outcome = match cut.short(&mut shielded).await {
            Some(outcome) => outcome,
            None => shielded.await,
        };
        assert_eq!(outcome.unwrap(), 5);
    });
    assert_eq!(polls, 2);
}

#[test]
fn a_shield_that_is_dropped() {
    at_every_await(async |cut| {
        let ended = Rc::new(Cell::new(false));
        let seen = ended.clone();
        let task = spawn(async move {
            sleep(5 * MS).await;
            seen.set(true);
        });
        cut.short(shield(task)).await;
        sleep(10 * MS).await;
        assert!(ended.get());
    });
}

#[test]
fn waiting_for_tasks_that_are_lent() {
    for when in [ReturnWhen::FirstCompleted, ReturnWhen::AllCompleted] {
        let polls = at_every_await(|cut| async move {
            let mut tasks = [20, 10].map(sleeper);
            cut.short(wait(&mut tasks, when, Some(15 * MS))).await;
            for (task, ms) in tasks.into_iter().zip([20, 10]) {
                assert_eq!(task.await.unwrap(), ms);
            }
        });
        assert!(polls >= 2);
    }
}

#[test]
fn waiting_for_tasks_that_are_given() {
    at_every_await(async |cut| {
        let ended = Rc::new(RefCell::new(Vec::new()));
        let tasks = [20, 10].map(|ms| {
            let ended = ended.clone();
            spawn(async move {
                sleep(ms * MS).await;
                ended.borrow_mut().push(ms);
            })
        });
        cut.short(wait(tasks, ReturnWhen::AllCompleted, None)).await;
        sleep(30 * MS).await;
        assert_eq!(*ended.borrow(), [10, 20]);
    });
}

#[test]
fn the_next_completion() {
    at_every_await(async |cut| {
        let mut completions = as_completed([20, 10, 10].map(sleeper), Some(30 * MS));
        let mut order = Vec::new();
        if let Some(first) = cut.short(completions.next()).await {
            order.push(first.unwrap().unwrap().index);
        }
        while let Some(completed) = completions.next().await {
            order.push(completed.unwrap().index);
        }
        assert_eq!(order, [1, 2, 0]);
        assert_eq!(timers(), 0);
    });
}

#[test]
fn all_completions() {
    at_every_await(async |cut| {
        let completions = as_completed([20, 10, 10].map(sleeper), None);
        cut.short(completions.collect::<Vec<_>>()).await;
    });
}

#[test]
fn a_timeout_that_elapses_and_cleans_up() {
    let polls = at_every_await(async |cut| {
        let exits = Exits::default();
        let body = with(exits.clone(), async |_| sleep(AGES).await);
        // In a task of its own, which runs what is left when it is cut.
        let cut = spawn(cut.short(timeout(10 * MS, body)));
        let answer = cut.await.unwrap();
        assert!(matches!(answer, None | Some(Err(Elapsed))));
        assert_eq!(exits.0.get(), 1);
        assert_eq!(timers(), 0);
    });
    assert_eq!(polls, 4); // the body, the deadline with the exit's first step, the exit's two waits
}

#[test]
fn a_timeout_that_does_not_elapse() {
    at_every_await(async |cut| {
        let deadline = LoopHandle::current().now() + 10 * MS;
        let exits = Exits::default();
        let body = with(exits.clone(), async |_| sleep(MS).await);
        spawn(cut.short(timeout_at(deadline, body))).await.unwrap();
        assert_eq!(exits.0.get(), 1);
        assert_eq!(timers(), 0);
    });
}

#[test]
fn a_timeout_that_is_moved() {
    at_every_await(async |cut| {
        let start = LoopHandle::current().now();
        let operation = timeout_scope(start + MS, async move |scope| {
            scope.reschedule(start + 20 * MS);
            sleep(10 * MS).await;
            scope.reschedule(start + 15 * MS);
            sleep(AGES).await;
        });
        cut.short(operation).await;
        assert_eq!(timers(), 0);
    });
}

#[test]
fn nested_resources_under_nested_timeouts() {
    at_every_await(async |cut| {
        let [inner, outer] = [Exits::default(), Exits::default()];
        let operation = timeout(20 * MS, {
            let [inner, outer] = [inner.clone(), outer.clone()];
            async move {
                with(outer, async |_| {
                    let _ = timeout(5 * MS, with(inner, async |_| sleep(AGES).await)).await;
                    sleep(AGES).await;
                })
                .await;
            }
        });
        let began = Rc::new(Cell::new(false));
        let seen = began.clone();
        let cut = spawn(cut.short(async move {
            seen.set(true);
            let _ = operation.await;
        }));
        cut.await.unwrap();
        // Once each, if they were entered at all.
        assert_eq!((outer.0.get(), inner.0.get()), if began.get() { (1, 1) } else { (0, 0) });
        assert_eq!(timers(), 0);
    });
}

#[test]
fn a_resource_whose_use_ends_by_itself() {
    let polls = at_every_await(async |cut| {
        let exits = Exits::default();
        let operation = with(exits.clone(), async |_| yield_now().await);
        spawn(cut.short(operation)).await.unwrap();
        assert_eq!(exits.0.get(), 1);
    });
    assert_eq!(polls, 4);
}

#[test]
fn stopping_a_task_that_heeds_it() {
    let polls = at_every_await(async |cut| {
        let stopped = Rc::new(Cell::new(false));
        let seen = stopped.clone();
        let task = spawn(async move {
            let _ = timeout(50 * MS, stop_requested()).await;
            seen.set(is_stop_requested());
        });
        yield_now().await;
        let asked = cut.at() > 0;
        cut.short(task.stop(10 * MS)).await;
        sleep(100 * MS).await;
        assert_eq!(stopped.get(), asked, "a request stays made");
    });
    assert_eq!(polls, 2);
}

#[test]
fn stopping_a_task_that_does_not() {
    let polls = at_every_await(async |cut| {
        let exits = Exits::default();
        let task = spawn(with(exits.clone(), async |_| sleep(50 * MS).await));
        yield_now().await;
        if let Some(outcome) = cut.short(task.stop(10 * MS)).await {
            assert!(outcome.unwrap_err().is_cancelled());
        }
        sleep(100 * MS).await;
        assert_eq!(exits.0.get(), 1);
    });
    assert_eq!(polls, 3);
}

#[test]
fn waiting_to_be_stopped() {
    let polls = at_every_await(async |cut| {
        let task = spawn(async move {
            if cut.short(stop_requested()).await.is_none() {
                stop_requested().await;
            }
            "stopped"
        });
        yield_now().await;
        task.request_stop();
        assert_eq!(task.await.unwrap(), "stopped");
    });
    assert_eq!(polls, 2);
}

#[test]
fn cancelling_all() {
    at_every_await(async |cut| {
        let exits = Exits::default();
        let other = spawn(with(exits.clone(), async |_| pending::<()>().await));
        yield_now().await;
        let asked = cut.at() > 0;
        cut.short(cancel_all(&LoopHandle::current())).await;
        if !asked {
            other.cancel();
        }
        assert!(other.await.unwrap_err().is_cancelled());
        assert_eq!(exits.0.get(), 1);
    });
}

#[test]
fn scopes_of_context_variables() {
    static NAME: ContextVar<&str> = ContextVar::new("name");
    at_every_await(async |cut| {
        cut.short(NAME.scope("within", async {
            sleep(MS).await;
            assert_eq!(NAME.get(), Some("within"));
        }))
        .await;
        assert_eq!(NAME.get(), None);
    });
    at_every_await(async |cut| {
        cut.short(ContextVars::copy().scope(async {
            NAME.set("within");
            sleep(MS).await;
        }))
        .await;
        assert_eq!(NAME.get(), None);
    });
}
