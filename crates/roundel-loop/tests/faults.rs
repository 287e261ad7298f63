//! What goes wrong outside: the caller is told, and the loop goes on.

mod support;

use std::{
    cell::RefCell,
    io::Write,
    net::{TcpListener, TcpStream},
    os::{fd::AsRawFd, unix::net::UnixStream},
    process::Command,
    rc::Rc,
    time::{Duration, Instant},
};

use roundel_loop::{Clock, EventLoop, LoopConfig, Outcome, Readiness, Source};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{Log, MS, chosen_driver, drivers, event_loop, loop_on, stopper, turn, virtual_loop};

/// Runs one of this file's tests in a process of its own, for what touches the whole process.
fn in_a_child(test: &str) -> bool {
    const CHILD: &str = "ROUNDEL_FAULTS_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]).env(CHILD, "1").stdin(std::process::Stdio::piped());
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    false
}

#[test]
fn accepting_without_descriptors_is_an_error_and_works_again_later() {
    if !in_a_child("accepting_without_descriptors_is_an_error_and_works_again_later") {
        return;
    }
    let (mut event_loop, handle) = event_loop();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listener = handle.attach(Source::new(listener));
    let client = TcpStream::connect(address).unwrap();

    let before = getrlimit(Resource::Nofile);
    let none_left = client.as_raw_fd() as u64 + 1;
    setrlimit(Resource::Nofile, Rlimit { current: Some(none_left), ..before }).unwrap();
    for _ in 0..3 {
        let error = event_loop.run_until_complete(listener.accept()).unwrap().unwrap_err();
        assert_eq!(error.action(), "accepting a connection");
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
    }
    setrlimit(Resource::Nofile, before).unwrap();
    let accepted = event_loop.run_until_complete(listener.accept()).unwrap();
    assert!(
        matches!(accepted, Ok(Outcome::Accepted(_))),
        "the connection had waited: {accepted:?}"
    );
}

#[test]
fn a_foreign_descriptor_closed_under_us_does_not_stop_the_loop() {
    if !in_a_child("a_foreign_descriptor_closed_under_us_does_not_stop_the_loop") {
        return;
    }
    for driver in drivers() {
        let mut event_loop = loop_on(driver);
        let handle = event_loop.handle();
        let watch = handle.add_reader(&Source::new(std::io::stdin()), |_| {});
        turn(&mut event_loop);
        // The descriptor is closed behind our back, and its number given to another file at once.
        let (successor, _writer) = std::io::pipe().unwrap();
        rustix::stdio::dup2_stdin(successor).unwrap();
        turn(&mut event_loop);

        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let ours = handle.attach(Source::new(ours));
        theirs.write_all(b"alive").unwrap();
        let alive = event_loop.run_until_complete(ours.recv(10)).unwrap();
        assert!(matches!(alive, Ok(Outcome::Received(data)) if &data[..] == b"alive"), "{driver}");
        assert!(watch.cancel());
        turn(&mut event_loop);
        assert_eq!(event_loop.driver_statistics().sources, 1, "{driver}");
    }
}

#[test]
fn a_million_cancelled_timers_leave_no_trace() {
    let (mut event_loop, handle, clock) = virtual_loop();
    let log = Log::default();
    handle.call_later(5 * MS, log.line("the one that counts"));
    for round in 0..1000 {
        let timers: Vec<_> =
            (0..1000).map(|n| handle.call_later((10_000 + round + n) * MS, || {})).collect();
        assert!(timers.iter().all(|timer| timer.cancel()));
    }
    assert_eq!(handle.statistics().pending_timers, 1);
    clock.advance(5 * MS);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["the one that counts"]);
    assert_eq!(event_loop.next_deadline(), None);
}

/// A clock that goes wherever it is told, backwards too.
#[derive(Clone)]
struct LyingClock(Rc<RefCell<Instant>>);

impl Clock for LyingClock {
    fn now(&self) -> Instant {
        *self.0.borrow()
    }
}

#[test]
fn a_clock_that_jumps_runs_what_is_due_and_survives_going_back() {
    let now = Rc::new(RefCell::new(Instant::now()));
    let mut config = LoopConfig::with_driver(chosen_driver());
    config.clock = LyingClock(Rc::clone(&now)).into();
    config.slow_callback = None;
    let mut event_loop = EventLoop::with_config(config);
    let handle = event_loop.handle();
    let log = Log::default();
    let start = handle.now();
    handle.call_later(1000 * MS, log.line("far"));
    now.replace(start - Duration::from_secs(3600));
    turn(&mut event_loop);
    assert!(log.take().is_empty(), "an hour back: nothing is due");
    handle.call_later(MS, log.line("near"));
    now.replace(start + Duration::from_secs(10_000_000));
    turn(&mut event_loop);
    assert_eq!(log.take(), ["near", "far"], "months ahead: all, in order, once");
    turn(&mut event_loop);
    assert!(log.take().is_empty());
}

#[test]
fn a_storm_of_panics_stops_nothing() {
    let (mut event_loop, handle) = event_loop();
    let log = Log::default();
    handle.set_unhandled_handler(Some(Rc::new(|_| roundel_loop::Verdict::Continue)));
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let ours = handle.attach(Source::new(ours));
    theirs.write_all(b"x").unwrap();
    let _ = ours.ready(roundel_loop::Interest::READ).then(|_| panic!("completion"));
    handle.call_soon(|| panic!("soon"));
    handle.call_later(Duration::ZERO, || panic!("timer"));
    handle.remote().call_soon(|| panic!("remote")).unwrap();
    handle.call_later(MS, log.line("alive"));
    handle.call_later(2 * MS, stopper(&handle));
    event_loop.run_forever().unwrap();
    assert_eq!(log.take(), ["alive"]);
    assert_eq!(handle.statistics().panics, 4);
}

#[test]
fn a_hang_up_is_told_to_a_watch() {
    let (mut event_loop, handle) = event_loop();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let log = Log::default();
    let note = log.clone();
    handle.add_reader(&Source::new(ours), move |readiness| {
        note.add(readiness.unwrap().contains(Readiness::READ_CLOSED));
    });
    drop(theirs);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["true"]);
}
