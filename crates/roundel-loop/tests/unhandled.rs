//! What becomes of a call-back's panic.

mod support;

use std::{cell::RefCell, rc::Rc};

use roundel_loop::{Unhandled, UnhandledHandler, Verdict, default_unhandled_handler};
use support::{Log, event_loop, turn};

/// A handler that keeps what it is told, as text.
fn listener(log: &Log) -> UnhandledHandler {
    let log = log.clone();
    Rc::new(move |report| {
        log.add(format!("{}: {}", report.message, report.panic_message().unwrap_or("-")));
        Verdict::Continue
    })
}

// spec: LPX-01
#[test]
fn a_panic_goes_to_the_handler_and_the_loop_goes_on() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    handle.set_unhandled_handler(Some(listener(&log)));
    handle.call_soon(|| panic!("first"));
    handle.call_soon(log.line("between"));
    handle.call_soon(|| panic!("number {}", 2));
    handle.call_soon(log.line("after"));
    turn(&mut event_loop);
    let expected =
        ["a call-back panicked: first", "between", "a call-back panicked: number 2", "after"];
    assert_eq!(log.take(), expected);
    assert_eq!(handle.statistics().panics, 2);
}

// spec: LPX-03, LPD-05
#[test]
fn a_report_names_the_call_back_by_where_it_was_scheduled() {
    let (mut event_loop, handle) = event_loop();
    let sites = Rc::new(RefCell::new(Vec::new()));
    handle.set_unhandled_handler(Some(Rc::new({
        let sites = Rc::clone(&sites);
        move |report: &Unhandled| {
            assert_eq!(report.message, "a call-back panicked");
            assert!(report.panic.is_some());
            sites.borrow_mut().push(report.site.expect("a call-back has a site").line());
            Verdict::Continue
        }
    })));
    let first = line!() + 1;
    handle.call_soon(|| panic!("soon"));
    handle.call_at(handle.now(), || panic!("timer"));
    handle.remote().call_soon(|| panic!("remote")).unwrap();
    turn(&mut event_loop);
    let mut lines = sites.take();
    lines.sort_unstable();
    assert_eq!(lines, [first, first + 1, first + 2]);
}

// spec: LPX-04
#[test]
fn a_handler_is_set_and_taken_back() {
    let (_event_loop, handle) = event_loop();
    assert!(handle.unhandled_handler().is_none());
    let log = Log::default();
    assert!(handle.set_unhandled_handler(Some(listener(&log))).is_none());
    assert!(handle.unhandled_handler().is_some());
    assert!(handle.set_unhandled_handler(None).is_some());
    assert!(handle.unhandled_handler().is_none());
}

// spec: LPX-05
#[test]
fn a_custom_handler_replaces_the_default_and_may_call_it() {
    let (_event_loop, handle) = event_loop();
    let log = Log::default();
    handle.set_unhandled_handler(Some(Rc::new({
        let log = log.clone();
        move |report: &Unhandled| {
            log.add("custom");
            default_unhandled_handler(report)
        }
    })));
    assert_eq!(handle.report(&Unhandled::new("something")), Verdict::Continue);
    assert_eq!(log.take(), ["custom"]);
}

// spec: LPX-06
#[test]
fn a_handler_that_panics_is_itself_reported_and_the_loop_goes_on() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    handle.set_unhandled_handler(Some(Rc::new(|_| panic!("the handler is broken"))));
    handle.call_soon(|| panic!("the call-back is broken"));
    handle.call_soon(log.line("after"));
    turn(&mut event_loop);
    assert_eq!(log.take(), ["after"]);
}

// spec: LPX-07
#[test]
fn a_handler_lets_a_panic_through_by_its_verdict() {
    let (mut event_loop, handle) = event_loop();
    handle.set_unhandled_handler(Some(Rc::new(|_| Verdict::Unwind)));
    handle.call_soon(|| std::panic::panic_any(7_u32));
    let run = std::panic::AssertUnwindSafe(|| event_loop.run_ready());
    let payload = std::panic::catch_unwind(run).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&7_u32), "the very payload");
}

// spec: LPX-09
#[test]
fn the_default_report_is_one_record_message_first_then_sorted_by_name() {
    let report = Unhandled::new("the message").detail("zeta", 1).detail("alpha", "two");
    assert_eq!(report.to_string(), "the message\n  alpha: two\n  zeta: 1");
    assert_eq!(Unhandled::new("").to_string(), "unhandled failure in an event loop");
}

#[test]
fn the_handler_may_use_the_loop() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    handle.set_unhandled_handler(Some(Rc::new({
        let (handle, log) = (handle.clone(), log.clone());
        move |_: &Unhandled| {
            handle.call_soon(log.line("from the handler"));
            handle.set_unhandled_handler(None);
            Verdict::Continue
        }
    })));
    handle.call_soon(|| panic!("once"));
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["from the handler"]);
    assert!(handle.unhandled_handler().is_none());
}

#[test]
fn a_waker_that_panics_loses_nobody_else_s_wake() {
    use std::{future::Future, io::Write, os::unix::net::UnixStream, sync::Arc, task};
    struct Panics;
    impl task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    let mut pairs: Vec<_> = (0..2).map(|_| UnixStream::pair().unwrap()).collect();
    let ours: Vec<_> = pairs
        .iter()
        .map(|(ours, _)| handle.attach(roundel_loop::Source::new(ours.try_clone().unwrap())))
        .collect();
    let mut first = Box::pin(ours[0].recv(1));
    let waker = task::Waker::from(Arc::new(Panics));
    assert!(first.as_mut().poll(&mut task::Context::from_waker(&waker)).is_pending());
    let note = log.clone();
    ours[1].recv(1).then(move |_| note.add("called back"));
    for (_, peer) in &mut pairs {
        peer.write_all(b"x").unwrap();
    }
    event_loop.poll_events(None).unwrap();
    let process = std::panic::AssertUnwindSafe(|| event_loop.process_events());
    assert!(std::panic::catch_unwind(process).is_err());
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["called back"]);
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_stops_nothing() {
    struct Mine;
    impl Drop for Mine {
        fn drop(&mut self) {
            panic!("even now");
        }
    }
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    handle.set_unhandled_handler(Some(Rc::new(|_| Verdict::Continue)));
    handle.call_soon(|| std::panic::panic_any(Mine));
    handle.call_soon(log.line("after"));
    turn(&mut event_loop);
    assert_eq!(log.take(), ["after"]);
}
