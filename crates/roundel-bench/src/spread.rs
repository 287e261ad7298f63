//! `Spread`: what the rounds say together.

/// Median, least and greatest of some rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Half of the rounds lie on either side.
    pub median: f64,
    /// The best round of a cost.
    pub min: f64,
    /// The worst round of a cost.
    pub max: f64,
}

impl Spread {
    /// Of at least one sample.
    ///
    /// # Panics
    /// Without samples.
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self { median: quantile(&sorted, 0.5), min: sorted[0], max: sorted[sorted.len() - 1] }
    }
}

/// The sample below which `part` of the sorted samples lie; between two, their mean by distance.
///
/// # Panics
/// Without samples.
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let at = (sorted.len() - 1) as f64 * part;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::{Spread, quantile};

    #[test]
    fn the_median_stands_in_the_middle() {
        let spread = Spread::of([5.0, 1.0, 2.0]);
        assert_eq!(spread, Spread { median: 2.0, min: 1.0, max: 5.0 });
        assert_eq!(Spread::of([1.0, 2.0]).median, 1.5);
    }

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        let sorted: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&sorted, 0.99), 99.0);
        assert_eq!(quantile(&[1.0, 3.0], 0.25), 1.5);
    }
}
