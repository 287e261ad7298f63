//! A clock that moves only when told, for loops and for threads.
//!
//! A loop reads it like any clock. A thread may also sleep on it, and the test that owns the clock
//! can wait until a thread does, so that neither ever guesses how long the other takes.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    clock::{Clock, SystemClock},
    deadline::Deadline,
};

/// A clock that stands still until somebody advances it; clones share one time.
///
/// ```
/// use roundel_timer::{Clock, VirtualClock};
/// use std::{thread, time::Duration};
///
/// let hour = Duration::from_secs(3600);
/// let clock = VirtualClock::new();
/// let sleeper = thread::spawn({
///     let clock = clock.clone();
///     move || clock.sleep(hour)
/// });
///
/// clock.wait_for_sleepers(1);
/// assert_eq!(clock.next_wake(), Some(clock.now() + hour));
/// clock.advance(hour);
/// sleeper.join().unwrap();
/// assert_eq!(clock.elapsed(), hour);
/// ```
#[derive(Clone)]
pub struct VirtualClock {
    shared: Arc<Shared>,
}

struct Shared {
    start: Instant,
    state: Mutex<State>,
    /// Notified when the time or the set of sleepers has changed.
    changed: Condvar,
}

struct State {
    now: Instant,
    /// The deadlines of the threads asleep. Whoever moves the time strikes out those it reaches,
    /// so a thread that has been woken but not yet scheduled is no longer counted.
    sleepers: Vec<Deadline>,
    /// How many threads wait for a change: a notification is a system call, waited for or not.
    waiting: usize,
}

impl VirtualClock {
    /// A clock that stands at the present instant, and stays there.
    pub fn new() -> Self {
        let start = SystemClock.now();
        let state = Mutex::new(State { now: start, sleepers: Vec::new(), waiting: 0 });
        Self { shared: Arc::new(Shared { start, state, changed: Condvar::new() }) }
    }

    /// Moves the time forward by `step` and wakes the threads whose sleep ends by then.
    ///
    /// # Panics
    ///
    /// If no instant lies that far away.
    #[track_caller]
    pub fn advance(&self, step: Duration) {
        let mut state = self.state();
        // The lock is given up before a panic, so a clone of the clock stays usable.
        match state.now.checked_add(step) {
            Some(now) => self.move_to(&mut state, now),
            None => {
                drop(state);
                panic!("advancing a virtual clock by {step:?} leaves the range of instants");
            }
        }
    }

    /// Moves the time forward to `instant`; an instant already past changes nothing.
    pub fn advance_to(&self, instant: Instant) {
        let mut state = self.state();
        if instant > state.now {
            self.move_to(&mut state, instant);
        }
    }

    /// How far the time has been moved since the clock was made.
    pub fn elapsed(&self) -> Duration {
        self.now() - self.shared.start
    }

    /// Blocks the calling thread until the clock has been advanced by `delay`.
    ///
    /// A zero delay returns at once. A delay too long for an instant never ends.
    pub fn sleep(&self, delay: Duration) {
        let mut state = self.state();
        let deadline = Deadline::after(state.now, delay);
        if !state.is_past(deadline) {
            state.sleepers.push(deadline);
            self.tell(&state);
        }
        while !state.is_past(deadline) {
            state = self.wait(state);
        }
    }

    /// The number of threads asleep on this clock.
    pub fn sleepers(&self) -> usize {
        self.state().sleepers.len()
    }

    /// Blocks the calling thread until at least `count` threads sleep on this clock.
    pub fn wait_for_sleepers(&self, count: usize) {
        let mut state = self.state();
        while state.sleepers.len() < count {
            state = self.wait(state);
        }
    }

    /// The instant at which the next sleeping thread wakes; `None` if none sleeps, or if all
    /// sleep for ever.
    pub fn next_wake(&self) -> Option<Instant> {
        self.state().sleepers.iter().min()?.instant()
    }

    fn move_to(&self, state: &mut State, now: Instant) {
        state.now = now;
        state.sleepers.retain(|deadline| *deadline > Deadline::at(now));
        self.tell(state);
    }

    fn tell(&self, state: &State) {
        if state.waiting > 0 {
            self.shared.changed.notify_all();
        }
    }

    /// Nothing in here panics half way through a change, so a poisoned lock guards sound data.
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let mut state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }
}

impl State {
    fn is_past(&self, deadline: Deadline) -> bool {
        deadline <= Deadline::at(self.now)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        self.state().now
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock")
            .field("elapsed", &self.elapsed())
            .field("sleepers", &self.sleepers())
            .finish()
    }
}
