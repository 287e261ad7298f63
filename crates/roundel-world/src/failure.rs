//! `Failure`: how a run went wrong, with what it takes to see it again.

use std::{any::Any, fmt, time::Duration};

use roundel_loop::RunError;
use roundel_sim::TraceEvent;

/// A run went wrong.
///
/// Its text names the seed, the cause, and what happened last.
#[derive(Debug, thiserror::Error)]
#[error("seed {seed}, after {at:?} of virtual time: {cause}{}", Last(.trace))]
#[non_exhaustive]
pub struct Failure {
    /// The seed that shows it again.
    pub seed: u64,
    /// When, since the world's begin.
    pub at: Duration,
    /// What.
    #[source]
    pub cause: Cause,
    /// How many faults had happened.
    pub faults: u64,
    /// What happened last, or all of it if that was asked for.
    pub trace: Vec<TraceEvent>,
}

/// What went wrong.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Nothing can ever happen again, and the main task waits.
    #[error("deadlock: everybody waits and nothing is on its way\n{tasks}")]
    Deadlock {
        /// Every host's tasks, and who awaits whom.
        tasks: String,
    },
    /// Hosts find something to do for ever, and time stands still.
    #[error("host {host} keeps busy and lets no time pass")]
    Busy {
        /// The last of them.
        host: String,
    },
    /// The main task goes on for longer than was allowed.
    #[error("the main task is not done")]
    TooLong,
    /// Something panicked.
    #[error("host {host}: {message}")]
    Panicked {
        /// Where.
        host: String,
        /// The report.
        message: String,
        /// The panic's payload, if it was the main task's.
        payload: Option<Box<dyn Any + Send>>,
    },
    /// The main task was cancelled.
    #[error("the main task was cancelled")]
    Cancelled,
    /// Sockets are held by somebody after all hosts have ended.
    #[error("{sockets} sockets are open after all hosts have ended")]
    Leak {
        /// How many.
        sockets: usize,
    },
    /// A second run of the same seed was another one.
    #[error(
        "two runs of one seed differ: something beside the seed has a say, as the order of a \
         HashMap, an address, the wall clock or a thread"
    )]
    NotDeterministic,
    /// A host's loop failed.
    #[error("a host's loop failed")]
    Loop(#[from] RunError),
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The end of a trace, below a failure.
struct Last<'a>(&'a [TraceEvent]);

impl fmt::Display for Last<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() {
            write!(f, "\nlast events:")?;
        }
        self.0.iter().try_for_each(|event| write!(f, "\n{event}"))
    }
}
