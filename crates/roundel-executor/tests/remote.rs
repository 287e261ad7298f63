//! Tasks begun from other threads.

mod support;

use std::{
    future::{pending, ready},
    sync::mpsc,
    thread,
    time::Duration,
};

use roundel_executor::{
    AsyncExit, JoinError, RemoteSpawn, cancel_all, current_task, spawn, with, yield_now,
};
use roundel_loop::{EventLoop, LoopHandle, RemoteHandle};
use roundel_promise::{Broken, Promised, ResultTimeoutError};
use support::{assert_nothing_left, run, turn, virtual_loop};

/// Lets `elsewhere` run in another thread, and the loop until that has ended.
fn beside<T: Send + 'static>(
    event_loop: &mut EventLoop,
    elsewhere: impl FnOnce(RemoteHandle) -> T + Send + 'static,
) -> T {
    let remote = event_loop.remote();
    let thread = thread::spawn(move || {
        let stop = remote.clone();
        let value = elsewhere(remote);
        stop.stop();
        value
    });
    event_loop.run_forever().unwrap();
    thread.join().unwrap()
}

type Answer<T> = Promised<Result<T, JoinError>>;

// spec: THR-02
#[test]
fn a_task_spawned_from_another_thread_answers_there() {
    let (mut event_loop, handle, _) = virtual_loop();
    let line = line!() + 3;
    let (here, there) = beside(&mut event_loop, |remote| {
        // The future is not Send, and need not be.
        let answer = remote.spawn(|| async {
            let local = std::rc::Rc::new(current_task().unwrap().site.line());
            yield_now().await;
            (*local, thread::current().id())
        });
        (thread::current().id(), answer.unwrap().result().unwrap().unwrap())
    });
    assert_eq!(there, (line, thread::current().id()));
    assert_ne!(here, thread::current().id());
    assert_nothing_left(&handle);
}

// spec: THR-03
#[test]
fn panics_and_cancels_of_the_task_reach_the_thread() {
    let (mut event_loop, _handle, _) = virtual_loop();
    let (panicked, cancelled) = beside(&mut event_loop, |remote| {
        let panicked: Answer<()> = remote.spawn(|| async { panic!("over there") }).unwrap();
        let cancelled: Answer<()> = remote.spawn(pending).unwrap();
        let cancel = || spawn(async { cancel_all(&LoopHandle::current()).await }).detach();
        remote.call_soon(cancel).unwrap();
        (panicked.result().unwrap().unwrap_err(), cancelled.result().unwrap().unwrap_err())
    });
    assert_eq!(panicked.panic_message(), Some("over there"));
    assert!(cancelled.is_cancelled());
}

