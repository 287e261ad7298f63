//! The conformance body of drivers, on a simulated host: all of it but two parts. `Descriptors` are
//! the real kernel's, whose operations a simulated host refuses, and `RealTime` passes for nobody
//! here.

use std::cell::Cell;

use roundel_driver::{
    Driver,
    conformance::{Part, run},
};
use roundel_sim::{Faults, Network};

/// Each check has a network of its own.
fn check(faults: Faults) {
    let seed = Cell::new(0);
    run(Part::PORTABLE, &|| -> Box<dyn Driver> {
        seed.set(seed.get() + 1);
        let network = Network::new(seed.get());
        network.set_faults(faults);
        let host = network.add_host("here");
        Box::new(network.driver(host))
    });
}

#[test]
fn a_simulated_host_does_what_every_driver_does() {
    check(Faults::NONE);
}

#[test]
fn interrupted_calls_and_spurious_news_change_nothing() {
    check(Faults { interrupted: 0.3, spurious_readiness: 0.3, ..Faults::NONE });
}

/// A disk without directories, but a disk.
#[test]
fn a_simulated_disk_does_what_every_drivers_does() {
    run(&[Part::Files], &|| -> Box<dyn Driver> {
        let network = Network::new(1);
        let host = network.add_host("here");
        Box::new(network.driver(host))
    });
}
