//! `measure_polls`: how long each task keeps the loop.
//!
//! A poll is timed from the task's turn to its end, its clean-up and the drop of its future
//! included: all that keeps the others waiting. Off, it costs one look at a flag a poll.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    time::{Duration, Instant},
};

use roundel_loop::{LoopHandle, Stall};

use crate::{executor::Executor, header::Header};

/// How long a task's polls have taken, as far as they were timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollTime {
    /// All of them together.
    pub total: Duration,
    /// The longest.
    pub longest: Duration,
}

impl PollTime {
    pub(crate) fn add(&mut self, poll: Duration) {
        self.total += poll;
        self.longest = self.longest.max(poll);
    }
}

/// Switches the timing of polls on this loop. While it is on, the clock is read twice a poll, and
/// [`TaskInfo::poll_time`](crate::TaskInfo::poll_time) tells what came out.
///
/// While it is off, a poll is timed only if the loop's stall watch caught it alone; the watch names
/// the task in its report either way.
///
/// ```
/// use roundel_executor::{all_tasks, measure_polls, spawn_on, yield_now};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// measure_polls(&event_loop.handle(), true);
/// let task = spawn_on(&event_loop.handle(), async {
///     yield_now().await;
///     let me = &all_tasks()[0];
///     assert!(me.poll_time.total >= me.poll_time.longest);
/// });
/// event_loop.run_until_complete(task)??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn measure_polls(handle: &LoopHandle, on: bool) {
    Executor::of(handle).measure.on.set(on);
}

/// As many as the stall watch may suspect at once.
const REMEMBERED: usize = 32;

/// Whether polls are measured, and what reports about slow ones need.
#[derive(Default)]
pub(crate) struct Measure {
    on: Cell<bool>,
    /// When the steps began that are being made: a task may poll others within its own.
    begun: RefCell<Vec<Instant>>,
    /// The names of the last tasks that had one and have ended: a task may stall the loop in its
    /// last step.
    ended: RefCell<VecDeque<(u64, Rc<str>)>>,
}

impl Measure {
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on.get()
    }

    /// A step begins that is timed.
    #[cold]
    pub(crate) fn begin(&self, handle: &LoopHandle) {
        self.begun.borrow_mut().push(handle.now());
    }

    /// The step that began last ends.
    #[cold]
    pub(crate) fn end(&self, handle: &LoopHandle, header: &Header) {
        let begun = self.begun.borrow_mut().pop();
        if let Some(begun) = begun {
            let poll = handle.now().saturating_duration_since(begun);
            header.rare(|rare| rare.poll_time.add(poll));
        }
    }

    /// A task has ended.
    pub(crate) fn remember(&self, header: &Header) {
        let Some(name) = header.name() else { return };
        let mut ended = self.ended.borrow_mut();
        if ended.len() == REMEMBERED {
            ended.pop_front();
        }
        ended.push_back((header.id, name));
    }

    fn name_of_ended(&self, id: u64) -> Option<String> {
        let ended = self.ended.borrow();
        ended.iter().find(|(ended, _)| *ended == id).map(|(_, name)| name.to_string())
    }
}

impl Executor {
    /// Names the tasks among the suspects; a task that was timed alone gets the time booked.
    pub(crate) fn name_suspects(&self, stall: &mut Stall) {
        let alone = stall.suspects.len() == 1;
        let mut ids: Vec<u64> = stall.suspects.iter().map(|suspect| suspect.number).collect();
        ids.sort_unstable();
        let living = self.living(&ids);
        for suspect in stall.suspects.iter_mut().filter(|suspect| suspect.number != 0) {
            let id = suspect.number;
            let task = living.iter().find(|task| task.header().id == id);
            if let Some(task) = task.filter(|_| alone && !self.measure.is_on()) {
                task.header().rare(|rare| rare.poll_time.add(stall.duration));
            }
            let name = match task {
                Some(task) => Some(task.header().display_name()),
                None => self.measure.name_of_ended(id),
            };
            suspect.name = Some(name.unwrap_or_else(|| format!("Task-{id}")));
        }
    }
}
