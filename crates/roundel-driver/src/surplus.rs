//! `Surplus`: how much of a stock nobody has needed for a while.

/// Looks between one answer and the next: many more than a burst of work takes.
const WINDOW: u16 = 256;

/// Watches how low a stock falls. What never left it can be given up, and half of that is: a stock follows
/// what is needed at once, up at once and down in steps.
///
/// ```
/// use roundel_driver::Surplus;
///
/// let mut surplus = Surplus::default();
/// let told = (0..256).map(|nth| surplus.note(if nth == 7 { 10 } else { 50 }));
/// assert_eq!(told.sum::<usize>(), 5);
/// ```
#[derive(Debug)]
pub struct Surplus {
    least: usize,
    looks: u16,
}

impl Default for Surplus {
    fn default() -> Self {
        Self { least: usize::MAX, looks: 0 }
    }
}

impl Surplus {
    /// Notes how much is left where somebody has just taken of it; tells how much can go, which is
    /// nothing most of the time.
    #[inline]
    pub fn note(&mut self, left: usize) -> usize {
        self.least = self.least.min(left);
        self.looks += 1;
        if self.looks < WINDOW {
            return 0;
        }
        let unneeded = self.least;
        *self = Self::default();
        unneeded / 2
    }
}