// spec: THR-03
#[test]
fn cancelling_the_promise_cancels_the_task_and_a_wait_that_times_out_does_not() {
    let (mut event_loop, handle, _) = virtual_loop();
    let (begun, has_begun) = mpsc::channel();
    let (ended, has_ended) = mpsc::channel();
    struct Ends(mpsc::Sender<&'static str>);
    impl AsyncExit for Ends {
        async fn exit(self) {
            yield_now().await;
            self.0.send("cleaned up").unwrap();
        }
    }
    beside(&mut event_loop, move |remote| {
        let mut answer: Answer<()> = remote
            .spawn(move || async move {
                with(Ends(ended), async |_| {
                    begun.send(()).unwrap();
                    pending::<()>().await;
                })
                .await;
            })
            .unwrap();
        has_begun.recv().unwrap();
        let outcome = answer.result_timeout(Duration::ZERO).unwrap_err();
        assert_eq!(outcome, ResultTimeoutError::TimedOut);
        assert!(has_ended.try_recv().is_err(), "the task goes on");
        assert!(answer.cancel());
        assert_eq!(has_ended.recv(), Ok("cleaned up"));
        assert_eq!(answer.result().unwrap_err(), Broken::Cancelled);
    });
    turn(&mut event_loop);
    assert_nothing_left(&handle);
}

#[test]
fn cancelled_before_the_loop_has_seen_it_the_future_is_never_made() {
    let (mut event_loop, handle, _) = virtual_loop();
    let (made, has_been_made) = mpsc::channel();
    let remote = event_loop.remote();
    let answer = remote.spawn(move || ready(made.send(()))).unwrap();
    assert!(answer.cancel());
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert!(has_been_made.try_recv().is_err());
    assert_nothing_left(&handle);
}

#[test]
fn a_cancel_from_the_loop_s_own_thread_may_overtake_the_order() {
    let (mut event_loop, handle, _) = virtual_loop();
    let (made, has_been_made) = mpsc::channel();
    let (send, receive) = mpsc::channel::<Answer<_>>();
    // While this call-back runs, another thread orders; the order lies in the inbox, and the cancel
    // goes straight into the ready queue.
    let remote = event_loop.remote();
    handle.call_soon(move || {
        let order = move || remote.spawn(move || ready(made.send(()))).unwrap();
        let thread = thread::spawn(move || send.send(order()).unwrap());
        assert!(receive.recv().unwrap().cancel());
        thread.join().unwrap();
    });
    for _ in 0..4 {
        turn(&mut event_loop);
    }
    assert_eq!(handle.statistics().panics, 0);
    assert!(has_been_made.try_recv().is_err());
    assert_nothing_left(&handle);
}

#[test]
fn dropping_the_promise_lets_the_task_go_on() {
    let (mut event_loop, handle, _) = virtual_loop();
    let (send, receive) = mpsc::channel();
    drop(event_loop.remote().spawn(move || async move {
        yield_now().await;
        send.send("done").unwrap();
    }));
    for _ in 0..4 {
        turn(&mut event_loop);
    }
    assert_eq!(receive.try_recv(), Ok("done"));
    assert_nothing_left(&handle);
}

// spec: THR-04
#[test]
fn a_panic_while_the_future_is_made_is_the_task_s() {
    let (mut event_loop, handle, _) = virtual_loop();
    fn broken() -> std::future::Ready<()> {
        panic!("no future")
    }
    let outcome = beside(&mut event_loop, |remote| remote.spawn(broken).unwrap().result());
    assert_eq!(outcome.unwrap().unwrap_err().panic_message(), Some("no future"));
    assert_eq!(handle.statistics().panics, 0);
}

#[test]
fn it_is_awaited_in_another_loop_as_well() {
    let (mut event_loop, _handle, _) = virtual_loop();
    let there = thread::current().id();
    let seen = beside(&mut event_loop, |remote| {
        run(async move {
            let answer = remote.spawn(|| async { thread::current().id() });
            answer.unwrap().await.unwrap().unwrap()
        })
    });
    assert_eq!(seen, there);
}

#[test]
fn a_closed_loop_gives_the_closure_back_and_abandons_what_it_had_begun() {
    let (mut event_loop, _handle, _) = virtual_loop();
    let remote = event_loop.remote();
    let queued: Answer<()> = remote.spawn(pending).unwrap();
    let begun: Answer<()> = remote.spawn(pending).unwrap();
    turn(&mut event_loop);
    let late: Answer<()> = remote.spawn(pending).unwrap();
    event_loop.close();
    for answer in [queued, begun, late] {
        assert_eq!(answer.result().unwrap_err(), Broken::Abandoned);
    }
    let token = String::from("kept");
    let refused = remote.spawn(move || async move { token }).map(drop).unwrap_err();
    let future = (refused.0)();
    assert_eq!(run(future), "kept");
}

#[test]
fn thousands_from_several_threads_all_answer() {
    let (mut event_loop, handle, _) = virtual_loop();
    let sum = beside(&mut event_loop, |remote| {
        let threads: Vec<_> = (0..4_u64)
            .map(|_| {
                let remote = remote.clone();
                thread::spawn(move || {
                    let answers: Vec<_> = (0..1000)
                        .map(|n| {
                            let order = remote.spawn(move || async move {
                                yield_now().await;
                                assert!(LoopHandle::try_current().is_some());
                                n
                            });
                            order.unwrap()
                        })
                        .collect();
                    answers.into_iter().map(|it| it.result().unwrap().unwrap()).sum::<u64>()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>()
    });
    assert_eq!(sum, 4 * (0..1000).sum::<u64>());
    assert_nothing_left(&handle);
}
