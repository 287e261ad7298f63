//! The life of a promise as a pure state machine: no value, no lock, no waker.
//!
//! ```text
//!            start                 set
//!  Pending ────────▶ Running ─────────────▶ Finished
//!     │ │ └──────────────┼───────set───────────▲
//!     │ └────────────────┴───drop──────────▶ Abandoned
//!     │ cancel
//!     └────────▶ Cancelled ──start, set, drop──▶ CancelledAndNotified
//! ```
//!
//! Two questions are asked of a state, and they differ in exactly one place.
//! *Done*: is the outcome decided? Readers and call-backs are told then.
//! *Settled*: does the writer know it too? `wait` and `as_completed` are told then. A promise that
//! is `Cancelled` is done but not settled: the writer may still believe that it is wanted, and
//! whoever waits for a pool to wind down must not run ahead of that writer.
//!
//! Why the machine is right, given that transitions are applied one at a time (under the lock):
//!
//! 1. *One outcome.* Every arrow either leaves {Pending, Running} or is the one arrow
//!    Cancelled → CancelledAndNotified, which keeps the outcome. No arrow leaves a settled state.
//! 2. *Nobody hangs.* The writing end exists once and ends in `set` or in being dropped. Both reach
//!    a settled state from every state, so every promise settles as soon as its writer is gone.
//! 3. *Nobody is told twice.* The step into "done" is taken once (1), and so is the step into
//!    "settled"; each of the verbs below says which of them it took, and only that is announced.
use std::fmt;

/// Where a promise is in its life.
///
/// `Display` prints the words of `concurrent.futures` (`PENDING`, `CANCELLED_AND_NOTIFIED`);
/// [`Abandoned`](State::Abandoned) has no counterpart there.
///
/// ```
/// use roundel_promise::State;
///
/// let (mut promise, promised) = roundel_promise::promise::<u32>();
/// assert_eq!(promised.state(), State::Pending);
/// promise.start()?;
/// assert_eq!(promised.state().to_string(), "RUNNING");
/// # Ok::<(), roundel_promise::Cancelled>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum State {
    /// Nothing has happened yet; only now can the promise be cancelled.
    Pending = 0,
    /// The writer has begun; the promise can no longer be cancelled.
    Running = 1,
    /// A reader has cancelled; the writer has not noticed yet.
    Cancelled = 2,
    /// A reader has cancelled, and the writer knows or is gone.
    CancelledAndNotified = 3,
    /// The value is set.
    Finished = 4,
    /// The writer was dropped without setting a value.
    Abandoned = 5,
}

impl State {
    /// Whether the outcome is decided, well or badly.
    #[must_use]
    pub fn is_done(self) -> bool {
        !matches!(self, State::Pending | State::Running)
    }

    /// Whether the writer has begun and not ended.
    #[must_use]
    pub fn is_running(self) -> bool {
        self == State::Running
    }

    /// Whether a reader cancelled before the writer began.
    #[must_use]
    pub fn is_cancelled(self) -> bool {
        matches!(self, State::Cancelled | State::CancelledAndNotified)
    }

    /// Whether the outcome is decided and the writer knows it.
    ///
    /// This is what [`wait`](crate::wait) and [`as_completed`](crate::as_completed) wait for.
    #[must_use]
    pub fn is_settled(self) -> bool {
        self.is_done() && self != State::Cancelled
    }

    /// The state with this number, the inverse of `as u8`.
    pub(crate) fn from_u8(number: u8) -> State {
        match number {
            0 => State::Pending,
            1 => State::Running,
            2 => State::Cancelled,
            3 => State::CancelledAndNotified,
            4 => State::Finished,
            5 => State::Abandoned,
            _ => unreachable!("no promise state has this number"),
        }
    }

    /// The writer begins.
    pub(crate) fn start(&mut self) -> Start {
        match *self {
            State::Pending => self.enter(State::Running, Start::Begun),
            State::Cancelled => self.enter(State::CancelledAndNotified, Start::Notified),
            State::CancelledAndNotified => Start::Refused,
            State::Running | State::Finished | State::Abandoned => Start::Misused,
        }
    }

