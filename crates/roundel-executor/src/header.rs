//! `Header`: what is known of a task whatever its future is.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    task::Waker,
    time::Duration,
};

use roundel_loop::Site;

use crate::{
    cell::ticket,
    clean_up::CleanUps,
    context::Values,
    executor::{Executor, current_ticket},
    measure::PollTime,
    note::Note,
    ticket::{Ticket, wake},
    unread::report_here,
};

/// Wakes by a waker that may be of somebody else's making: if it panics, that is reported, and those
/// behind it are woken all the same. True if it was woken.
pub(crate) fn wake_foreign(waker: Waker, what: &'static str) -> bool {
    catch_unwind(AssertUnwindSafe(|| waker.wake()))
        .map_err(|payload| report_here(what, payload))
        .is_ok()
}

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

/// Everything few tasks need.
#[derive(Default)]
pub(crate) struct Rare {
    pub(crate) name: Option<Rc<str>>,
    pub(crate) clean_ups: CleanUps,
    pub(crate) more_joiners: Vec<Joiner>,
    pub(crate) stop_waiters: Vec<Waker>,
    pub(crate) context: Option<Values>,
    pub(crate) poll_time: PollTime,
}

/// Who waits for a task's end.
pub(crate) struct Joiner {
    pub(crate) waker: Waker,
    /// The task that waits, by number; 0 if it is no task.
    pub(crate) task: u64,
}

/// One bit each.
pub(crate) struct Flags;

impl Flags {
    /// It stands in the ready queue, or is to: woken within its own step, it is queued afterwards.
    pub(crate) const QUEUED: u16 = 1;
    pub(crate) const RUNNING: u16 = 1 << 1;
    pub(crate) const CANCEL: u16 = 1 << 2;
    pub(crate) const STOP: u16 = 1 << 3;
    /// Its future has ended.
    pub(crate) const CLEANING: u16 = 1 << 4;
    pub(crate) const DONE: u16 = 1 << 5;
    /// A `Task` is there to take the result.
    pub(crate) const OWNED: u16 = 1 << 6;
    /// The result is that it was cancelled.
    pub(crate) const CANCELLED: u16 = 1 << 7;
    /// It has something rare.
    pub(crate) const RARE: u16 = 1 << 8;
    /// The result was taken.
    pub(crate) const TAKEN: u16 = 1 << 9;
}

pub(crate) struct Header {
    pub(crate) id: u64,
    pub(crate) ticket: Ticket,
    pub(crate) site: Site,
    pub(crate) parent: u64,
    /// In nanoseconds since the executor began.
    spawned: u64,
    polls: Cell<u32>,
    flags: Cell<u16>,
    /// How many references keep the block that this heads, if they are counted here.
    references: Cell<u16>,
    pub(crate) note: Cell<Note>,
    /// The first task that waits for the end; whoever else does is rare.
    joiner: Cell<Option<Ticket>>,
    rare: Cell<Option<Box<Rare>>>,
}

/// What a task has from its beginning. Plain numbers, so that a header can be made where it is to
/// stand: one that is made elsewhere and moved costs a stall.
#[derive(Clone, Copy)]
pub(crate) struct Birth {
    pub(crate) id: u64,
    pub(crate) ticket: Ticket,
    pub(crate) site: Site,
    pub(crate) parent: u64,
    /// In nanoseconds since the executor began.
    pub(crate) spawned: u64,
}

impl Header {
    #[inline]
    pub(crate) fn new(birth: Birth) -> Self {
        let Birth { id, ticket, site, parent, spawned } = birth;
        Self {
            id,
            ticket,
            site,
            parent,
            spawned,
            polls: Cell::new(0),
            flags: Cell::new(Flags::OWNED),
            references: Cell::new(1),
            note: Cell::default(),
            joiner: Cell::new(None),
            rare: Cell::new(None),
        }
    }

    #[inline]
    pub(crate) fn has(&self, flags: u16) -> bool {
        self.flags.get() & flags != 0
    }

    /// Sets a flag and tells whether it was set before.
    #[inline]
    pub(crate) fn set(&self, flag: u16) -> bool {
        let before = self.flags.get();
        self.flags.set(before | flag);
        before & flag != 0
    }

    #[inline]
    pub(crate) fn clear(&self, flag: u16) {
        self.flags.set(self.flags.get() & !flag);
    }

    /// Notes a wake; whether the task is to be queued now. One that runs is queued by its own step.
    #[inline]
    pub(crate) fn note_wake(&self) -> bool {
        let before = self.flags.get();
        self.flags.set(before | Flags::QUEUED);
        before & (Flags::QUEUED | Flags::RUNNING) == 0
    }

