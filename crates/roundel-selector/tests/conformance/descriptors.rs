//! Descriptors: high ones, ones closed behind the selector's back, and the selector's own.
use std::os::fd::{AsRawFd, OwnedFd};

use nix::unistd::close;
use roundel_selector::{
    EpollSelector, Interest, PollSelector, Readiness, Selector, SelectorError, Source, Token,
    Trigger,
};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::bench::{dup_from, every, pair, ready_now, wait_for, watch};

// spec: SEL-31
#[test]
fn all_but_select_take_descriptors_above_its_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    every(|selector| {
        let (near, _far) = pair();
        let source = Source::new(dup_from(&near, 1024));
        let registered = selector.register(&source, Token(1), Interest::WRITE, Trigger::Level);
        if selector.name() == "select" {
            assert!(matches!(
                registered,
                Err(SelectorError::DescriptorTooLarge { descriptor: 1024.., limit: 1024 })
            ));
            assert_eq!(ready_now(selector), []);
        } else {
            registered.unwrap();
            wait_for(selector, 1, Readiness::WRITABLE);
        }
    });
}

/// A registered source whose descriptor somebody closes who does not own it, and its number.
fn closed_behind(selector: &mut dyn Selector, least: i32) -> (Source, i32) {
    let (near, _far) = pair();
    let descriptor = dup_from(&near, least);
    let number = descriptor.as_raw_fd();
    // Whoever gets the number next must not lose it to this owner: it is never dropped.
    let owner: &'static OwnedFd = Box::leak(Box::new(descriptor));
    let source = Source::new(owner);
    selector.register(&source, Token(1), Interest::READ, Trigger::Level).unwrap();
    close(number).unwrap();
    (source, number)
}

// spec: SEL-09
#[test]
fn a_descriptor_closed_behind_our_back_can_be_unregistered() {
    every(|selector| {
        let (source, _) = closed_behind(selector, 600);
        selector.unregister(&source).unwrap();
        assert_eq!(ready_now(selector), []);
    });
}

// spec: SEL-09
#[test]
fn a_descriptor_closed_and_reused_can_be_unregistered() {
    every(|selector| {
        let (source, number) = closed_behind(selector, 700);
        let (near, _far) = pair();
        let reused = dup_from(&near, number);
        assert_eq!(reused.as_raw_fd(), number);
        selector.unregister(&source).unwrap();

        let source = Source::new(reused);
        selector.register(&source, Token(2), Interest::WRITE, Trigger::Level).unwrap();
        wait_for(selector, 2, Readiness::WRITABLE);
    });
}

// spec: SEL-13
#[test]
fn a_source_the_kernel_will_not_modify_is_unregistered() {
    every(|selector| {
        let (source, _) = closed_behind(selector, 800);
        let modified = selector.modify(&source, Token(1), Interest::WRITE, Trigger::Level);
        if ["poll", "select"].contains(&selector.name()) {
            // Nothing to ask the kernel: the change waits for the next call.
            modified.unwrap();
            selector.unregister(&source).unwrap();
        } else {
            assert!(matches!(modified, Err(SelectorError::Os { action: "modifying source", .. })));
            assert!(matches!(
                selector.unregister(&source),
                Err(SelectorError::NotRegistered { .. })
            ));
        }
    });
}

// spec: SEL-29
#[test]
fn selectors_with_a_descriptor_of_their_own_show_it() {
    every(|selector| {
        let shown = selector.descriptor().is_some();
        assert_eq!(shown, !["poll", "select"].contains(&selector.name()));
    });
}

#[test]
fn a_foreign_loop_can_wait_on_a_selector() {
    let mut inner = EpollSelector::new().unwrap();
    let mut outer = PollSelector::new().unwrap();
    let descriptor = inner.descriptor().unwrap().try_clone_to_owned().unwrap();
    outer.register(&Source::new(descriptor), Token(9), Interest::READ, Trigger::Level).unwrap();
    assert_eq!(ready_now(&mut outer), []);

    // Readable for an event, until that is gone.
    let (near, _far) = pair();
    let source = watch(&mut inner, &near, 1, Interest::WRITE);
    wait_for(&mut outer, 9, Readiness::READABLE);
    wait_for(&mut inner, 1, Readiness::WRITABLE);
    inner.unregister(&source).unwrap();
    assert_eq!(ready_now(&mut outer), []);

    // Readable for a notification, until that is taken.
    inner.notifier().notify();
    wait_for(&mut outer, 9, Readiness::READABLE);
    assert_eq!(ready_now(&mut inner), []);
    assert_eq!(ready_now(&mut outer), []);
}
