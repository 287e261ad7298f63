//! Other threads: call-backs arrive, in order, and wake a sleeping loop.

mod support;

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use roundel_loop::{LoopHandle, RemoteCall, Unhandled, Verdict};
use support::{Log, event_loop, turn};

// spec: LPS-17
#[test]
fn a_call_from_another_thread_wakes_a_sleeping_loop() {
    let (mut event_loop, _handle) = event_loop();
    for _ in 0..100 {
        let remote = event_loop.remote();
        let worker = std::thread::spawn(move || {
            remote.call_soon(|| LoopHandle::current().stop()).unwrap();
        });
        // No timer and no other work: a lost wake would hang here.
        event_loop.run_forever().unwrap();
        worker.join().unwrap();
    }
}

// spec: LPS-17
#[test]
fn calls_of_one_thread_run_in_order_and_none_is_lost() {
    let (mut event_loop, handle) = event_loop();
    const THREADS: usize = 4;
    const CALLS: usize = 20_000;
    let done = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..THREADS)
        .map(|_| {
            let (remote, done) = (event_loop.remote(), Arc::clone(&done));
            std::thread::spawn(move || {
                let next = Arc::new(AtomicUsize::new(0));
                for n in 0..CALLS {
                    let (next, done) = (Arc::clone(&next), Arc::clone(&done));
                    let call = move || {
                        assert_eq!(next.fetch_add(1, Ordering::Relaxed), n, "in order");
                        if done.fetch_add(1, Ordering::Relaxed) + 1 == THREADS * CALLS {
                            LoopHandle::current().stop();
                        }
                    };
                    remote.call_soon(call).unwrap();
                }
            })
        })
        .collect();
    event_loop.run_forever().unwrap();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    assert_eq!(done.load(Ordering::Relaxed), THREADS * CALLS);
    assert_eq!(handle.statistics().panics, 0);
    assert_eq!(handle.statistics().remote_calls as usize, THREADS * CALLS);
}

// spec: LPS-17
#[test]
fn on_the_loop_s_own_thread_the_order_with_call_soon_is_kept() {
    let (mut event_loop, handle) = event_loop();
    let (sender, receiver) = mpsc::channel();
    let soon = |name| {
        let sender = sender.clone();
        move || sender.send(name).unwrap()
    };
    // Before the loop runs.
    handle.call_soon(soon("a"));
    event_loop.remote().call_soon(soon("b")).unwrap();
    handle.call_soon(soon("c"));
    // And from within a call-back.
    handle.call_soon({
        let (handle, remote) = (handle.clone(), event_loop.remote());
        let (d, e, f) = (soon("d"), soon("e"), soon("f"));
        move || {
            handle.call_soon(d);
            remote.call_soon(e).unwrap();
            handle.call_soon(f);
        }
    });
    turn(&mut event_loop);
    turn(&mut event_loop);
    let mut order: Vec<_> = receiver.try_iter().collect();
    // Left through the remote handle while nothing ran, "b" is seen at the next look.
    assert_eq!(order.split_off(3), ["d", "e", "f"]);
    order.sort_unstable();
    assert_eq!(order, ["a", "b", "c"]);
}

// spec: LPS-18
#[test]
fn a_call_can_be_cancelled_from_any_thread_until_it_begins() {
    let (mut event_loop, _handle) = event_loop();
    let token = Arc::new(());
    let held = Arc::clone(&token);
    let call = event_loop.remote().call_soon(move || panic!("cancelled: {held:?}")).unwrap();
    let canceller = {
        let call = call.clone();
        std::thread::spawn(move || call.cancel())
    };
    assert!(canceller.join().unwrap());
    assert_eq!(Arc::strong_count(&token), 1, "dropped by the cancel");
    assert!(call.is_cancelled() && call.cancel());
    turn(&mut event_loop);
}

// spec: LPS-18
#[test]
fn cancelling_never_blocks_and_is_too_late_once_it_runs() {
    let (mut event_loop, handle) = event_loop();
    let (to_loop, from_test) = mpsc::channel::<RemoteCall>();
    let (answer, answers) = mpsc::channel();
    let remote = event_loop.remote();
    let call = remote
        .call_soon(move || {
            // While this call-back runs, another thread tries to cancel it: no dead-lock.
            let own = from_test.recv().unwrap();
            let other = std::thread::spawn(move || (own.cancel(), own.is_cancelled()));
            answer.send(other.join().unwrap()).unwrap();
        })
        .unwrap();
    to_loop.send(call.clone()).unwrap();
    turn(&mut event_loop);
    assert_eq!(answers.recv().unwrap(), (false, false));
    assert!(!call.cancel());
    assert_eq!(handle.statistics().panics, 0);
}

// spec: LPS-19
#[test]
fn a_million_calls_to_a_loop_that_does_not_run_neither_block_nor_get_lost() {
    let (mut event_loop, handle) = event_loop();
    let remote = event_loop.remote();
    let ran = Arc::new(AtomicUsize::new(0));
    let worker = {
        let ran = Arc::clone(&ran);
        std::thread::spawn(move || {
            for _ in 0..1_000_000 {
                let ran = Arc::clone(&ran);
                let count = move || assert!(ran.fetch_add(1, Ordering::Relaxed) < 1_000_000);
                remote.call_soon(count).unwrap();
            }
        })
    };
    worker.join().unwrap();
    turn(&mut event_loop);
    assert_eq!(ran.load(Ordering::Relaxed), 1_000_000);
    assert_eq!(handle.statistics().remote_calls, 1_000_000);
}

// spec: LPS-19
#[test]
fn a_call_racing_with_close_is_run_dropped_or_given_back() {
    for _ in 0..200 {
        let (mut event_loop, _handle) = event_loop();
        let remote = event_loop.remote();
        let token = Arc::new(());
        let worker = {
            let token = Arc::clone(&token);
            std::thread::spawn(move || {
                while remote
                    .call_soon({
                        let token = Arc::clone(&token);
                        move || drop(token)
                    })
                    .is_ok()
                {}
            })
        };
        turn(&mut event_loop);
        event_loop.close();
        worker.join().unwrap();
        drop(event_loop);
        assert_eq!(Arc::strong_count(&token), 1, "nothing is kept");
    }
}

#[test]
fn a_remote_call_back_that_panics_is_reported_with_its_site() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    handle.set_unhandled_handler(Some(Rc::new({
        let log = log.clone();
        move |report: &Unhandled| {
            log.add(report.site.unwrap().line());
            Verdict::Continue
        }
    })));
    let line = line!() + 1;
    event_loop.remote().call_soon(|| panic!("remote")).unwrap();
    turn(&mut event_loop);
    assert_eq!(log.take(), [line.to_string()]);
}

#[test]
fn an_executor_hook_runs_blocking_functions_elsewhere() {
    let (mut event_loop, handle) = event_loop();
    let function = handle.run_in_executor(|| 1).map(drop).unwrap_err().0;
    assert_eq!(function(), 1, "without an executor the function comes back");
    handle.set_default_executor(|job| drop(std::thread::spawn(job)));
    let promised = handle.run_in_executor(|| std::thread::current().id()).unwrap();
    let elsewhere = event_loop.run_until_complete(promised).unwrap().unwrap();
    assert_ne!(elsewhere, std::thread::current().id());
}
