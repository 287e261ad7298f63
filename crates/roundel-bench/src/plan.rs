//! `Plan`: how much is measured, and of whom.

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Rounds that count; one more comes before them to warm up.
    pub rounds: usize,
    /// A smoke run: a fiftieth of the work, figures without meaning.
    pub quick: bool,
    /// Only the rows whose title contains this.
    pub row: String,
    /// Only the peers whose name contains this; for a profiler.
    pub peer: String,
}

impl Plan {
    /// That many, or a fiftieth in a smoke run.
    pub fn scaled(&self, number: usize) -> usize {
        if self.quick { (number / 50).max(1) } else { number }
    }
}

impl Default for Plan {
    fn default() -> Self {
        // Nine is the least whose median two disturbed rounds on either side cannot move.
        Self { rounds: 9, quick: false, row: String::new(), peer: String::new() }
    }
}
