//! `Faults`: how often what goes wrong that a kernel may do to a program.

use std::time::Duration;

/// How often what goes wrong, as probabilities; all draws follow from the seed.
///
/// Everything here is what a kernel may do to a correct program at any time.
///
/// ```
/// use roundel_sim::{Faults, Network};
///
/// let network = Network::new(1);
/// network.set_faults(Faults { short_reads: 0.2, ..Faults::NONE });
/// network.set_faults(Faults::SOME);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faults {
    /// A receive from a stream brings less than is there.
    pub short_reads: f64,
    /// A send on a stream takes less than there is room for, and the rest later.
    pub short_writes: f64,
    /// A socket is reported ready that is not.
    pub spurious_readiness: f64,
    /// A call is interrupted by a signal (EINTR), once.
    pub interrupted: f64,
    /// A wake of a host comes late, by up to [`wake_delay`](Self::wake_delay).
    pub delayed_wakes: f64,
    /// How late.
    pub wake_delay: Duration,
    /// A socket or file gets the number of the one that was closed last, and not one that has been
    /// free for long.
    pub descriptor_reuse: f64,
    /// An accept fails because there are too many open files; the connection stays queued.
    pub emfile_on_accept: f64,
    /// A refused connect is told after up to a second.
    pub slow_refusals: f64,
    /// The resolver does not answer.
    pub resolver_failure: f64,
    /// A connection is reset at a packet's arrival.
    pub resets: f64,
    /// Roundel itself goes an uncommon way: an outcome is delivered a turn later, a task is polled
    /// though nobody woke it. At each such place of its code in half of the runs, so that one that
    /// is always gone cannot hide what another would show. Without the feature `buggify` there are
    /// no such places.
    pub buggify: f64,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        short_reads: 0.0,
        short_writes: 0.0,
        spurious_readiness: 0.0,
        interrupted: 0.0,
        delayed_wakes: 0.0,
        wake_delay: Duration::ZERO,
        descriptor_reuse: 0.0,
        emfile_on_accept: 0.0,
        slow_refusals: 0.0,
        resolver_failure: 0.0,
        resets: 0.0,
        buggify: 0.0,
    };

    /// Something of everything that a correct program does not notice: no reset, no failure of the
    /// resolver, no want of descriptors.
    pub const SOME: Self = Self {
        short_reads: 0.1,
        short_writes: 0.1,
        spurious_readiness: 0.05,
        interrupted: 0.05,
        delayed_wakes: 0.05,
        wake_delay: Duration::from_millis(5),
        descriptor_reuse: 0.5,
        slow_refusals: 0.2,
        buggify: 0.1,
        ..Self::NONE
    };

    /// Something of everything: a program has to expect these, and deal with them.
    pub const MANY: Self =
        Self { emfile_on_accept: 0.05, resolver_failure: 0.05, resets: 0.002, ..Self::SOME };
}

impl Default for Faults {
    fn default() -> Self {
        Self::NONE
    }
}