    /// Begins a step: false if there is none to make.
    #[inline]
    pub(crate) fn begin_step(&self) -> bool {
        let before = self.flags.get();
        if before & (Flags::DONE | Flags::RUNNING) != 0 {
            return false;
        }
        self.flags.set(before & !Flags::QUEUED | Flags::RUNNING);
        true
    }

    /// Whether there is a result to take, and whoever asks now is the one to take it.
    #[inline]
    pub(crate) fn take_result(&self) -> bool {
        let before = self.flags.get();
        let there = before & (Flags::DONE | Flags::TAKEN) == Flags::DONE;
        if there {
            self.flags.set(before | Flags::TAKEN);
        }
        there
    }

    /// # Panics
    /// If there are 65,535 of them.
    #[inline]
    pub(crate) fn count_reference(&self) {
        let references = self.references.get().checked_add(1);
        self.references.set(references.expect("a task has few references"));
    }

    /// Whether it was the last one.
    #[inline]
    pub(crate) fn discount_reference(&self) -> bool {
        let references = self.references.get() - 1;
        self.references.set(references);
        references == 0
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
            wake(self.ticket.number());
        }
        true
    }

    /// Whether it is this task's turn. Its number would not tell: each loop counts from 1.
    pub(crate) fn is_current(&self) -> bool {
        current_ticket() == Some(self.ticket)
    }

    pub(crate) fn is_cancelling(&self) -> bool {
        self.has(Flags::CANCEL) && !self.has(Flags::DONE)
    }

    /// Looks at what few tasks have, making it if need be. `look` must not run user code, here and
    /// below: it finds nothing rare meanwhile.
    pub(crate) fn rare<R>(&self, look: impl FnOnce(&mut Rare) -> R) -> R {
        let mut rare = self.rare.take().unwrap_or_default();
        let seen = look(&mut rare);
        self.rare.set(Some(rare));
        self.set(Flags::RARE);
        seen
    }

    /// Looks at what few tasks have, if this is one of them.
    #[inline]
    pub(crate) fn if_rare<R>(&self, look: impl FnOnce(&mut Rare) -> R) -> Option<R> {
        self.has(Flags::RARE).then(|| self.rare(look))
    }

    /// Takes away what may hold the task in a circle; to be dropped where nothing is borrowed.
    pub(crate) fn strip(&self) -> Option<Box<Rare>> {
        self.joiner.set(None);
        self.clear(Flags::RARE);
        self.rare.take()
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

    /// Notes who waits for the end: a waker, and the task that it was made for, by number. A waker
    /// that stands there already is not noted twice.
    pub(crate) fn add_joiner(&self, waker: &Waker, task: u64) {
        match (ticket(waker), self.joiner.get()) {
            (Some(ticket), None) => self.joiner.set(Some(ticket)),
            (Some(ticket), Some(first)) if ticket == first => {}
            _ => {
                let joiner = Joiner { waker: waker.clone(), task };
                let refused = self.rare(|rare| {
                    let joiners = &mut rare.more_joiners;
                    if joiners.iter().any(|there| there.waker.will_wake(&joiner.waker)) {
                        return Some(joiner);
                    }
                    joiners.push(joiner);
                    None
                });
                drop(refused);
            }
        }
    }

    /// Wakes everybody who waits for the end, in the order they came.
    #[inline]
    pub(crate) fn wake_joiners(&self) {
        if let Some(first) = self.joiner.take() {
            wake(first.number());
        }
        if self.has(Flags::RARE) {
            self.wake_more_joiners();
        }
    }

    #[cold]
    fn wake_more_joiners(&self) {
        let more = self.if_rare(|rare| std::mem::take(&mut rare.more_joiners));
        for joiner in more.into_iter().flatten() {
            wake_foreign(joiner.waker, "a waker panicked at a task's end");
        }
    }

    /// The numbers of the tasks that wait for this one.
    pub(crate) fn awaited_by(&self, executor: &Executor) -> Vec<u64> {
        let first = self.joiner.get().and_then(|ticket| executor.find(ticket));
        let more = self.if_rare(|rare| {
            let numbers = rare.more_joiners.iter().map(|joiner| joiner.task);
            numbers.filter(|&task| task != 0).collect::<Vec<_>>()
        });
        first.map(|task| task.header().id).into_iter().chain(more.into_iter().flatten()).collect()
    }

    /// `now` in nanoseconds since the executor began.
    pub(crate) fn age(&self, now: u64) -> Duration {
        Duration::from_nanos(now.saturating_sub(self.spawned))
    }
}
