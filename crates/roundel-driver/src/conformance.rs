//! What every driver must do, as one body run on each of them, real and simulated.
//!
//! Behind the feature `conformance`. [`run_all`] is for drivers of a real kernel; those with a world
//! of their own [`run`] the parts that their world has: [`Part::PORTABLE`] asks for nothing but
//! sockets that the driver makes, on the loopback addresses. No check sleeps to synchronise.

use crate::Driver;

mod batches;
mod cancelling;
mod datagrams;
mod descriptors;
mod files;
mod giving_back;
mod line;
mod listeners;
mod options;
mod repeating;
mod streams;
mod subject;
mod waiting;

use subject::Subject;

/// One promise, as a function that panics when it is broken.
type Check = (&'static str, fn(&mut Subject<'_>));

/// What a driver may be asked to prove, by what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// Bytes in order over TCP, on sockets that the driver makes.
    Streams,
    /// Receives that go on.
    Repeating,
    /// Listening, accepting, connecting.
    Listeners,
    /// Messages over UDP.
    Datagrams,
    /// Several of them by one operation.
    Batches,
    /// What sockets answer at once: addresses and options.
    Options,
    /// Giving operations up, and letting sources go.
    Cancelling,
    /// What had been received for operations that were given up afterwards.
    GivingBack,
    /// Files, in the system's directory for temporary ones.
    Files,
    /// Descriptors of the kernel that were made elsewhere: pipes, Unix sockets, their readiness.
    Descriptors,
    /// Being woken by other threads, and not blocking.
    Waiting,
    /// Waits by the real clock.
    RealTime,
}

impl Part {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Streams,
        Self::Repeating,
        Self::Listeners,
        Self::Datagrams,
        Self::Batches,
        Self::Options,
        Self::Cancelling,
        Self::GivingBack,
        Self::Files,
        Self::Descriptors,
        Self::Waiting,
        Self::RealTime,
    ];

    /// Those that need no kernel but sockets that the driver makes.
    pub const PORTABLE: &[Self] = &[
        Self::Streams,
        Self::Repeating,
        Self::Listeners,
        Self::Datagrams,
        Self::Batches,
        Self::Options,
        Self::Cancelling,
        Self::GivingBack,
        Self::Waiting,
    ];

    fn checks(self) -> &'static [Check] {
        match self {
            Self::Streams => streams::CHECKS,
            Self::Repeating => repeating::CHECKS,
            Self::Listeners => listeners::CHECKS,
            Self::Datagrams => datagrams::CHECKS,
            Self::Batches => batches::CHECKS,
            Self::Options => options::CHECKS,
            Self::Cancelling => cancelling::CHECKS,
            Self::GivingBack => giving_back::CHECKS,
            Self::Files => files::CHECKS,
            Self::Descriptors => descriptors::CHECKS,
            Self::Waiting => waiting::CHECKS,
            Self::RealTime => waiting::BY_THE_REAL_CLOCK,
        }
    }
}

/// Runs every check, each on a driver of its own.
///
/// # Panics
/// At the first check that fails, after naming it on standard error.
pub fn run_all(make: &dyn Fn() -> Box<dyn Driver>) {
    run(Part::ALL, make);
}

/// Runs the checks of some parts, each on a driver of its own.
///
/// # Panics
/// At the first check that fails, after naming it on standard error.
pub fn run(parts: &[Part], make: &dyn Fn() -> Box<dyn Driver>) {
    for part in parts {
        for (name, check) in part.checks() {
            let mut driver = make();
            eprintln!("{}: {part:?}: {name}", driver.name());
            check(&mut Subject::new(&mut *driver));
        }
    }
}
