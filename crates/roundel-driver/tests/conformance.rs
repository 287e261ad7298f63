//! The conformance body on the readiness driver, over every selector that runs here.

use std::sync::{Mutex, PoisonError};

use roundel_driver::{Driver, SelectorDriver, conformance};

/// The descriptors below select's limit are few, and all tests of this process share them.
static DESCRIPTORS: Mutex<()> = Mutex::new(());

fn check(selector: &str) {
    let _all_of_them = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
    conformance::run_all(&|| -> Box<dyn Driver> {
        Box::new(SelectorDriver::by_name(selector).unwrap())
    });
}

#[test]
fn epoll() {
    check("epoll");
}

#[test]
fn poll() {
    check("poll");
}

#[test]
fn select() {
    check("select");
}

#[test]
fn polling() {
    check("polling");
}