    /// The writer ends: in [`State::Finished`] or [`State::Abandoned`], as `end` says.
    pub(crate) fn end(&mut self, end: State) -> End {
        debug_assert!(matches!(end, State::Finished | State::Abandoned));
        match *self {
            State::Pending | State::Running => self.enter(end, End::Decided),
            State::Cancelled => self.enter(State::CancelledAndNotified, End::Notified),
            State::CancelledAndNotified | State::Finished | State::Abandoned => End::Refused,
        }
    }

    /// A reader cancels.
    pub(crate) fn cancel(&mut self) -> Cancel {
        match *self {
            State::Pending => self.enter(State::Cancelled, Cancel::Decided),
            State::Cancelled | State::CancelledAndNotified => Cancel::Already,
            State::Running | State::Finished | State::Abandoned => Cancel::Refused,
        }
    }

    fn enter<Step>(&mut self, next: State, step: Step) -> Step {
        *self = next;
        step
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Pending => "PENDING",
            State::Running => "RUNNING",
            State::Cancelled => "CANCELLED",
            State::CancelledAndNotified => "CANCELLED_AND_NOTIFIED",
            State::Finished => "FINISHED",
            State::Abandoned => "ABANDONED",
        })
    }
}

/// What became of the writer's wish to begin.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The work may begin.
    Begun,
    /// It was cancelled, and this call is how the writer learnt it: the promise settles.
    Notified,
    /// It was cancelled, and the writer knew.
    Refused,
    /// The writer had begun before.
    Misused,
}

/// What became of the writer's end.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The outcome is decided, and the promise settles.
    Decided,
    /// It was cancelled, and this call is how the writer learnt it: the promise settles.
    Notified,
    /// It was over before.
    Refused,
}

/// What became of a reader's wish to cancel.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// The outcome is decided; the promise does not settle yet.
    Decided,
    /// It had been cancelled before.
    Already,
    /// Too late.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [State; 6] = [
        State::Pending,
        State::Running,
        State::Cancelled,
        State::CancelledAndNotified,
        State::Finished,
        State::Abandoned,
    ];

    fn check<Step: PartialEq + fmt::Debug>(
        verb: impl Fn(&mut State) -> Step,
        rows: [(Step, State); 6],
    ) {
        for (before, (step, after)) in ALL.into_iter().zip(rows) {
            let mut state = before;
            assert_eq!(verb(&mut state), step, "from {before}");
            assert_eq!(state, after, "from {before}");
        }
    }

    // spec: CFF-01, CFF-02
    #[test]
    fn the_questions_a_state_answers() {
        let answers = |ask: fn(State) -> bool| ALL.map(ask).map(u8::from);
        assert_eq!(answers(State::is_running), [0, 1, 0, 0, 0, 0]);
        assert_eq!(answers(State::is_cancelled), [0, 0, 1, 1, 0, 0]);
        assert_eq!(answers(State::is_done), [0, 0, 1, 1, 1, 1]);
        assert_eq!(answers(State::is_settled), [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn numbers_go_there_and_back() {
        assert_eq!(ALL.map(|state| State::from_u8(state as u8)), ALL);
    }

    #[test]
    fn start() {
        check(
            State::start,
            [
                (Start::Begun, State::Running),
                (Start::Misused, State::Running),
                (Start::Notified, State::CancelledAndNotified),
                (Start::Refused, State::CancelledAndNotified),
                (Start::Misused, State::Finished),
                (Start::Misused, State::Abandoned),
            ],
        );
    }

    #[test]
    fn end() {
        for last in [State::Finished, State::Abandoned] {
            check(
                |state| state.end(last),
                [
                    (End::Decided, last),
                    (End::Decided, last),
                    (End::Notified, State::CancelledAndNotified),
                    (End::Refused, State::CancelledAndNotified),
                    (End::Refused, State::Finished),
                    (End::Refused, State::Abandoned),
                ],
            );
        }
    }

    // spec: CFF-04
    #[test]
    fn cancel() {
        check(
            State::cancel,
            [
                (Cancel::Decided, State::Cancelled),
                (Cancel::Refused, State::Running),
                (Cancel::Already, State::Cancelled),
                (Cancel::Already, State::CancelledAndNotified),
                (Cancel::Refused, State::Finished),
                (Cancel::Refused, State::Abandoned),
            ],
        );
    }
}
