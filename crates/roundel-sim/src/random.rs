//! `Random`: numbers that follow from a seed, the same on every machine and in every release.

use std::{ops::Range, time::Duration};

/// A generator of numbers that follow from its seed alone.
///
/// Not for secrets. [`split`](Self::split) gives each purpose a generator of its own, so that one
/// more draw in one place leaves all others as they were. The numbers are those of SplitMix64.
///
/// ```
/// use roundel_sim::Random;
///
/// let mut one = Random::new(7);
/// let mut two = Random::new(7);
/// assert_eq!(one.number(), two.number());
/// let ports = one.split("ports").number();
/// two.number();
/// assert_eq!(two.split("ports").number(), ports, "draws do not move what is split off");
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// The generator of this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, state: mixed(seed) }
    }

    /// A generator for one purpose. It depends on the seed and the purpose, on no draw.
    #[must_use]
    pub fn split(&self, purpose: &str) -> Self {
        let tag = purpose.bytes().fold(self.seed, |tag, byte| mixed(tag ^ u64::from(byte)));
        Self::new(tag)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mixed(self.state)
    }

    /// A number below `bound`; 0 if there is none.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The upper half of a product: as even as the bound is small, and without a division.
        ((u128::from(self.number()) * u128::from(bound)) >> 64) as u64
    }

    /// A number of the range.
    ///
    /// # Panics
    /// If the range is empty.
    #[track_caller]
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        assert!(range.start < range.end, "a draw from an empty range");
        range.start + self.below(range.end - range.start)
    }

    /// A place in a list of `len`.
    ///
    /// # Panics
    /// If the list is empty.
    #[track_caller]
    pub fn index(&mut self, len: usize) -> usize {
        self.within(0..len as u64) as usize
    }

    /// True with this probability. Draws nothing if there is no doubt.
    pub fn chance(&mut self, probability: f64) -> bool {
        // 53 bits are what the mantissa holds.
        probability > 0.0 && ((self.number() >> 11) as f64 / (1_u64 << 53) as f64) < probability
    }

    /// A time up to `longest`.
    pub fn time(&mut self, longest: Duration) -> Duration {
        match u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX) {
            0 => Duration::ZERO,
            longest => Duration::from_nanos(self.below(longest.saturating_add(1))),
        }
    }

    /// Puts the items into any order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finalizer: every bit of the input moves half of the output's.
pub(crate) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeds are printed and replayed elsewhere: the numbers may never change.
    #[test]
    fn the_numbers_are_fixed() {
        let mut random = Random::new(42);
        let drawn = [random.number(), random.number(), random.below(100), random.within(10..20)];
        assert_eq!(drawn, [0x989b_3f13_0a06_3869, 0x290d_b4bf_2570_ded7, 16, 10]);
    }

    #[test]
    fn a_chance_is_about_as_likely_as_it_says() {
        let mut random = Random::new(1);
        let hits = (0..10_000).filter(|_| random.chance(0.25)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!random.chance(0.0) && random.chance(1.0));
    }

    #[test]
    fn a_shuffle_loses_nothing() {
        let mut items: Vec<u32> = (0..100).collect();
        Random::new(3).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
