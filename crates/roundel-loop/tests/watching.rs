//! `add_reader` and `add_writer`: call-backs on readiness, on every driver.

mod support;

use std::{
    cell::{Cell, RefCell},
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    rc::Rc,
    sync::Arc,
};

use roundel_loop::{EventLoop, LoopHandle, Readiness, Source, WatchHandle};
use support::{Log, drivers, loop_on, turn};

fn on_each_driver(check: impl Fn(&mut EventLoop, &LoopHandle)) {
    for driver in drivers() {
        eprintln!("{driver}");
        let mut event_loop = loop_on(driver);
        let handle = event_loop.handle();
        check(&mut event_loop, &handle);
        assert_eq!(handle.statistics().panics, 0);
    }
}

/// A source whose stream the test keeps a hold of.
fn pair() -> (Source, Arc<UnixStream>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let ours = Arc::new(ours);
    (Source::shared(Arc::clone(&ours)), ours, theirs)
}

// spec: LPR-03
#[test]
fn a_reader_runs_at_every_turn_while_the_descriptor_is_ready() {
    on_each_driver(|event_loop, handle| {
        let (source, ours, mut theirs) = pair();
        let log = Log::default();
        handle.add_reader(&source, {
            let log = log.clone();
            move |readiness| {
                assert!(readiness.unwrap().contains(Readiness::READABLE));
                log.add("readable");
            }
        });
        turn(event_loop);
        assert!(log.take().is_empty());
        theirs.write_all(b"ab").unwrap();
        for _ in 0..3 {
            turn(event_loop);
            assert_eq!(log.take(), ["readable"]);
        }
        (&*ours).read_exact(&mut [0; 2]).unwrap();
        turn(event_loop);
        assert!(log.take().is_empty());
    });
}

// spec: LPR-01
#[test]
fn a_second_reader_replaces_the_first() {
    on_each_driver(|event_loop, handle| {
        let (source, _ours, mut theirs) = pair();
        let log = Log::default();
        let add = |name| {
            let log = log.clone();
            handle.add_reader(&source, move |_| log.add(name))
        };
        let first = add("first");
        theirs.write_all(b"x").unwrap();
        turn(event_loop);
        let second = add("second");
        assert!(first.is_cancelled());
        turn(event_loop);
        assert_eq!(log.take(), ["first", "second"]);
        assert!(!first.cancel(), "replaced already");
        assert!(second.cancel());
        turn(event_loop);
        assert!(log.take().is_empty());
    });
}

// spec: LPR-02
#[test]
fn reader_and_writer_are_independent_and_removal_tells() {
    on_each_driver(|event_loop, handle| {
        let (source, _ours, mut theirs) = pair();
        let log = Log::default();
        let note = |name| {
            let log = log.clone();
            move |_| log.add(name)
        };
        assert!(!handle.remove_reader(&source));
        handle.add_reader(&source, note("read"));
        handle.add_writer(&source, note("write"));
        turn(event_loop);
        assert_eq!(log.take(), ["write"]);
        theirs.write_all(b"x").unwrap();
        turn(event_loop);
        let mut both = log.take();
        both.sort();
        assert_eq!(both, ["read", "write"]);
        assert!(handle.remove_writer(&source));
        assert!(!handle.remove_writer(&source));
        turn(event_loop);
        assert_eq!(log.take(), ["read"]);
        assert!(handle.remove_reader(&source));
        turn(event_loop);
        assert!(log.take().is_empty());
        assert_eq!(event_loop.driver_statistics().sources, 0, "the source is let go");
    });
}

// spec: LPR-04
#[test]
fn a_cancelled_watch_is_deregistered_and_never_runs() {
    on_each_driver(|event_loop, handle| {
        let (source, _ours, mut theirs) = pair();
        let token = Rc::new(());
        let held = Rc::clone(&token);
        let watch = handle.add_reader(&source, move |_| panic!("cancelled: {held:?}"));
        theirs.write_all(b"x").unwrap();
        // Its event is queued already when the cancel comes.
        event_loop.poll_events(None).unwrap();
        event_loop.process_events().unwrap();
        assert!(watch.cancel());
        assert_eq!(Rc::strong_count(&token), 1, "dropped at once");
        event_loop.run_ready().unwrap();
        turn(event_loop);
        assert_eq!(event_loop.driver_statistics().sources, 0);
    });
}

