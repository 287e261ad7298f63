//! The model: what is known of every life of a program, and the rules that each step has to keep.
//!
//! A *life* is a future with a number: a task, a child, the body of a timeout, a clean-up. It tells
//! the ledger of its polls and its end, and the ledger notes what breaks a rule. It notes and does
//! not panic: a panic would become an outcome of the program.

use std::thread;

use roundel_sim::VirtualClock;

use crate::rules::Kind;

/// The place of a life in the ledger.
pub(crate) type Id = usize;

/// What a life returns: a number that nobody else returns, as a value or as an error.
pub(crate) type Outcome = Result<u64, u64>;

/// The payload of a panic: a number, too.
pub(crate) struct Fall(pub(crate) u64);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stage {
    Open,
    Ended(Outcome),
    /// It panicked.
    Fell(u64),
    /// It was asked to end before its outcome was there, which does not count then.
    Outrun,
    Dropped,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) owner: Option<Id>,
    pub(crate) parts: Vec<Id>,
    pub(crate) stage: Stage,
    /// It was asked to end, and must not be polled in another step.
    pub(crate) cancelled: bool,
    /// Its parts may be dropped.
    pub(crate) ending: bool,
    /// It was dropped by choice, and its task has yet to clean up.
    pub(crate) abandoned: bool,
    /// A resource whose exit will not come to its end.
    pub(crate) lost: bool,
    /// From when its parts may be dropped.
    deadline: Option<u64>,
    /// How many children of a group may be at work.
    pub(crate) limit: Option<usize>,
    /// The value with which a group was finished.
    pub(crate) finished: Option<u64>,
    pub(crate) polls: u32,
}

impl Record {
    pub(crate) fn has_expired(&self, now: u64) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

/// One line of a trace.
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) at: u64,
    pub(crate) turn: u64,
    pub(crate) life: Id,
    pub(crate) what: What,
}

#[derive(Debug, PartialEq)]
pub(crate) enum What {
    Opened(Kind),
    Polled,
    Over(Stage),
    Cancelled,
    Ending,
    Lost,
    Told(u64),
}

pub(crate) struct Ledger {
    clock: VirtualClock,
    pub(crate) turn: u64,
    pub(crate) records: Vec<Record>,
    /// The lives that are being polled, the innermost last.
    polling: Vec<Id>,
    pub(crate) trace: Vec<Event>,
    pub(crate) violations: Vec<String>,
    /// Panics that nobody has been told of yet.
    untold: Vec<u64>,
    /// The loop is being closed.
    pub(crate) closing: bool,
    /// Every task but the first is being cancelled.
    pub(crate) sweeping: bool,
    /// The turn in which a clean-up was last reported to have outlasted its grace.
    pub(crate) grace_over: Option<u64>,
}

