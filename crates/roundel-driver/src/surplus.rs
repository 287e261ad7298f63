//! `Surplus`: how much of a stock nobody has needed for a while.

/// Watches how low a stock falls. What never left it can be given up, and half of that is: so a stock
/// follows what is needed at once, up at once and down in steps.
///
/// ```
/// use roundel_driver::Surplus;
///
/// let mut surplus = Surplus::default();
/// [50, 10, 50].into_iter().for_each(|left| surplus.note(left));
/// assert_eq!(surplus.give_up(50), 5);
/// // Nobody has taken anything since.
/// assert_eq!(surplus.give_up(45), 22);
/// ```
#[derive(Debug)]
pub struct Surplus {
    least: usize,
}

impl Surplus {
    /// After how many uses it is time to ask what can be given up: many more than a burst of work takes.
    pub const WINDOW: u16 = 1024;

    /// Notes how much is left where somebody has just taken of it.
    #[inline]
    pub fn note(&mut self, left: usize) {
        self.least = self.least.min(left);
    }

    /// How much can go of what is there now: half of what nobody has needed since this was asked last.
    pub fn give_up(&mut self, stock: usize) -> usize {
        let unneeded = self.least.min(stock);
        *self = Self::default();
        unneeded / 2
    }
}

impl Default for Surplus {
    fn default() -> Self {
        Self { least: usize::MAX }
    }
}
