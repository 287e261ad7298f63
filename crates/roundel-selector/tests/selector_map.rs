//! The face of Python's `selectors`, on every selector and on a scripted one.
#![cfg(unix)]
use std::{
    cell::RefCell,
    fs::File,
    io::{Read, Write, pipe},
    os::{
        fd::{AsFd, AsRawFd},
        unix::net::UnixStream,
    },
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use roundel_selector::{
    Events, Interest, Notifier, Notify, Readiness, Selector, SelectorError, SelectorMap, Source,
    Token, Trigger, by_name, names,
};

fn every(check: impl Fn(SelectorMap<&'static str, Box<dyn Selector + Send>>)) {
    for name in names() {
        eprintln!("selector: {name}");
        check(SelectorMap::with_selector(by_name(name).unwrap()));
    }
}

fn pair() -> (Arc<UnixStream>, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    (Arc::new(near), far)
}

// spec: SEL-02
#[test]
fn register_modify_and_unregister_answer_with_the_key() {
    every(|mut map| {
        let (near, _far) = pair();
        let source = Source::shared(near.clone());
        let key = map.register(source, Interest::READ, "a").unwrap();
        assert_eq!(key.source().as_fd().as_raw_fd(), near.as_raw_fd());
        assert_eq!(key.as_fd().as_raw_fd(), near.as_raw_fd());
        assert_eq!((key.interest(), *key.data()), (Interest::READ, "a"));

        let key = map.modify(&near, Interest::BOTH, "b").unwrap();
        assert_eq!((key.interest(), *key.data()), (Interest::BOTH, "b"));

        let key = map.unregister(&near).unwrap();
        assert_eq!((key.interest(), key.into_data()), (Interest::BOTH, "b"));
    });
}

// spec: SEL-05, SEL-08, SEL-12
#[test]
fn refusals_leave_the_map_as_it_was() {
    every(|mut map| {
        let (near, _far) = pair();
        let source = Source::shared(near.clone());
        let unknown = |error| matches!(error, Err(SelectorError::NotRegistered { .. }));
        assert!(unknown(map.unregister(&near).map(drop)));
        assert!(unknown(map.modify(&near, Interest::READ, "a").map(drop)));

        map.register(source.clone(), Interest::READ, "a").unwrap();
        let again = map.register(source, Interest::WRITE, "b").map(drop);
        assert!(matches!(again, Err(SelectorError::AlreadyRegistered { .. })));
        assert_eq!(map.get(&near).map(|key| *key.data()), Some("a"));

        map.unregister(&near).unwrap();
        assert!(unknown(map.unregister(&near).map(drop)));
    });
}

// spec: SEL-06, SEL-07
#[test]
fn a_refused_file_is_not_in_the_map() {
    every(|mut map| {
        let file = Arc::new(File::open(env!("CARGO_MANIFEST_PATH")).unwrap());
        match map.register(Source::shared(file.clone()), Interest::READ, "file").map(drop) {
            Ok(()) => assert!(["poll", "select"].contains(&map.selector().name())),
            Err(error) => {
                assert!(matches!(error, SelectorError::Unwatchable { .. }));
                assert!(map.is_empty() && map.get(&file).is_none());
            }
        }
    });
}

// spec: SEL-16, SEL-18
#[test]
fn what_is_ready_is_a_part_of_what_was_asked() {
    every(|mut map| {
        let (both, mut far) = pair();
        far.write_all(b"!").unwrap();
        map.register(Source::shared(both), Interest::BOTH, "both").unwrap();
        let (reader, writer) = pipe().unwrap();
        map.register(Source::new(reader), Interest::READ, "hung up").unwrap();
        drop(writer);
        let (reader, writer) = pipe().unwrap();
        map.register(Source::new(writer), Interest::WRITE, "broken").unwrap();
        drop(reader);
        let (quiet, _far) = pair();
        map.register(Source::shared(quiet), Interest::READ, "quiet").unwrap();

        let ready = map.select(None).unwrap();
        let mut ready: Vec<_> = ready.iter().map(|(key, ready)| (*key.data(), *ready)).collect();
        ready.sort_by_key(|(data, _)| *data);
        assert_eq!(
            ready,
            [
                ("both", Readiness::READABLE.with(Readiness::WRITABLE)),
                ("broken", Readiness::WRITABLE),
                ("hung up", Readiness::READABLE),
            ]
        );
    });
}

// spec: SEL-20
#[test]
fn the_list_has_room_for_all_that_are_registered() {
    every(|mut map| {
        let mut far_ends = Vec::new();
        for _ in 0..40 {
            let (near, far) = pair();
            far_ends.push(far);
            map.register(Source::shared(near), Interest::WRITE, "").unwrap();
        }
        assert_eq!(map.select(None).unwrap().len(), 40);
    });
}

// spec: SEL-26, SEL-27
#[test]
fn the_map_is_live() {
    every(|mut map| {
        let (near, _far) = pair();
        let (other, _far) = pair();
        assert_eq!((map.len(), map.is_empty(), map.iter().count()), (0, true, 0));
        assert!(map.get(&near).is_none());

        map.register(Source::shared(near.clone()), Interest::READ, "near").unwrap();
        assert_eq!((map.len(), map.is_empty()), (1, false));
        // By the object, by the descriptor, by another source of it.
        for key in [map.get(&near), map.get(&near.as_fd()), map.get(&Source::shared(near.clone()))]
        {
            assert_eq!(key.map(|key| *key.data()), Some("near"));
        }
        assert!(map.get(&other).is_none());
        let descriptors: Vec<_> = map.iter().map(|key| key.as_fd().as_raw_fd()).collect();
        assert_eq!(descriptors, [near.as_raw_fd()]);

        *map.get_mut(&near).unwrap() = "changed";
        assert_eq!(map.get(&near).map(|key| *key.data()), Some("changed"));

        map.unregister(&near).unwrap();
        assert!(map.is_empty() && map.get(&near).is_none());
    });
}

// spec: SEL-28
#[test]
fn a_dropped_map_lets_go_of_its_sources() {
    every(|mut map| {
        let (near, mut far) = pair();
        map.register(Source::shared(near), Interest::READ, "").unwrap();
        drop(map);
        assert_eq!(far.read(&mut [0; 1]).unwrap(), 0);
    });
}

#[test]
fn a_closed_map_gives_the_keys_back() {
    every(|mut map| {
        let (near, _far) = pair();
        map.register(Source::shared(near), Interest::READ, "near").unwrap();
        let keys = map.close();
        assert_eq!(keys.len(), 1);
        assert_eq!(*keys[0].data(), "near");
    });
}

#[test]
fn a_notification_ends_the_wait_with_an_empty_list() {
    every(|mut map| {
        map.notifier().notify();
        assert!(map.select(None).unwrap().is_empty());
    });
}

/// Records its calls, reports what it is told to, and refuses `modify` on request.
#[derive(Debug, Default)]
struct Scripted {
    calls: Rc<RefCell<Vec<&'static str>>>,
    events: Vec<(Token, Readiness)>,
    refuses: bool,
}

impl Selector for Scripted {
    fn register(
        &mut self,
        _: &Source,
        _: Token,
        _: Interest,
        _: Trigger,
    ) -> Result<(), SelectorError> {
        self.calls.borrow_mut().push("register");
        Ok(())
    }

    fn modify(
        &mut self,
        _: &Source,
        _: Token,
        _: Interest,
        _: Trigger,
    ) -> Result<(), SelectorError> {
        self.calls.borrow_mut().push("modify");
        match self.refuses {
            false => Ok(()),
            true => Err(SelectorError::Os {
                action: "modifying source",
                source: std::io::ErrorKind::OutOfMemory.into(),
            }),
        }
    }

    fn unregister(&mut self, _: &Source) -> Result<(), SelectorError> {
        self.calls.borrow_mut().push("unregister");
        Ok(())
    }

    fn select(&mut self, events: &mut Events, _: Option<Duration>) -> Result<(), SelectorError> {
        events.clear();
        self.events.iter().for_each(|&(token, readiness)| events.push(token, readiness));
        Ok(())
    }

    fn notifier(&self) -> Notifier {
        #[derive(Debug)]
        struct Deaf;
        impl Notify for Deaf {
            fn notify(&self) {}
        }
        Notifier::new(Arc::new(Deaf))
    }

    fn name(&self) -> &'static str {
        "scripted"
    }
}

// spec: SEL-11, SEL-14
#[test]
fn only_a_change_of_interest_reaches_the_selector_and_in_one_call() {
    let calls = Rc::default();
    let scripted = Scripted { calls: Rc::clone(&calls), ..Scripted::default() };
    let mut map = SelectorMap::with_selector(scripted);
    let (near, _far) = pair();
    map.register(Source::shared(near.clone()), Interest::READ, "a").unwrap();
    map.modify(&near, Interest::READ, "a").unwrap();
    map.modify(&near, Interest::READ, "b").unwrap();
    assert_eq!(*calls.borrow(), ["register"]);
    map.modify(&near, Interest::BOTH, "b").unwrap();
    assert_eq!(*calls.borrow(), ["register", "modify"]);
}

// spec: SEL-13
#[test]
fn a_failed_modify_unregisters() {
    let mut map = SelectorMap::with_selector(Scripted { refuses: true, ..Scripted::default() });
    let (near, _far) = pair();
    map.register(Source::shared(near.clone()), Interest::READ, "a").unwrap();
    let modified = map.modify(&near, Interest::BOTH, "b").map(drop);
    assert!(matches!(modified, Err(SelectorError::Os { .. })));
    assert!(map.is_empty());
}

// spec: SEL-23
#[test]
fn an_event_for_nobody_is_dropped() {
    let events = vec![(Token(1 << 20), Readiness::READABLE)];
    let mut map = SelectorMap::<(), _>::with_selector(Scripted { events, ..Scripted::default() });
    assert!(map.select(None).unwrap().is_empty());
}

// spec: SEL-16
#[test]
fn an_event_without_anything_asked_for_is_dropped() {
    let (near, _far) = pair();
    let token = Token(near.as_raw_fd() as usize);
    let events = vec![(token, Readiness::WRITABLE.with(Readiness::ERROR))];
    let mut map = SelectorMap::with_selector(Scripted { events, ..Scripted::default() });
    map.register(Source::shared(near), Interest::READ, ()).unwrap();
    assert!(map.select(None).unwrap().is_empty());
}
