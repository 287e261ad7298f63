//! `Polled`: which tasks a turn ran, for a trace that is kept whole.
//!
//! Nobody below the executor knows of tasks, and a trace is no reason to tell them. What is known
//! of every task is how often it was polled; who has been polled since the last look, has run.

use std::collections::BTreeMap;

use roundel_executor::TaskInfo;

/// How often each task of a host had been polled when last looked at, by its number.
#[derive(Default)]
pub(crate) struct Polled(BTreeMap<u64, u32>);

/// What a turn was to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    Went(u64),
    Ended(u64),
}

impl Polled {
    /// What has become of the tasks since the last look, by their numbers. One that began and ended
    /// since has left nothing to be seen.
    pub(crate) fn look(&mut self, tasks: &[TaskInfo]) -> Vec<Ran> {
        let now: BTreeMap<u64, u32> = tasks.iter().map(|task| (task.id, task.polls)).collect();
        let ended = self.0.keys().filter(|number| !now.contains_key(number));
        let mut ran: Vec<Ran> = ended.map(|number| Ran::Ended(*number)).collect();
        let went = now.iter().filter(|(number, polls)| self.0.get(number) != Some(polls));
        ran.extend(went.filter(|(_, polls)| **polls > 0).map(|(number, _)| Ran::Went(*number)));
        self.0 = now;
        ran
    }
}
