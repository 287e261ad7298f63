//! In which order call-backs run, and in which turn.

mod support;

use std::{
    cell::{Cell, RefCell},
    io::Write,
    os::{fd::BorrowedFd, unix::net::UnixStream},
    rc::Rc,
    time::Duration,
};

use roundel_driver::{DriverError, DriverStatistics, Key, Notifier, Submitted};
use roundel_loop::{
    Completion, Driver, EventLoop, LoopConfig, LoopHandle, Operation, Source, SourceId,
};
use support::{Log, MS, chosen_driver, drivers, event_loop, loop_on, stopper, turn, virtual_loop};

// spec: LPS-01
#[test]
fn call_backs_run_first_in_first_out() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    for n in 0..5 {
        handle.call_soon(log.line(n));
    }
    turn(&mut event_loop);
    assert_eq!(log.take(), ["0", "1", "2", "3", "4"]);
}

// spec: LPS-03
#[test]
fn what_a_batch_adds_waits_for_the_next_turn() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    handle.call_soon({
        let (handle, log) = (handle.clone(), log.clone());
        move || {
            log.add("first");
            handle.call_soon(log.line("added"));
        }
    });
    handle.call_soon(log.line("second"));
    turn(&mut event_loop);
    assert_eq!(log.take(), ["first", "second"]);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["added"]);
}

// spec: LPS-02, LPS-04
#[test]
fn a_turn_runs_what_was_queued_then_events_then_timers() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let log = Log::default();
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let _watch = handle.add_reader(&Source::new(ours), {
        let log = log.clone();
        move |_| log.add("event")
    });
    // Timer and event happen before the call-back is queued; it runs before them all the same.
    handle.call_later(MS, log.line("timer"));
    peer.write_all(b"x").unwrap();
    clock.advance(2 * MS);
    handle.call_soon(log.line("queued"));
    turn(&mut event_loop);
    assert_eq!(log.take(), ["queued", "event", "timer"]);
}

// spec: LPS-03
#[test]
fn a_chain_of_call_backs_lets_events_in_at_every_turn() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let watch = Rc::new(RefCell::new(None));
    let added = handle.add_reader(&Source::new(ours), {
        let (log, watch) = (log.clone(), Rc::clone(&watch));
        move |_| {
            log.add("event");
            assert!(watch.take().is_some_and(|watch: roundel_loop::WatchHandle| watch.cancel()));
        }
    });
    watch.replace(Some(added));
    handle.call_soon({
        let (handle, log) = (handle.clone(), log.clone());
        move || {
            log.add("one");
            peer.write_all(b"x").unwrap();
            handle.clone().call_soon({
                let log = log.clone();
                move || {
                    log.add("two");
                    handle.call_soon(log.line("three"));
                }
            });
        }
    });
    for _ in 0..3 {
        turn(&mut event_loop);
    }
    assert_eq!(log.take(), ["one", "two", "event", "three"]);
}

/// Notes the timeouts that a driver is asked to wait for.
#[derive(Debug)]
struct Spy(Box<dyn Driver>, Rc<RefCell<Vec<Option<Duration>>>>);

impl Driver for Spy {
    fn wait(&mut self, timeout: Option<Duration>, done: &mut Vec<Key>) -> Result<(), DriverError> {
        self.1.borrow_mut().push(timeout);
        self.0.wait(Some(Duration::ZERO), done)
    }
    fn attach(&mut self, source: Source) -> SourceId {
        self.0.attach(source)
    }
    fn detach(&mut self, id: SourceId) -> Option<Source> {
        self.0.detach(id)
    }
    fn submit(&mut self, operation: Operation) -> Submitted {
        self.0.submit(operation)
    }
    fn take(&mut self, key: Key) -> Option<Completion> {
        self.0.take(key)
    }
    fn cancel(&mut self, key: Key) -> bool {
        self.0.cancel(key)
    }
    fn notifier(&self) -> Notifier {
        self.0.notifier()
    }
    fn in_flight(&self) -> usize {
        self.0.in_flight()
    }
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.0.descriptor()
    }
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn statistics(&self) -> DriverStatistics {
        self.0.statistics()
    }
}

