//! `LoopStatistics`: what a loop has done, as a plain record.

use std::{cell::Cell, time::Duration};

/// Counters of a loop since its creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoopStatistics {
    /// Turns: passes of wait, collect, run.
    pub turns: u64,
    /// Turns that called the driver's wait; the others had nothing to hear from it.
    pub waits: u64,
    /// Call-backs that began to run, of every kind.
    pub call_backs: u64,
    /// Timers that became due.
    pub timers: u64,
    /// Operations whose outcome came by a wait.
    pub completions: u64,
    /// Call-backs taken from other threads.
    pub remote_calls: u64,
    /// Call-backs that panicked.
    pub panics: u64,
    /// Stalls reported.
    pub stalls: u64,
    /// The longest that the loop ran call-backs between two looks at the clock: a turn, or a part
    /// of 32 call-backs of a long one. Counted while the stall watch is on.
    pub longest_turn: Duration,
    /// The longest stall.
    pub longest_stall: Duration,
    /// Call-backs in the ready queue now.
    pub ready: usize,
    /// Timers waiting now.
    pub pending_timers: usize,
    /// Why the loop stands on another driver than the one that was wanted first, if it does.
    pub fallback: Option<&'static str>,
}

/// The live counters; a cell each, so that counting touches one word.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) turns: Counter,
    pub(crate) waits: Counter,
    pub(crate) call_backs: Counter,
    pub(crate) timers: Counter,
    pub(crate) completions: Counter,
    pub(crate) remote_calls: Counter,
    pub(crate) panics: Counter,
    pub(crate) stalls: Counter,
    pub(crate) longest_stall: Cell<Duration>,
}

#[derive(Default)]
pub(crate) struct Counter(Cell<u64>);

impl Counter {
    #[inline]
    pub(crate) fn add(&self, n: usize) {
        self.0.set(self.0.get() + n as u64);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.get()
    }
}
