//! The rules by kind: who may let go of whom, what ends a scope, and what is a task's fate.

use crate::ledger::{Id, Ledger, Outcome, Stage, What};

/// What a life is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Task {
        eager: bool,
    },
    /// A scope; its parts are a body and children.
    Group,
    GroupBody,
    Child,
    /// Its parts are children.
    Gather,
    TryGather,
    Timeout,
    TimeoutBody,
    /// Drops its body after some polls.
    Cut,
    CutBody,
    /// Its parts are a body and, once, an exit.
    With,
    WithBody,
    /// Polled by whoever has to clean up.
    Exit,
}

impl Kind {
    /// Whether it is cancelled and cleaned up after by itself.
    pub(crate) fn is_own_task(self) -> bool {
        matches!(self, Self::Task { .. } | Self::Child)
    }

    fn is_scope(self) -> bool {
        matches!(self, Self::Group | Self::Gather | Self::TryGather)
    }
}

impl Ledger {
    /// Whether the parts of this life may be dropped although it goes on.
    pub(crate) fn lets_go(&self, id: Id) -> bool {
        let record = &self.records[id];
        record.ending
            || record.has_expired(self.now())
            || record.kind.is_scope() && self.failures(id).next().is_some()
    }

    /// The parts that make a scope fail.
    pub(crate) fn failures(&self, scope: Id) -> impl Iterator<Item = Id> {
        let kind = self.records[scope].kind;
        self.records[scope].parts.iter().copied().filter(move |part| {
            match self.records[*part].stage {
                Stage::Fell(_) => true,
                Stage::Ended(Err(_)) => kind != Kind::Gather,
                _ => false,
            }
        })
    }

    /// After a scope's poll: whoever has failed, its clean-up included, has ended the scope.
    pub(crate) fn decide(&mut self, id: Id) {
        if !self.records[id].kind.is_scope() || self.is_over(id) || self.records[id].ending {
            return;
        }
        let failed: Vec<Id> = self.failures(id).collect();
        if failed.iter().any(|part| self.unsettled(*part, self.is_own_task(*part)).is_none()) {
            self.end(id);
        }
    }

    pub(crate) fn is_own_task(&self, id: Id) -> bool {
        self.records[id].kind.is_own_task()
    }

    /// The parts of a scope are asked to end, and who comes later, too.
    pub(crate) fn end(&mut self, scope: Id) {
        self.records[scope].ending = true;
        self.note(scope, What::Ending);
        for part in self.records[scope].parts.clone() {
            self.cancel(part);
        }
    }

    /// What is left to be done below a life that is over; `all`: also what it abandoned, which its
    /// task cleans up before that is done.
    pub(crate) fn unsettled(&self, id: Id, all: bool) -> Option<String> {
        let record = &self.records[id];
        let exits = record.parts.iter().filter(|part| self.records[**part].kind == Kind::Exit);
        let exits = exits.count();
        if record.kind == Kind::With && exits + usize::from(record.lost) != 1 {
            return Some(format!("{id} has exited ({exits} times)"));
        }
        record.parts.iter().find_map(|&part| {
            let record = &self.records[part];
            if record.abandoned && !all {
                return None;
            }
            match record.stage {
                Stage::Open => Some(format!("{part} ({:?})", record.kind)),
                _ => self.unsettled(part, all || record.kind.is_own_task()),
            }
        })
    }

    /// A child has begun: it has room.
    pub(crate) fn check_limit(&mut self, group: Id) {
        let at_work = self.records[group].parts.iter().filter(|part| {
            let record = &self.records[**part];
            record.kind == Kind::Child && record.polls > 0 && record.stage == Stage::Open
        });
        let at_work = at_work.count();
        let within = self.records[group].limit.is_none_or(|limit| at_work <= limit);
        self.check(within, || format!("{at_work} children of {group} are at work"));
    }

    /// A resource exits: its body is over, and so is all that it entered.
    pub(crate) fn exit(&mut self, resource: Id) -> Id {
        let parts = self.records[resource].parts.clone();
        for part in parts {
            if let Some(left) = self.unsettled(part, false) {
                self.check(false, || format!("{resource} exits before {left}"));
            }
            let again = self.records[part].kind == Kind::Exit || !self.is_over(part);
            self.check(!again, || format!("{resource} exits after {part}"));
        }
        self.open(Kind::Exit, Some(resource))
    }

    /// The task in which a life is polled.
    pub(crate) fn task_of(&self, mut id: Id) -> Id {
        while let Some(owner) = self.records[id].owner {
            id = owner;
        }
        id
    }

    pub(crate) fn is_in_exit(&self, mut id: Id) -> bool {
        while self.records[id].kind != Kind::Exit {
            let Some(owner) = self.records[id].owner else { return false };
            id = owner;
        }
        true
    }

    /// A task's end, as whoever awaits it is told.
    pub(crate) fn joined(&mut self, id: Id, told: Result<Outcome, Option<u64>>) {
        let expected = match self.records[id].stage {
            Stage::Open => return self.check(false, || format!("{id} is joined before its end")),
            Stage::Ended(outcome) => Ok(outcome),
            Stage::Fell(number) => Err(Some(number)),
            Stage::Outrun | Stage::Dropped => Err(None),
        };
        self.check(told == expected, || format!("{id} gave {told:?}, not {expected:?}"));
        if let Some(left) = self.unsettled(id, true) {
            self.check(false, || format!("{id} is joined before {left}"));
        }
        if let Err(Some(number)) = told {
            self.told(number);
        }
    }

    /// What a part gave, if it has ended with that.
    pub(crate) fn outcome(&self, id: Id) -> Option<Outcome> {
        match self.records[id].stage {
            Stage::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }
}
