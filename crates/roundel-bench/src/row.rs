//! `Row`: one question, put to every peer.

/// Our own name among the peers.
pub const ROUNDEL: &str = "roundel";
/// Tokio's current-thread runtime.
pub const TOKIO: &str = "tokio";

/// What a row's figures are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// CPU time of one thread, or wall time where the figure's name says so.
    Nanoseconds,
    /// Wall time.
    Microseconds,
    /// Memory.
    Bytes,
    /// A rate: here more is better.
    PerSecond,
}

/// What we want a figure to be.
#[derive(Clone, Debug)]
pub enum Target {
    /// At most so many times that of each of these peers.
    Times(f64, &'static [&'static str]),
    /// Of two among the runners, that of the first at most so many times that of the second.
    Pair(f64, &'static str, &'static str),
    /// At most this, whatever the peers need.
    Limit(f64),
}

/// One of the figures that a row's measurement gives.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is, as "CPU per turn".
    pub name: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// What we want it to be, as far as that was agreed.
    pub targets: Vec<Target>,
}

impl Figure {
    /// A figure without a target.
    pub const fn new(name: &'static str, unit: Unit) -> Self {
        Self { name, unit, targets: Vec::new() }
    }

    /// With a target more.
    pub fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }
}

/// One answer per figure of the row.
pub type Measure = Box<dyn FnMut() -> Vec<f64>>;

/// Who is measured.
pub struct Peer {
    /// As in the table's head.
    pub name: &'static str,
    /// Makes one round.
    pub measure: Measure,
}

/// One question, put to every peer.
pub struct Row {
    /// The question.
    pub title: String,
    /// What each peer answers.
    pub figures: Vec<Figure>,
    /// Who is asked, we first.
    pub peers: Vec<Peer>,
}

impl Row {
    /// A row that nobody has been asked yet.
    pub fn new(title: impl Into<String>, figures: impl Into<Vec<Figure>>) -> Self {
        Self { title: title.into(), figures: figures.into(), peers: Vec::new() }
    }

    /// Asks one more, for all figures.
    pub fn peer(mut self, name: &'static str, measure: impl FnMut() -> Vec<f64> + 'static) -> Self {
        self.peers.push(Peer { name, measure: Box::new(measure) });
        self
    }

    /// Asks one more, for the row's only figure.
    pub fn only(self, name: &'static str, mut measure: impl FnMut() -> f64 + 'static) -> Self {
        self.peer(name, move || vec![measure()])
    }
}