impl Ledger {
    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self {
            clock,
            turn: 0,
            records: Vec::new(),
            polling: Vec::new(),
            trace: Vec::new(),
            violations: Vec::new(),
            untold: Vec::new(),
            closing: false,
            sweeping: false,
            grace_over: None,
        }
    }

    /// Virtual microseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        self.clock.elapsed().as_micros() as u64
    }

    pub(crate) fn note(&mut self, life: Id, what: What) {
        let (at, turn) = (self.now(), self.turn);
        self.trace.push(Event { at, turn, life, what });
    }

    pub(crate) fn check(&mut self, holds: bool, rule: impl FnOnce() -> String) {
        if !holds {
            let violation = format!("{} (event {}, turn {})", rule(), self.trace.len(), self.turn);
            self.violations.push(violation);
        }
    }

    pub(crate) fn open(&mut self, kind: Kind, owner: Option<Id>) -> Id {
        let id = self.records.len();
        self.records.push(Record {
            kind,
            owner,
            parts: Vec::new(),
            stage: Stage::Open,
            // Who is born into a group that is ending never begins.
            cancelled: kind != Kind::Exit && owner.is_some_and(|owner| self.records[owner].ending),
            ending: false,
            abandoned: false,
            lost: false,
            deadline: None,
            limit: None,
            finished: None,
            polls: 0,
        });
        if let Some(owner) = owner {
            self.records[owner].parts.push(id);
        }
        self.note(id, What::Opened(kind));
        id
    }

    /// The life being polled.
    pub(crate) fn here(&self) -> Id {
        *self.polling.last().expect("lives are made within lives")
    }

    pub(crate) fn is_over(&self, id: Id) -> bool {
        self.records[id].stage != Stage::Open
    }

    /// A poll begins.
    pub(crate) fn enter(&mut self, id: Id) {
        self.note(id, What::Polled);
        let record = &mut self.records[id];
        record.polls += 1;
        let (kind, polls, owner) = (record.kind, record.polls, record.owner);
        let (cancelled, stage) = (record.cancelled, record.stage);
        let within = self.polling.last().copied();
        self.polling.push(id);
        self.check(stage == Stage::Open, || format!("{id} is polled after its end: {stage:?}"));
        self.check(!cancelled, || format!("{id} is polled after its cancel"));
        let in_place = match kind {
            Kind::Task { eager } => within.is_none() || eager && polls == 1,
            Kind::Exit => true,
            _ => within == owner,
        };
        self.check(in_place, || format!("{id} is polled within {within:?}, not its owner"));
        if let (1, Kind::Child, Some(group)) = (polls, kind, owner) {
            self.check_limit(group);
        }
    }

    /// A poll ends, with a stage if that is the life's end.
    pub(crate) fn leave(&mut self, id: Id, stage: Stage) {
        let innermost = self.polling.pop();
        self.check(innermost == Some(id), || format!("{id} is left within {innermost:?}"));
        if stage != Stage::Open {
            self.close(id, stage);
        }
        self.decide(id);
    }

    fn close(&mut self, id: Id, mut stage: Stage) {
        let record = &self.records[id];
        if let Stage::Fell(number) = stage {
            if !self.untold.contains(&number) {
                self.untold.push(number);
            }
        } else if record.cancelled && record.kind.is_own_task() {
            stage = Stage::Outrun;
        }
        self.records[id].stage = stage;
        self.note(id, What::Over(stage));
        if let Some(left) = self.unsettled(id, false) {
            self.check(false, || format!("{id} ends before {left}"));
        }
    }

    /// A life is dropped before its end.
    pub(crate) fn dropped(&mut self, id: Id) {
        let Record { kind, owner, cancelled, .. } = self.records[id];
        let by_owner = owner.is_some_and(|owner| self.is_over(owner) || self.lets_go(owner));
        let excused = match kind {
            Kind::Exit => self.grace_over == Some(self.turn),
            // A task has a deadline when it was asked to stop.
            Kind::Task { .. } => cancelled || self.sweeping || self.lets_go(id),
            _ => by_owner || cancelled || thread::panicking(),
        };
        let closing = self.closing;
        self.records[id].stage = Stage::Dropped;
        self.note(id, What::Over(Stage::Dropped));
        self.check(excused || closing, || format!("{id} ({kind:?}) is dropped for no reason"));
        if kind == Kind::TimeoutBody && !closing {
            self.check_punctual(id, owner.unwrap_or(id));
        }
    }

    /// The body of a timeout that goes on was dropped at the deadline, not later.
    fn check_punctual(&mut self, body: Id, timeout: Id) {
        if !self.is_over(timeout) && !self.is_in_exit(timeout) {
            let (now, deadline) = (self.now(), self.records[timeout].deadline);
            self.check(deadline == Some(now), || {
                format!("{body} is dropped at {now}, not {deadline:?}")
            });
        }
    }

    /// A task or child is asked to end.
    pub(crate) fn cancel(&mut self, id: Id) {
        if !self.is_over(id) && !self.records[id].cancelled {
            self.records[id].cancelled = true;
            self.note(id, What::Cancelled);
        }
    }

    /// What was lent to a body is dropped without its exit.
    pub(crate) fn lost(&mut self, id: Id) {
        self.records[id].lost = true;
        self.note(id, What::Lost);
        let excused = self.closing || self.grace_over == Some(self.turn);
        self.check(excused, || format!("the exit of {id} is skipped"));
    }

    /// From then on, the parts of this life may be dropped; or itself, if it is a task.
    pub(crate) fn set_deadline(&mut self, id: Id, ms: u64) {
        self.records[id].deadline = Some(self.now() + ms * 1000);
    }

    /// A body is about to be dropped by choice.
    pub(crate) fn abandon(&mut self, id: Id) {
        self.records[id].abandoned = true;
        self.records[id].cancelled = true;
    }

    /// Somebody was told of a panic.
    pub(crate) fn told(&mut self, number: u64) {
        let here = self.polling.last().copied().unwrap_or(0);
        self.note(here, What::Told(number));
        match self.untold.iter().position(|untold| *untold == number) {
            Some(place) => _ = self.untold.swap_remove(place),
            None => self.check(false, || format!("panic {number} is told twice, or never was")),
        }
    }

    /// The end of the program: nothing is open, and no panic is lost.
    pub(crate) fn audit(&mut self) {
        let open: Vec<Id> = (0..self.records.len()).filter(|id| !self.is_over(*id)).collect();
        self.check(open.is_empty(), || format!("{open:?} never ended"));
        if self.closing {
            return; // what had not ended has nobody to tell
        }
        let untold = self.untold.clone();
        self.check(untold.is_empty(), || format!("nobody was told of the panics {untold:?}"));
        for id in 0..self.records.len() {
            if let Some(left) = self.unsettled(id, true) {
                self.check(false, || format!("{id} has left {left}"));
            }
        }
    }
}
