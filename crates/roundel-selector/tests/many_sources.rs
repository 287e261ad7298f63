//! A thousand sources: exactly the ready ones are reported, and all of them.
#![cfg(unix)]
use std::{
    collections::BTreeSet,
    io::{Write, pipe},
};

use roundel_selector::{Events, Interest, Readiness, Source, Token, Trigger, by_name, names};

// Alone in its process: select(2) needs every descriptor below 1024.
#[test]
fn of_a_thousand_sources_the_ready_half_is_reported() {
    let (quiet, _writer) = pipe().unwrap();
    let (loud, mut writer) = pipe().unwrap();
    writer.write_all(b"!").unwrap();
    for name in names() {
        let mut selector = by_name(name).unwrap();
        for n in 0..1000 {
            let pipe = if n % 2 == 0 { &quiet } else { &loud };
            let source = Source::new(pipe.try_clone().unwrap());
            selector.register(&source, Token(n), Interest::READ, Trigger::Level).unwrap();
        }

        // All in one list, if there is room.
        let mut events = Events::with_capacity(1000);
        selector.select(&mut events, None).unwrap();
        assert!(events.iter().all(|event| event.readiness == Readiness::READABLE));
        let ready: BTreeSet<_> = events.iter().map(|event| event.token.0).collect();
        assert_eq!(ready, (0..1000).filter(|n| n % 2 == 1).collect(), "{name}");
        assert_eq!(events.len(), 500);

        // Else each in its turn.
        let mut events = Events::with_capacity(64);
        let mut seen = BTreeSet::new();
        for _ in 0..500_usize.div_ceil(64) {
            selector.select(&mut events, None).unwrap();
            seen.extend(events.iter().map(|event| event.token.0));
        }
        assert_eq!(seen, ready, "{name}");
    }
}
