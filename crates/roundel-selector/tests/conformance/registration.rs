//! Registering, modifying, unregistering, and what is refused.
use std::{
    fs::File,
    io::{Read, Write},
    os::fd::AsRawFd,
    sync::Arc,
};

use roundel_selector::{
    Interest, Readiness, Selector, SelectorError, Source, Token, Trigger, by_name, names,
};

use crate::bench::{dup_from, every, pair, ready_now, wait_for, watch};

// spec: SEL-05
#[test]
fn a_descriptor_is_registered_once() {
    every(|selector| {
        let (near, _far) = pair();
        let first = watch(selector, &near, 1, Interest::READ);
        for again in [first.clone(), Source::shared(near.clone())] {
            let error = selector
                .register(&again, Token(2), Interest::WRITE, Trigger::Level)
                .expect_err("registered twice");
            assert!(matches!(error, SelectorError::AlreadyRegistered { descriptor }
                if descriptor == near.as_raw_fd()));
        }
        // The first registration is untouched.
        assert_eq!(ready_now(selector), []);
        selector.unregister(&first).unwrap();
    });
}

// spec: SEL-06, SEL-07
#[test]
fn a_regular_file_is_refused_and_not_kept() {
    every(|selector| {
        let file = Source::new(File::open(env!("CARGO_MANIFEST_PATH")).unwrap());
        let kernel_refuses = !["poll", "select"].contains(&selector.name());
        for _ in 0..2 {
            if kernel_refuses {
                let error = selector
                    .register(&file, Token(1), Interest::READ, Trigger::Level)
                    .expect_err("never blocks");
                assert!(matches!(error, SelectorError::Unwatchable { .. }), "{error:?}");
                let error = selector.unregister(&file).expect_err("not kept");
                assert!(matches!(error, SelectorError::NotRegistered { .. }));
            } else {
                // poll and select find it always ready.
                selector.register(&file, Token(1), Interest::READ, Trigger::Level).unwrap();
                wait_for(selector, 1, Readiness::READABLE);
                selector.unregister(&file).unwrap();
            }
        }
    });
}

// spec: SEL-08, SEL-12
#[test]
fn an_unknown_source_is_neither_modified_nor_unregistered() {
    every(|selector| {
        let (near, _far) = pair();
        let source = Source::shared(near.clone());
        let check_unknown = |selector: &mut dyn Selector| {
            let descriptor = near.as_raw_fd();
            for result in [
                selector.unregister(&source),
                selector.modify(&source, Token(1), Interest::READ, Trigger::Level),
            ] {
                assert!(matches!(result, Err(SelectorError::NotRegistered { descriptor: d, .. })
                    if d == descriptor));
            }
        };
        check_unknown(selector);
        selector.register(&source, Token(1), Interest::READ, Trigger::Level).unwrap();
        selector.unregister(&source).unwrap();
        check_unknown(selector);
    });
}

#[test]
fn modifying_changes_interest_and_token() {
    every(|selector| {
        let (near, mut far) = pair();
        let source = watch(selector, &near, 1, Interest::READ);
        far.write_all(b"!").unwrap();
        wait_for(selector, 1, Readiness::READABLE);

        selector.modify(&source, Token(2), Interest::WRITE, Trigger::Level).unwrap();
        let events = ready_now(selector);
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].token, events[0].readiness), (Token(2), Readiness::WRITABLE));
    });
}

// spec: SEL-23
#[test]
fn an_unregistered_source_is_silent() {
    every(|selector| {
        let (near, _far) = pair();
        let source = watch(selector, &near, 1, Interest::WRITE);
        wait_for(selector, 1, Readiness::WRITABLE);
        selector.unregister(&source).unwrap();
        assert_eq!(ready_now(selector), []);
    });
}

#[test]
fn a_registration_keeps_its_source_open() {
    for name in names() {
        let mut selector = by_name(name).unwrap();
        let (near, mut far) = pair();
        drop(watch(&mut selector, &near, 1, Interest::READ));
        drop(near);
        far.write_all(b"!").unwrap();
        wait_for(&mut selector, 1, Readiness::READABLE);

        // The last to hold it goes. The byte was not read, so this may arrive as a reset.
        drop(selector);
        assert!(!matches!(far.read(&mut [0; 1]), Ok(n) if n > 0));
    }
}

#[test]
fn a_reused_number_is_a_new_source() {
    every(|selector| {
        let (old, mut old_far) = pair();
        let (new, mut new_far) = pair();

        let first = Arc::new(dup_from(&old, 900));
        let number = first.as_raw_fd();
        let source = Source::shared(first);
        selector.register(&source, Token(1), Interest::READ, Trigger::Level).unwrap();
        selector.unregister(&source).unwrap();
        drop(source);

        let second = dup_from(&new, number);
        assert_eq!(second.as_raw_fd(), number);
        selector.register(&Source::new(second), Token(2), Interest::READ, Trigger::Level).unwrap();
        old_far.write_all(b"!").unwrap();
        new_far.write_all(b"!").unwrap();
        wait_for(selector, 2, Readiness::READABLE);
        assert_eq!(ready_now(selector).len(), 1);
    });
}
