//! `all_tasks`, `current_task`: what lives on a loop, as plain records. A look polls nothing, wakes
//! nobody and waits for nothing.

use std::{
    fmt,
    time::{Duration, Instant},
};

use roundel_loop::{LoopHandle, Site};

use crate::{
    executor::{AnyTask, Executor},
    header::TaskState,
    measure::PollTime,
    note::WaitsFor,
    roster::Roster,
};

/// What is known of a task at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its number, unique on its loop.
    pub id: u64,
    /// The name it was given, or `Task-` and its number.
    pub name: String,
    /// Where it is in its life.
    pub state: TaskState,
    /// Whether it was asked to end.
    pub cancelling: bool,
    /// Where it was spawned.
    pub site: Site,
    /// How long ago, to the loop's turn.
    pub age: Duration,
    /// How often its future has been polled.
    pub polls: u32,
    /// How long that took, as far as it was timed: see [`measure_polls`](crate::measure_polls).
    pub poll_time: PollTime,
    /// What it waits for, as far as that says.
    pub waits_for: WaitsFor,
    /// The tasks that wait for its end, by number.
    pub awaited_by: Vec<u64>,
    /// The task that spawned it, if one did.
    pub parent: Option<u64>,
    /// The moment, by the loop's clock, to the turn.
    pub at: Instant,
}

impl TaskInfo {
    pub(crate) fn of(task: &AnyTask, executor: &Executor, now: Instant) -> Self {
        let header = task.header();
        Self {
            id: header.id,
            name: header.display_name(),
            state: header.state(),
            cancelling: header.is_cancelling(),
            site: header.site,
            age: header.age(executor.stamp(now)),
            polls: header.polls(),
            poll_time: header.if_rare(|rare| rare.poll_time).unwrap_or_default(),
            waits_for: header.note.get().what(executor.began),
            awaited_by: awaited_by(task, executor),
            parent: (header.parent != 0).then_some(header.parent),
            at: now,
        }
    }
}

/// A child is awaited by its owner, and by whoever waits for its value.
fn awaited_by(task: &AnyTask, executor: &Executor) -> Vec<u64> {
    let owner = task.roster().map(Roster::owner_id).filter(|&owner| owner != 0);
    let mut awaited_by: Vec<_> = owner.into_iter().collect();
    awaited_by
        .extend(task.header().awaited_by(executor).into_iter().filter(|&id| Some(id) != owner));
    awaited_by
}

/// One line: its name, what it does, and where it comes from.
impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, site, age, polls, at, .. } = self;
        write!(f, "{name}: ")?;
        if self.cancelling {
            f.write_str("cancelling, ")?;
        }
        match (self.state, self.waits_for) {
            (TaskState::New, _) => f.write_str("new"),
            (TaskState::Running, _) => f.write_str("running"),
            (TaskState::CleaningUp, _) => f.write_str("cleaning up"),
            (TaskState::Done, _) => f.write_str("done"),
            (TaskState::Ready, _) | (_, WaitsFor::Turn) => f.write_str("ready"),
            (_, WaitsFor::Unknown) => f.write_str("waits"),
            (_, WaitsFor::Time(when)) => {
                write!(f, "sleeps {:?} more", when.saturating_duration_since(*at))
            }
            (_, WaitsFor::Task(id)) => write!(f, "waits for task {id}"),
            (_, WaitsFor::Tasks(count)) => write!(f, "waits for {count} tasks"),
            (_, WaitsFor::Children(1)) => write!(f, "waits for a child"),
            (_, WaitsFor::Children(count)) => write!(f, "waits for {count} children"),
        }?;
        let s = if *polls == 1 { "" } else { "s" };
        write!(f, ", {polls} poll{s}, {age:.1?} old, spawned at {site}")
    }
}

/// The tasks of the running loop that have not ended, by number.
///
/// # Panics
/// If no loop runs in this thread.
#[track_caller]
pub fn all_tasks() -> Vec<TaskInfo> {
    tasks_of(&LoopHandle::current())
}

/// The tasks of a loop that have not ended, by number.
pub fn tasks_of(handle: &LoopHandle) -> Vec<TaskInfo> {
    let now = handle.recent();
    let Some(executor) = handle.existing_layer::<Executor>() else { return Vec::new() };
    executor.tasks().iter().map(|task| TaskInfo::of(task, &executor, now)).collect()
}

/// The task that runs now; none in a plain call-back and outside a loop.
pub fn current_task() -> Option<TaskInfo> {
    let now = LoopHandle::with_current(|handle| Some(handle?.recent()))?;
    let executor = Executor::current()?;
    Some(TaskInfo::of(&executor.current_task()?, &executor, now))
}

/// An executor's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutorStatistics {
    /// Tasks that have not ended.
    pub tasks: usize,
    /// Steps made so far.
    pub polls: u64,
    /// Wakes that queued a task.
    pub wakes: u64,
}

/// What the executor of a loop holds and has done.
pub fn statistics(handle: &LoopHandle) -> ExecutorStatistics {
    let Some(executor) = handle.existing_layer::<Executor>() else {
        return ExecutorStatistics::default();
    };
    ExecutorStatistics { tasks: executor.len(), polls: executor.polls(), wakes: executor.wakes() }
}

/// How long what a cancelled or timed-out future leaves may clean up, on this loop; 10 s unless
/// changed. What outlasts it is dropped and reported.
pub fn set_grace(handle: &LoopHandle, grace: Duration) {
    Executor::of(handle).set_grace(grace);
}