// spec: LPS-05
#[test]
fn a_wait_is_as_long_as_nothing_has_to_be_done() {
    let waits = Rc::new(RefCell::new(Vec::new()));
    let spy = Spy(chosen_driver(), Rc::clone(&waits));
    let clock = roundel_loop::VirtualClock::new();
    let mut config = LoopConfig::with_driver(Box::new(spy));
    config.clock = clock.clone().into();
    let mut event_loop = EventLoop::with_config(config);
    let handle = event_loop.handle();
    let (ours, _peer) = UnixStream::pair().unwrap();
    let ours = handle.attach(Source::new(ours));
    let _pending = ours.recv(1);
    let wait = |event_loop: &mut EventLoop| {
        event_loop.poll_events(None).unwrap();
        event_loop.process_events().unwrap();
        event_loop.run_ready().unwrap();
        waits.take()
    };

    assert_eq!(wait(&mut event_loop), [None], "no timer: without limit");
    let day = 24 * 3600 * 1000 * MS;
    handle.call_later(3 * day, || {});
    assert_eq!(wait(&mut event_loop), [Some(day)], "a day at the most");
    handle.call_later(70 * MS, || {});
    handle.call_later(50 * MS, || {});
    assert_eq!(wait(&mut event_loop), [Some(50 * MS)], "until the earliest timer");
    clock.advance(30 * MS);
    assert_eq!(wait(&mut event_loop), [Some(20 * MS)], "what is left of it");
    handle.call_soon(|| {});
    assert_eq!(wait(&mut event_loop), [Some(Duration::ZERO)], "something is ready");
    handle.stop();
    assert_eq!(wait(&mut event_loop), [Some(Duration::ZERO)], "the loop is stopping");
}

#[test]
fn a_wait_from_which_nothing_can_come_is_not_made() {
    fn chain(handle: LoopHandle, left: u32) {
        if left == 0 {
            return handle.stop();
        }
        handle.clone().call_soon(move || chain(handle, left - 1));
    }
    let (mut event_loop, handle) = event_loop();
    chain(handle.clone(), 10);
    event_loop.run_forever().unwrap();
    assert_eq!(handle.statistics().turns, 10);
    assert_eq!(handle.statistics().waits, 0);
    // Somebody waits for the kernel: now every turn asks it.
    let (ours, _peer) = UnixStream::pair().unwrap();
    let ours = handle.attach(Source::new(ours));
    let _pending = ours.recv(1);
    chain(handle.clone(), 10);
    event_loop.run_forever().unwrap();
    assert_eq!(handle.statistics().waits, 10);
}

// spec: LPS-06
#[test]
fn a_timer_that_falls_due_during_the_wait_runs_in_the_same_turn() {
    let (mut event_loop, handle, _clock) = virtual_loop();
    let log = Log::default();
    handle.call_later(5 * MS, log.line("timer"));
    event_loop.poll_events(None).unwrap();
    event_loop.process_events().unwrap();
    event_loop.run_ready().unwrap();
    assert_eq!(log.take(), ["timer"]);
    assert_eq!(handle.statistics().turns, 1);
}

// spec: LPS-06
#[test]
fn a_timer_is_never_early_on_the_real_clock() {
    for driver in drivers() {
        let mut event_loop = loop_on(driver);
        let handle = event_loop.handle();
        for micros in [0, 1, 50, 999, 1001, 2500] {
            let due = handle.now() + Duration::from_micros(micros);
            let late = Rc::new(Cell::new(None));
            handle.call_at(due, {
                let (handle, late) = (handle.clone(), Rc::clone(&late));
                move || {
                    late.set(handle.now().checked_duration_since(due));
                    handle.stop();
                }
            });
            event_loop.run_forever().unwrap();
            assert!(late.get().is_some(), "{driver}: {micros} µs were not over");
        }
    }
}

// spec: LPS-07, LPS-08
#[test]
fn timers_run_by_deadline_and_equal_ones_as_they_were_scheduled() {
    let (mut event_loop, handle, _clock) = virtual_loop();
    let log = Log::default();
    for (delay, name) in [(3, "c"), (1, "a1"), (2, "b1"), (1, "a2"), (2, "b2"), (1, "a3")] {
        handle.call_later(delay * MS, log.line(name));
    }
    handle.call_later(4 * MS, stopper(&handle));
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["a1", "a2", "a3", "b1", "b2", "c"]);
}

// spec: LPS-09
#[test]
fn late_timers_run_once_in_deadline_order_behind_what_is_ready() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let log = Log::default();
    handle.call_later(2 * MS, log.line("second"));
    handle.call_later(MS, log.line("first"));
    handle.call_soon(log.line("ready"));
    clock.advance(1000 * MS);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["ready", "first", "second"]);
    turn(&mut event_loop);
    assert!(log.take().is_empty());
}

// spec: LPS-10
#[test]
fn later_is_at_now_plus_the_delay() {
    let (_event_loop, handle, clock) = virtual_loop();
    clock.advance(7 * MS);
    let later = handle.call_later(5 * MS, || {});
    let at = handle.call_at(handle.now() + 5 * MS, || {});
    assert_eq!(later.when(), at.when());
    assert_eq!(handle.call_later(Duration::MAX, || {}).when(), roundel_loop::Deadline::NEVER);
}

