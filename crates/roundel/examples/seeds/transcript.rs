//! `Transcript`: what a program printed, and when.

/// The lines of one run.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    pub(crate) lines: Vec<Line>,
    /// When the program ended, in its own seconds.
    pub(crate) end: f64,
}

/// One of them, and the program's second in which it was printed, if that is known.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) at: Option<f64>,
    pub(crate) text: String,
}
