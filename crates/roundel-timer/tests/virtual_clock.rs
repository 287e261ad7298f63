//! The virtual clock moves when told, and wakes the threads that sleep on it.

use roundel_timer::{Clock, SystemClock, VirtualClock};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn time_stands_still_until_it_is_moved() {
    let clock = VirtualClock::new();
    let clone = clock.clone();
    let start = clock.now();
    assert_eq!(clock.now(), start);
    assert_eq!(clock.elapsed(), Duration::ZERO);
    clock.advance(SECOND);
    clone.advance(SECOND);
    assert_eq!([clock.now(), clone.now()], [start + SECOND * 2; 2]);
    assert_eq!(clock.elapsed(), SECOND * 2);
}

#[test]
fn time_never_runs_backwards() {
    let clock = VirtualClock::new();
    let start = clock.now();
    clock.advance_to(start + SECOND * 2);
    clock.advance_to(start + SECOND);
    assert_eq!(clock.elapsed(), SECOND * 2);
}

#[test]
fn a_step_out_of_range_panics_and_moves_nothing() {
    let clock = VirtualClock::new();
    assert!(catch_unwind(AssertUnwindSafe(|| clock.advance(Duration::MAX))).is_err());
    assert_eq!(clock.elapsed(), Duration::ZERO);
}

#[test]
fn sleepers_wake_when_the_time_reaches_them_and_no_earlier() {
    let clock = VirtualClock::new();
    let start = clock.now();
    let (woken, report) = mpsc::channel();
    let threads: Vec<_> = (1..=3)
        .map(|seconds| {
            let (clock, woken) = (clock.clone(), woken.clone());
            thread::spawn(move || {
                clock.sleep(SECOND * seconds);
                woken.send((seconds, clock.elapsed())).unwrap();
            })
        })
        .collect();

    clock.wait_for_sleepers(3);
    for seconds in 1..=3 {
        assert_eq!(clock.next_wake(), Some(start + SECOND * seconds));
        clock.advance_to(start + SECOND * seconds);
        // Those woken are no longer counted, whether or not they have run.
        assert_eq!(clock.sleepers(), 3 - seconds as usize);
        assert_eq!(report.recv().unwrap(), (seconds, SECOND * seconds));
    }
    assert_eq!(clock.next_wake(), None);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_sleep_of_nothing_returns_at_once() {
    let clock = VirtualClock::new();
    clock.sleep(Duration::ZERO);
    assert_eq!(clock.sleepers(), 0);
}

#[test]
fn a_loop_of_sleeps_is_driven_step_by_step() {
    let clock = VirtualClock::new();
    let ticker = thread::spawn({
        let clock = clock.clone();
        move || (0..10).for_each(|_| clock.sleep(SECOND))
    });
    for _ in 0..10 {
        clock.wait_for_sleepers(1);
        clock.advance(SECOND);
    }
    ticker.join().unwrap();
    assert_eq!(clock.elapsed(), SECOND * 10);
}

#[test]
fn clocks_are_shared_by_reference_and_by_pointer() {
    fn now(clock: impl Clock) -> std::time::Instant {
        clock.now()
    }
    let clock = VirtualClock::new();
    let object: Rc<dyn Clock> = Rc::new(clock.clone());
    let shared: Arc<dyn Clock + Send + Sync> = Arc::new(clock.clone());
    clock.advance(SECOND);
    assert_eq!([now(&clock), now(object), now(shared)], [clock.now(); 3]);
    assert!(now(SystemClock) <= now(SystemClock));
}

/// Compiles, or the crate has lost a promise.
#[test]
fn auto_traits() {
    fn shared_between_threads<T: Send + Sync + Unpin>() {}
    shared_between_threads::<VirtualClock>();
    shared_between_threads::<SystemClock>();
    shared_between_threads::<roundel_timer::Deadline>();
    shared_between_threads::<roundel_timer::TimerKey>();
    shared_between_threads::<roundel_timer::TimerQueue<u8>>();
}