// spec: LPS-11
#[test]
fn no_delay_and_a_past_time_run_in_the_next_turn_behind_what_is_ready() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let log = Log::default();
    let past = handle.now();
    clock.advance(MS);
    handle.call_later(Duration::ZERO, log.line("no delay"));
    handle.call_at(past, log.line("past"));
    handle.call_soon(log.line("ready"));
    turn(&mut event_loop);
    assert_eq!(log.take(), ["ready", "past", "no delay"]);
}

#[test]
fn a_flood_of_timers_is_spread_over_turns() {
    let (mut event_loop, handle, clock) = support::virtual_loop_with(|c| c.timers_per_turn = 10);
    let log = Log::default();
    for n in 0..25 {
        handle.call_later(MS, log.line(n));
    }
    clock.advance(MS);
    for expected in [10, 10, 5, 0] {
        turn(&mut event_loop);
        assert_eq!(log.take().len(), expected);
    }
}

// spec: LPS-14
#[test]
fn a_cancelled_call_back_is_skipped_and_dropped_at_once() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    let token = Rc::new(());
    let held = Rc::clone(&token);
    handle.call_soon(log.line("before"));
    let cancelled = handle.call_soon(move || drop(held));
    handle.call_soon(log.line("after"));
    assert!(!cancelled.is_cancelled());
    assert!(cancelled.cancel());
    assert_eq!(Rc::strong_count(&token), 1, "dropped by the cancel, not by the turn");
    assert!(cancelled.cancel(), "again: the same");
    turn(&mut event_loop);
    assert_eq!(log.take(), ["before", "after"]);
    assert!(cancelled.is_cancelled());
}

// spec: LPS-14
#[test]
fn cancelling_what_runs_or_has_run_has_no_effect() {
    let (mut event_loop, handle) = event_loop();
    let own: Rc<RefCell<Option<roundel_loop::Handle>>> = Rc::default();
    let scheduled = handle.call_soon({
        let own = Rc::clone(&own);
        move || assert!(!own.borrow().as_ref().unwrap().cancel(), "it runs")
    });
    own.replace(Some(scheduled));
    turn(&mut event_loop);
    let done = own.take().unwrap();
    assert!(!done.cancel());
    assert!(!done.is_cancelled());
    assert_eq!(handle.statistics().panics, 0);
}

// spec: LPS-14
#[test]
fn a_timer_can_be_cancelled_until_it_is_reached() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let log = Log::default();
    let victim: Rc<RefCell<Option<roundel_loop::TimerHandle>>> = Rc::default();
    handle.call_later(MS, {
        let (victim, log) = (Rc::clone(&victim), log.clone());
        move || {
            log.add("killer");
            assert!(victim.borrow().as_ref().unwrap().cancel());
        }
    });
    victim.replace(Some(handle.call_later(2 * MS, log.line("victim"))));
    clock.advance(5 * MS);
    // Both are due in this very batch.
    turn(&mut event_loop);
    assert_eq!(log.take(), ["killer"]);
    assert!(victim.borrow().as_ref().unwrap().is_cancelled());
    assert_eq!(handle.statistics().pending_timers, 0);
}

#[test]
fn a_timer_can_be_moved() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let log = Log::default();
    let timer = handle.call_later(MS, log.line("moved"));
    assert!(timer.reschedule(handle.now() + 10 * MS));
    clock.advance(5 * MS);
    turn(&mut event_loop);
    assert!(log.take().is_empty());
    assert!(timer.reschedule(handle.now() + MS));
    clock.advance(MS);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["moved"]);
    assert!(!timer.reschedule(handle.now() + MS), "too late");
}

// spec: LPS-15
#[test]
fn timer_handles_tell_and_compare_by_time() {
    let (_event_loop, handle, _clock) = virtual_loop();
    let due = handle.now() + MS;
    let [soon, late, twin] = [due, due + MS, due].map(|when| handle.call_at(when, || {}));
    assert_eq!(soon.when(), due.into());
    assert!(soon < late && late > twin);
    assert!(soon != twin, "equal times do not make equal timers");
    assert!(soon == soon);
}

// spec: LPS-20
#[test]
fn time_is_monotonic() {
    let (_event_loop, handle) = event_loop();
    let mut last = handle.now();
    for _ in 0..1000 {
        let now = handle.now();
        assert!(now >= last);
        last = now;
    }
}

#[test]
fn dropping_a_call_back_may_use_the_loop() {
    struct Rescheduler(LoopHandle, Log);
    impl Drop for Rescheduler {
        fn drop(&mut self) {
            self.0.call_soon(self.1.line("from drop"));
        }
    }
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    let held = Rescheduler(handle.clone(), log.clone());
    handle.call_soon(move || drop(held)).cancel();
    let held = Rescheduler(handle.clone(), log.clone());
    handle.call_later(MS, move || drop(held)).cancel();
    turn(&mut event_loop);
    assert_eq!(log.take(), ["from drop", "from drop"]);
}