#[test]
fn a_watch_may_remove_itself() {
    on_each_driver(|event_loop, handle| {
        let (source, _ours, mut theirs) = pair();
        let log = Log::default();
        let own: Rc<RefCell<Option<WatchHandle>>> = Rc::default();
        own.replace(Some(handle.add_reader(&source, {
            let (own, log) = (Rc::clone(&own), log.clone());
            move |_| {
                log.add("once");
                assert!(own.borrow().as_ref().unwrap().cancel());
            }
        })));
        theirs.write_all(b"x").unwrap();
        turn(event_loop);
        turn(event_loop);
        assert_eq!(log.take(), ["once"]);
    });
}

#[test]
fn a_watch_that_panics_stays() {
    let (mut event_loop, handle) = support::event_loop();
    let (source, _ours, mut theirs) = pair();
    let runs = Rc::new(Cell::new(0));
    handle.set_unhandled_handler(Some(Rc::new(|_| roundel_loop::Verdict::Continue)));
    handle.add_reader(&source, {
        let runs = Rc::clone(&runs);
        move |_| {
            runs.set(runs.get() + 1);
            panic!("in a watch");
        }
    });
    theirs.write_all(b"x").unwrap();
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert_eq!(runs.get(), 2);
    assert_eq!(handle.statistics().panics, 2);
}

// spec: LPR-05
#[test]
fn a_descriptor_that_something_else_waits_on_is_refused() {
    on_each_driver(|event_loop, handle| {
        let (source, _ours, mut theirs) = pair();
        let owner = handle.attach(source.clone());
        let log = Log::default();
        let note = |name| {
            let log = log.clone();
            move |kind: Option<ErrorKind>| log.add(format!("{name}: {kind:?}"))
        };
        let owned = note("owner");
        let _receive = owner.recv(10).then(move |result| owned(result.err().map(|e| e.kind())));
        turn(event_loop);
        let watcher = note("watch");
        let watch =
            handle.add_reader(&source, move |result| watcher(result.err().map(|e| e.kind())));
        turn(event_loop);
        turn(event_loop);
        assert_eq!(log.take(), ["watch: Some(AlreadyExists)"], "and told once");
        assert!(watch.is_cancelled());
        theirs.write_all(b"x").unwrap();
        event_loop.poll_events(None).unwrap();
        event_loop.process_events().unwrap();
        event_loop.run_ready().unwrap();
        assert_eq!(log.take(), ["owner: None"], "the owner is undisturbed");
    });
}

#[test]
fn a_regular_file_is_refused_by_epoll_and_the_watch_is_told() {
    let mut event_loop = loop_on("epoll");
    let handle = event_loop.handle();
    let file = std::fs::File::open("Cargo.toml").unwrap();
    let log = Log::default();
    let watch = handle.add_reader(&Source::new(file), {
        let log = log.clone();
        move |result| log.add(format!("{:?}", result.unwrap_err().kind()))
    });
    turn(&mut event_loop);
    turn(&mut event_loop);
    assert_eq!(log.take(), ["PermissionDenied"]);
    assert!(watch.is_cancelled());
}

#[test]
fn closing_ends_watches_whose_handles_are_kept() {
    let (mut event_loop, handle) = support::event_loop();
    let (source, _ours, _theirs) = pair();
    let token = Rc::new(());
    let held = Rc::clone(&token);
    let watch = handle.add_reader(&source, move |_| drop(Rc::clone(&held)));
    event_loop.close();
    assert!(watch.is_cancelled());
    assert_eq!(Rc::strong_count(&token), 1);
    assert_eq!(event_loop.driver_statistics().sources, 0);
}
