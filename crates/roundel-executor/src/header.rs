//! `Header`: what is known of a task whatever its future is.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::Waker,
    time::{Duration, Instant},
};

use roundel_loop::Site;

use crate::{cell::waker, clean_up::CleanUps, context::Values, measure::PollTime, ticket::Ticket};

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskState {
    /// It has not been polled yet.
    New,
    /// It is being polled now.
    Running,
    /// It is in the ready queue.
    Ready,
    /// It waits to be woken.
    Waiting,
    /// Its future has ended and its clean-up goes on.
    CleaningUp,
    /// It has ended.
    Done,
}

/// What a waiting task waits for, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitsFor {
    /// Something that does not say.
    #[default]
    Unknown,
    /// Its turn.
    Turn,
    /// A time.
    Time(Instant),
    /// The end of the task with this number.
    Task(u64),
    /// The first, or all, of several tasks.
    Tasks(usize),
    /// The children of its group.
    Children(usize),
}

/// Everything few tasks need.
#[derive(Default)]
pub(crate) struct Rare {
    pub(crate) name: Option<Rc<str>>,
    pub(crate) clean_ups: CleanUps,
    pub(crate) more_joiners: Vec<Joiner>,
    pub(crate) stop_waiters: Vec<Waker>,
    pub(crate) context: Option<Values>,
    pub(crate) poll_time: PollTime,
    /// Runs when the task has ended, in its last step.
    pub(crate) on_done: Option<Box<dyn FnOnce()>>,
}

/// Who waits for a task's end.
pub(crate) struct Joiner {
    pub(crate) waker: Waker,
    /// The task that waits, by number; 0 if it is no task.
    pub(crate) task: u64,
}

/// One bit each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const QUEUED: u8 = 1;
    pub(crate) const RUNNING: u8 = 1 << 1;
    pub(crate) const CANCEL: u8 = 1 << 2;
    pub(crate) const STOP: u8 = 1 << 3;
    pub(crate) const CLEANING: u8 = 1 << 4;
    pub(crate) const DONE: u8 = 1 << 5;
    /// A `Task` is there to take the result.
    pub(crate) const OWNED: u8 = 1 << 6;
    /// The result is that it was cancelled.
    pub(crate) const CANCELLED: u8 = 1 << 7;
}

pub(crate) struct Header {
    pub(crate) id: u64,
    pub(crate) ticket: Ticket,
    pub(crate) site: Site,
    pub(crate) spawned: Instant,
    pub(crate) parent: u64,
    polls: Cell<u32>,
    flags: Cell<Flags>,
    pub(crate) waits_for: Cell<WaitsFor>,
    pub(crate) joiner: RefCell<Option<Joiner>>,
    pub(crate) rare: RefCell<Option<Box<Rare>>>,
}

impl Header {
    pub(crate) fn new(id: u64, ticket: Ticket, site: Site, spawned: Instant, parent: u64) -> Self {
        Self {
            id,
            ticket,
            site,
            spawned,
            parent,
            polls: Cell::new(0),
            flags: Cell::new(Flags(Flags::OWNED)),
            waits_for: Cell::new(WaitsFor::Unknown),
            joiner: RefCell::new(None),
            rare: RefCell::new(None),
        }
    }

    #[inline]
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags.get().0 & flag != 0
    }

    /// Sets a flag and tells whether it was set before.
    #[inline]
    pub(crate) fn set(&self, flag: u8) -> bool {
        let before = self.flags.get().0;
        self.flags.set(Flags(before | flag));
        before & flag != 0
    }

    #[inline]
    pub(crate) fn clear(&self, flag: u8) {
        self.flags.set(Flags(self.flags.get().0 & !flag));
    }

    #[inline]
    pub(crate) fn count_poll(&self) {
        self.polls.set(self.polls.get().wrapping_add(1));
    }

    pub(crate) fn polls(&self) -> u32 {
        self.polls.get()
    }

    /// Asks the task to end, at its next step; false if it has ended.
    pub(crate) fn cancel(&self) -> bool {
        if self.has(Flags::DONE) {
            return false;
        }
        if !self.set(Flags::CANCEL) {
            waker(self.ticket).wake();
        }
        true
    }

    pub(crate) fn is_cancelling(&self) -> bool {
        self.has(Flags::CANCEL) && !self.has(Flags::DONE)
    }

    /// Looks at what few tasks have, making it if need be. `look` must not run user code.
    pub(crate) fn rare<R>(&self, look: impl FnOnce(&mut Rare) -> R) -> R {
        look(self.rare.borrow_mut().get_or_insert_default())
    }

    /// Looks at what few tasks have, if this is one of them. `look` must not run user code.
    pub(crate) fn if_rare<R>(&self, look: impl FnOnce(&mut Rare) -> R) -> Option<R> {
        self.rare.borrow_mut().as_deref_mut().map(look)
    }

    pub(crate) fn name(&self) -> Option<Rc<str>> {
        self.if_rare(|rare| rare.name.clone()).flatten()
    }

    /// The name it was given, or one made of its number.
    pub(crate) fn display_name(&self) -> String {
        self.name().map_or_else(|| format!("Task-{}", self.id), |name| name.to_string())
    }

    pub(crate) fn state(&self) -> TaskState {
        if self.has(Flags::DONE) {
            TaskState::Done
        } else if self.has(Flags::RUNNING) {
            TaskState::Running
        } else if self.has(Flags::CLEANING) {
            TaskState::CleaningUp
        } else if self.polls() == 0 {
            TaskState::New
        } else if self.has(Flags::QUEUED) {
            TaskState::Ready
        } else {
            TaskState::Waiting
        }
    }

    /// Notes who waits for the end. One place is in the header, more are rare; a waker that stands
    /// there already is not noted twice.
    pub(crate) fn add_joiner(&self, waker: &Waker, task: u64) {
        let mut first = self.joiner.borrow_mut();
        match &*first {
            None => *first = Some(Joiner { waker: waker.clone(), task }),
            Some(joiner) if joiner.waker.will_wake(waker) => {}
            Some(_) => {
                drop(first);
                let waker = waker.clone();
                let noted = self.rare(|rare| {
                    let joiners = &mut rare.more_joiners;
                    let there = joiners.iter().any(|joiner| joiner.waker.will_wake(&waker));
                    if there {
                        Some(waker)
                    } else {
                        joiners.push(Joiner { waker, task });
                        None
                    }
                });
                drop(noted);
            }
        }
    }

    /// Everybody who waits for the end, in the order they came.
    pub(crate) fn take_joiners(&self) -> impl Iterator<Item = Joiner> + use<> {
        let first = self.joiner.borrow_mut().take();
        let more = self.if_rare(|rare| std::mem::take(&mut rare.more_joiners));
        first.into_iter().chain(more.unwrap_or_default())
    }

    /// The numbers of the tasks that wait for this one.
    pub(crate) fn awaited_by(&self) -> Vec<u64> {
        let first = self.joiner.borrow().as_ref().map(|joiner| joiner.task);
        let more =
            self.if_rare(|rare| rare.more_joiners.iter().map(|joiner| joiner.task).collect());
        let more: Vec<u64> = more.unwrap_or_default();
        first.into_iter().chain(more).filter(|&task| task != 0).collect()
    }

    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.spawned)
    }
}
