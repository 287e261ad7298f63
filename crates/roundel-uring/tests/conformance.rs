//! The conformance body of every driver, on io_uring.
#![cfg(target_os = "linux")]

use roundel_driver::{Driver, conformance};
use roundel_uring::{UringConfig, UringDriver, probe};

fn check(config: UringConfig) {
    if let Err(reason) = probe() {
        eprintln!("not run: {reason}");
        return;
    }
    conformance::run_all(&|| -> Box<dyn Driver> {
        Box::new(UringDriver::with_config(config).unwrap())
    });
}

#[test]
fn of_the_usual_size() {
    check(UringConfig::default());
}

/// Queues that are full all the time change nothing.
#[test]
fn as_small_as_can_be() {
    check(UringConfig { submissions: 2, completions: 4 });
}
