//! The conformance body on the readiness driver, over every selector that runs here.

use roundel_driver::{Driver, SelectorDriver, conformance};

fn check(selector: &str) {
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
