//! `DriftClock`: a host's own clock, which goes a little faster or slower than the world's.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use roundel_sim::VirtualClock;
use roundel_timer::Clock;

/// Parts per billion; a clock that differs by a tenth is broken, and still counts as a clock.
const WHOLE: i128 = 1_000_000_000;

#[derive(Clone)]
pub(crate) struct DriftClock {
    world: VirtualClock,
    pace: Rc<Cell<Pace>>,
}

/// How the two times go on from a moment at which both are known.
#[derive(Clone, Copy)]
struct Pace {
    world: Instant,
    local: Instant,
    /// How much more than the world's second the host's counts, in parts per billion.
    gains: i64,
}

impl DriftClock {
    pub(crate) fn new(world: VirtualClock) -> Self {
        let now = world.now();
        Self { world, pace: Rc::new(Cell::new(Pace { world: now, local: now, gains: 0 })) }
    }

    /// From now on the clock gains so much; it does not jump.
    pub(crate) fn set_drift(&self, parts_per_million: i32) {
        let gains = i64::from(parts_per_million) * 1000;
        self.pace.set(Pace { world: self.world.now(), local: self.now(), gains });
    }

    /// When the world's clock shows that this one has reached `local`: not before.
    pub(crate) fn in_the_world(&self, local: Instant) -> Instant {
        let pace = self.pace.get();
        let ahead = local.saturating_duration_since(pace.local);
        if pace.gains == 0 {
            return pace.world + ahead;
        }
        let ahead = ahead.as_nanos() as i128;
        let rate = WHOLE + i128::from(pace.gains);
        pace.world + nanoseconds((ahead * WHOLE + rate - 1) / rate)
    }
}

impl Clock for DriftClock {
    fn now(&self) -> Instant {
        let (pace, now) = (self.pace.get(), self.world.now());
        if pace.gains == 0 {
            return pace.local + now.saturating_duration_since(pace.world);
        }
        let ahead = now.saturating_duration_since(pace.world).as_nanos() as i128;
        pace.local + nanoseconds(ahead * (WHOLE + i128::from(pace.gains)) / WHOLE)
    }
}

fn nanoseconds(count: i128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(if count < 0 { 0 } else { u64::MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_reached_at_its_time_in_the_world_and_not_before() {
        for drift in [0, 1, -1, 200, -200, 100_000, -100_000] {
            let world = VirtualClock::new();
            let clock = DriftClock::new(world.clone());
            clock.set_drift(drift);
            for wait in [1, 999, 1_000_003, 3_600_000_000_001] {
                let deadline = clock.now() + Duration::from_nanos(wait);
                let at = clock.in_the_world(deadline);
                world.advance_to(at - Duration::from_nanos(1));
                assert!(clock.now() < deadline, "{drift}: early");
                world.advance_to(at);
                assert!(clock.now() >= deadline, "{drift}: {wait} not reached");
            }
        }
    }

    #[test]
    fn a_fast_clock_counts_more() {
        let world = VirtualClock::new();
        let clock = DriftClock::new(world.clone());
        let begin = clock.now();
        clock.set_drift(100);
        world.advance(Duration::from_secs(10_000));
        assert_eq!(clock.now() - begin, Duration::from_secs(10_001));
        clock.set_drift(0);
        world.advance(Duration::from_secs(1));
        assert_eq!(clock.now() - begin, Duration::from_secs(10_002), "no jump");
    }
}
