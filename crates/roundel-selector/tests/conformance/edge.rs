//! Edge-triggered readiness, where there is such a thing.
use std::io::Write;

use roundel_selector::{Events, Interest, Readiness, SelectorError, Source, Token, Trigger};

use crate::bench::{every, pair, ready_now, wait_for};

#[test]
fn an_edge_is_reported_once() {
    every(|selector| {
        if !selector.supports_edge() {
            return;
        }
        let (near, mut far) = pair();
        let source = Source::shared(near);
        selector.register(&source, Token(1), Interest::READ, Trigger::Edge).unwrap();
        assert_eq!(ready_now(selector), []);
        for _ in 0..3 {
            far.write_all(b"!").unwrap();
            wait_for(selector, 1, Readiness::READABLE);
            assert_eq!(ready_now(selector), []);
        }
    });
}

#[test]
fn each_direction_has_its_own_edge() {
    every(|selector| {
        if !selector.supports_edge() {
            return;
        }
        let (near, mut far) = pair();
        let source = Source::shared(near);
        selector.register(&source, Token(1), Interest::BOTH, Trigger::Edge).unwrap();
        wait_for(selector, 1, Readiness::WRITABLE);
        assert_eq!(ready_now(selector), []);
        far.write_all(b"!").unwrap();
        wait_for(selector, 1, Readiness::READABLE);
    });
}

#[test]
fn modifying_shows_a_pending_edge_again() {
    every(|selector| {
        if !selector.supports_edge() {
            return;
        }
        let (near, mut far) = pair();
        let source = Source::shared(near);
        selector.register(&source, Token(1), Interest::READ, Trigger::Edge).unwrap();
        far.write_all(b"!").unwrap();
        wait_for(selector, 1, Readiness::READABLE);
        selector.modify(&source, Token(2), Interest::READ, Trigger::Edge).unwrap();
        wait_for(selector, 2, Readiness::READABLE);
    });
}

#[test]
fn an_edge_left_out_of_a_full_list_is_not_lost() {
    every(|selector| {
        if !selector.supports_edge() {
            return;
        }
        let sockets: Vec<_> = (0..5).map(|_| pair()).collect();
        for (token, (near, _)) in sockets.iter().enumerate() {
            let source = Source::shared(near.clone());
            selector.register(&source, Token(token), Interest::WRITE, Trigger::Edge).unwrap();
        }
        let mut seen = Vec::new();
        let mut events = Events::with_capacity(2);
        while seen.len() < sockets.len() {
            selector.select(&mut events, None).unwrap();
            assert!(events.len() <= 2);
            seen.extend(events.iter().map(|event| event.token.0));
        }
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    });
}

#[test]
fn selectors_without_edges_say_so() {
    every(|selector| {
        if selector.supports_edge() {
            return;
        }
        let (near, _far) = pair();
        let source = Source::shared(near);
        let error = selector
            .register(&source, Token(1), Interest::READ, Trigger::Edge)
            .expect_err("no edge trigger");
        assert!(matches!(error, SelectorError::EdgeUnsupported { .. }));

        selector.register(&source, Token(1), Interest::READ, Trigger::Level).unwrap();
        let error = selector
            .modify(&source, Token(1), Interest::READ, Trigger::Edge)
            .expect_err("no edge trigger");
        assert!(matches!(error, SelectorError::EdgeUnsupported { .. }));
    });
}
