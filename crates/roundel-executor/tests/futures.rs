//! asyncio's futures: here, the promises of one thread, as tasks use them.

mod support;

use roundel_executor::{spawn, spawn_on, yield_now};
use roundel_promise::{Broken, State, local, promise};
use support::{Log, run, turn, virtual_loop};

// spec: FUT-01
#[test]
fn a_promise_is_pending_cancelled_or_finished() {
    let (writer, promised) = local::promise::<u8>();
    assert_eq!(promised.state(), State::Pending);
    writer.set(1).unwrap();
    assert_eq!(promised.state(), State::Finished);
    let (_writer, promised) = local::promise::<u8>();
    promised.cancel();
    assert_eq!(promised.state(), State::Cancelled);
}

// spec: FUT-03
#[test]
fn looking_never_blocks_and_a_cancelled_promise_takes_no_value() {
    let (writer, promised) = local::promise::<Result<u8, &str>>();
    assert!(promised.peek(|_| ()).is_none(), "undecided");
    assert!(promised.cancel());
    assert_eq!(promised.peek(|outcome| outcome.copied()), Some(Err(Broken::Cancelled)));
    let refused = writer.set(Ok(5)).unwrap_err();
    assert_eq!(refused.into_value(), Ok(5), "the value comes back");
    // A second value cannot be set: `set` consumes the writer.
    let (writer, promised) = local::promise::<Result<u8, &str>>();
    writer.set(Err("broken")).unwrap();
    assert_eq!(promised.peek(|outcome| outcome.copied()), Some(Ok(Err("broken"))));
}

// spec: FUT-05
#[test]
fn a_cancel_is_heard_at_once_by_whoever_awaits_and_comes_too_late_after_the_value() {
    run(async {
        let (_writer, promised) = local::promise::<u8>();
        let awaits = spawn(promised.clone());
        yield_now().await;
        assert!(promised.cancel() && promised.is_cancelled());
        assert_eq!(awaits.await.unwrap(), Err(Broken::Cancelled));

        let (writer, promised) = local::promise();
        writer.set(1).unwrap();
        assert!(!promised.cancel());
        assert_eq!(promised.await, Ok(1));
    });
}

// spec: FUT-10
#[test]
fn awaiting_what_is_done_takes_no_turn() {
    let (mut event_loop, handle, _) = virtual_loop();
    let task = spawn_on(&handle, async {
        for n in 0..100 {
            let (writer, promised) = local::promise();
            writer.set(n).unwrap();
            assert_eq!(promised.await, Ok(n));
        }
        let mut child = spawn(async {});
        yield_now().await;
        assert!(child.is_done());
        (&mut child).await.unwrap();
    });
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert!(task.is_done());
}

// spec: FUT-11
#[test]
fn tasks_that_await_one_promise_wake_in_the_order_in_which_they_began_to_wait() {
    run(async {
        let log = Log::default();
        let (writer, promised) = local::promise();
        let tasks: Vec<_> = (0..5)
            .map(|n| {
                let (log, promised) = (log.clone(), promised.clone());
                spawn(async move {
                    if n == 0 {
                        yield_now().await; // the first to be spawned is the last to wait
                    }
                    log.add(format!("{n} {}", promised.await.unwrap()));
                })
            })
            .collect();
        drop(promised);
        yield_now().await;
        yield_now().await;
        writer.set("hello").unwrap();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(log.take(), ["1 hello", "2 hello", "3 hello", "4 hello", "0 hello"]);
    });
}

#[test]
fn one_promise_is_awaited_in_a_loop_and_blocked_on_elsewhere() {
    run(async {
        let (writer, promised) = promise();
        let blocked = promised.clone();
        let thread = std::thread::spawn(move || blocked.result());
        yield_now().await;
        writer.set("both").unwrap();
        assert_eq!(promised.await, Ok("both"));
        assert_eq!(thread.join().unwrap(), Ok("both"));
    });
}
