//! Random programs of timers, run side by side on the queue and on a sorted vector.

use roundel_timer::{Deadline, TimerKey, TimerQueue};
use std::time::{Duration, Instant};

/// xorshift64: reproducible from the seed that a failure prints.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0) * u128::from(limit)) >> 64) as u64
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Timer {
    deadline: Deadline,
    key: TimerKey,
    value: u64,
}

struct Model {
    random: Random,
    timers: TimerQueue<u64>,
    start: Instant,
    now: Instant,
    /// Deadlines lie within this many nanoseconds; a small span makes many equal ones.
    span: u64,
    /// In the order in which they must become due.
    waiting: Vec<Timer>,
    /// In the order in which they became due.
    due: Vec<Timer>,
    gone: Vec<TimerKey>,
    next_value: u64,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let start = Instant::now();
        let span = [1, 10, 1000, 1_000_000, 1_000_000_000, 1 << 50][random.below(6) as usize];
        Self {
            random,
            timers: TimerQueue::new(),
            start,
            now: start,
            span,
            waiting: Vec::new(),
            due: Vec::new(),
            gone: Vec::new(),
            next_value: 0,
        }
    }

    fn any(&mut self, length: usize) -> Option<usize> {
        (length > 0).then(|| self.random.below(length as u64) as usize)
    }

    fn any_deadline(&mut self) -> Deadline {
        let delay = Duration::from_nanos(self.random.below(self.span));
        match self.random.below(20) {
            0 => Deadline::NEVER,
            1 => Deadline::at(self.start - delay.min(Duration::from_millis(10))),
            2..=4 => Deadline::at(self.start + delay),
            // Some far from the rest, so that a digit does not spread them evenly.
            5 => Deadline::after(self.now, delay * 2),
            _ => Deadline::after(self.now, delay),
        }
    }

    fn line_up(&mut self, timer: Timer) {
        let place = self.waiting.partition_point(|other| other.deadline <= timer.deadline);
        self.waiting.insert(place, timer);
    }

    fn is_due(&self) -> bool {
        self.waiting.first().is_some_and(|timer| timer.deadline <= Deadline::at(self.now))
    }

    fn insert(&mut self) {
        let (deadline, value) = (self.any_deadline(), self.next_value);
        self.next_value += 1;
        let key = self.timers.insert(deadline, value);
        self.line_up(Timer { deadline, key, value });
    }

    fn cancel(&mut self) {
        let Some(index) = self.any(self.waiting.len()) else { return };
        let timer = self.waiting.remove(index);
        assert_eq!(self.timers.cancel(timer.key), Some(timer.value));
        self.gone.push(timer.key);
    }

    fn reset(&mut self) {
        let Some(index) = self.any(self.waiting.len()) else { return };
        let timer = self.waiting.remove(index);
        let deadline = self.any_deadline();
        assert!(self.timers.reset(timer.key, deadline));
        self.line_up(Timer { deadline, ..timer });
    }

    fn next_due(&mut self) {
        let expected = self.is_due().then(|| self.waiting.remove(0));
        assert_eq!(self.timers.next_due(self.now), expected.map(|timer| timer.key));
        self.due.extend(expected);
    }

    fn pop_due(&mut self) {
        let expected = self.is_due().then(|| self.waiting.remove(0));
        assert_eq!(self.timers.pop_due(self.now), expected.map(|timer| timer.value));
        self.gone.extend(expected.map(|timer| timer.key));
    }

    fn finish_due(&mut self) {
        let Some(index) = self.any(self.due.len()) else { return };
        let timer = self.due.remove(index);
        assert!(!self.timers.reset(timer.key, self.now));
        let value = match self.random.below(2) {
            0 => self.timers.take(timer.key),
            _ => self.timers.cancel(timer.key),
        };
        assert_eq!(value, Some(timer.value));
        self.gone.push(timer.key);
    }

    fn look_up(&mut self) {
        if let Some(index) = self.any(self.waiting.len()) {
            let timer = self.waiting[index];
            assert_eq!(self.timers.get(timer.key), Some(&timer.value));
            assert_eq!(self.timers.deadline(timer.key), Some(timer.deadline));
            assert_eq!(self.timers.take(timer.key), None);
        }
        if let Some(index) = self.any(self.gone.len()) {
            let key = self.gone[index];
            assert_eq!(self.timers.get(key), None);
            assert_eq!(self.timers.cancel(key), None);
            assert!(!self.timers.reset(key, self.now));
        }
    }

    fn next_deadline(&mut self) {
        let earliest = self.waiting.first().and_then(|timer| timer.deadline.instant());
        assert_eq!(self.timers.next_deadline(), earliest);
    }

    fn move_time(&mut self) {
        let step = Duration::from_nanos(self.random.below(self.span / 4 + 2));
        match self.random.below(20) {
            0 => self.now = (self.now - step.min(Duration::from_millis(10))).max(self.start),
            _ => self.now += step,
        }
    }

    fn drain(&mut self) {
        // Those already due line up before their equals that still wait; the sort is stable.
        let mut expected: Vec<_> = self.due.drain(..).chain(self.waiting.drain(..)).collect();
        expected.sort_by_key(|timer| timer.deadline);
        assert!(self.timers.drain().eq(expected.iter().map(|timer| timer.value)));
        self.gone.extend(expected.iter().map(|timer| timer.key));
    }

    /// `growth` in a hundred steps insert; the others do everything else.
    fn step(&mut self, growth: u64) {
        if self.random.below(100) < growth {
            return self.insert();
        }
        match self.random.below(1000) {
            0..250 => self.cancel(),
            250..400 => self.reset(),
            400..500 => self.next_due(),
            500..650 => self.pop_due(),
            650..750 => self.finish_due(),
            750..850 => self.look_up(),
            850..920 => self.next_deadline(),
            920..998 => self.move_time(),
            _ => self.drain(),
        }
        assert_eq!(self.timers.len(), self.waiting.len());
        assert_eq!(self.timers.is_empty(), self.waiting.is_empty());
        let statistics = self.timers.statistics();
        assert_eq!((statistics.waiting, statistics.due), (self.waiting.len(), self.due.len()));
        assert!(statistics.cancelled <= statistics.waiting.max(64), "{statistics:?}");
    }
}

fn check(seeds: std::ops::Range<u64>, phases: u64, phase_steps: u64) {
    for seed in seeds {
        let run = || {
            let mut model = Model::new(seed);
            for _ in 0..phases {
                let growth = [10, 30, 50, 70, 95][model.random.below(5) as usize];
                (0..phase_steps).for_each(|_| model.step(growth));
            }
            model.drain();
        };
        let outcome = std::panic::catch_unwind(run);
        assert!(outcome.is_ok(), "seed {seed}, {phases} phases of {phase_steps} steps");
    }
}

#[test]
fn small_queues_agree_with_the_model() {
    check(0..3000, 5, 60);
}

#[test]
fn queues_of_hundreds_agree_with_the_model() {
    check(10_000..10_150, 6, 700);
}

#[test]
fn queues_of_thousands_agree_with_the_model() {
    check(20_000..20_008, 8, 5000);
}
