//! `Executor`: the tasks of one loop, and what they have in common.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
    task::Waker,
    time::{Duration, Instant},
};

use roundel_loop::{Layer, LoopHandle, Site, Stall, TicketTurn};

use crate::{
    blocks::Blocks,
    cell::{self, TaskRef, free_all},
    context::Outside,
    header::{Birth, Flags, Header},
    measure::Measure,
    note::{Note, WaitsFor, nanoseconds},
    roster::{Member, Roster},
    seats::{Seats, Sitting},
    ticket::{Ticket, dismiss, enlist},
};

/// A task, wherever its future is kept.
#[derive(Clone)]
pub(crate) enum AnyTask {
    /// In a block of its own; the loop gives it its turns.
    Spawned(TaskRef),
    /// By its owner, who polls it.
    Child(Rc<Member>),
}

impl AnyTask {
    pub(crate) fn header(&self) -> &Header {
        match self {
            Self::Spawned(task) => task,
            Self::Child(member) => &member.header,
        }
    }

    /// Where a child's turn comes from.
    pub(crate) fn roster(&self) -> Option<&Roster> {
        match self {
            Self::Spawned(_) => None,
            Self::Child(member) => Some(&member.roster),
        }
    }

    /// The loop is closed: drops the future and whatever else may hold the task in a circle.
    fn close(&self, executor: &Executor) {
        match self {
            Self::Spawned(task) => task.close(executor),
            Self::Child(member) => member.close(),
        }
    }
}

/// The tasks of a loop: the loop's layer.
pub(crate) struct Executor {
    number: u16,
    pub(crate) began: Instant,
    stamp: Cell<(Instant, u64)>,
    pub(crate) blocks: Blocks,
    seats: RefCell<Seats>,
    next_id: Cell<u64>,
    /// How long a cancelled task may clean up.
    grace: Cell<Duration>,
    wakes: Cell<u64>,
    polls: Cell<u64>,
    pub(crate) outside: Outside,
    pub(crate) measure: Measure,
}

/// Long enough for a goodbye over a slow network, short enough for a shutdown to be noticed.
const GRACE: Duration = Duration::from_secs(10);

impl Executor {
    /// The executor of a loop, made at its first task.
    pub(crate) fn of(handle: &LoopHandle) -> Rc<Self> {
        handle.layer(|handle| {
            Rc::new(Self {
                number: enlist(handle.remote()),
                began: handle.recent(),
                stamp: Cell::new((handle.recent(), 0)),
                blocks: Blocks::default(),
                seats: RefCell::default(),
                next_id: Cell::new(1),
                grace: Cell::new(GRACE),
                wakes: Cell::new(0),
                polls: Cell::new(0),
                outside: Outside::default(),
                measure: Measure::default(),
            })
        })
    }

    /// Looks at the executor of a loop without sharing it.
    #[inline]
    pub(crate) fn with<R>(handle: &LoopHandle, look: impl FnOnce(&Self) -> R) -> R {
        match handle.layer_ref::<Self>() {
            Some(executor) => look(executor),
            None => look(&Self::of(handle)),
        }
    }

    /// The executor of the running loop, if it has one.
    pub(crate) fn current() -> Option<Rc<Self>> {
        LoopHandle::with_current(|handle| handle?.existing_layer())
    }

    /// Gives a task a seat; `make` makes the task.
    #[inline]
    pub(crate) fn seat<T>(
        &self,
        handle: &LoopHandle,
        site: Site,
        make: impl FnOnce(Birth) -> (T, AnyTask),
    ) -> T {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let context = self.copy_context();
        let parent = self.current_id();
        let (index, generation) = self.seats.borrow_mut().take_free();
        let ticket = Ticket::new(self.number, generation, index);
        let spawned = self.stamp(handle.recent());
        let (task, any) = make(Birth { id, ticket, site, parent, spawned });
        if context.is_some() {
            any.header().rare(|rare| rare.context = context);
        }
        self.seats.borrow_mut().sit_down(ticket, any);
        task
    }

    /// A task has ended: its seat is free, its ticket stale, and it comes back.
    #[inline]
    pub(crate) fn leave(&self, ticket: Ticket) -> Option<AnyTask> {
        let task = self.seats.borrow_mut().leave(ticket)?;
        if task.header().has(Flags::RARE) {
            self.measure.remember(task.header());
        }
        Some(task)
    }

    /// A loop is closed between its turns; if that were ever not so, a task that runs would go on.
    fn leave_unless_running(&self, ticket: Ticket) -> Option<AnyTask> {
        let runs = self.seats.borrow().get(ticket)?.header().has(Flags::RUNNING);
        if runs { None } else { self.leave(ticket) }
    }

    /// The living among the tasks with these numbers, which are sorted; looks at every task, once.
    pub(crate) fn living(&self, ids: &[u64]) -> Vec<AnyTask> {
        let seats = self.seats.borrow();
        let living = seats.sitting().filter(|task| ids.binary_search(&task.header().id).is_ok());
        living.map(|task| task.cloned()).collect()
    }

    pub(crate) fn find(&self, ticket: Ticket) -> Option<AnyTask> {
        if ticket.executor() != self.number {
            return None;
        }
        self.seats.borrow().get(ticket).map(|task| task.cloned())
    }

    /// Queues the task of this ticket, unless it is queued already or has ended. False if the
    /// ticket is another executor's.
    #[inline]
    pub(crate) fn wake(&self, handle: &LoopHandle, ticket: Ticket) -> bool {
        if ticket.executor() != self.number {
            return false;
        }
        let seats = self.seats.borrow();
        match seats.get(ticket) {
            Some(Sitting::Spawned(task)) if task.note_wake() => {
                self.count_wake();
                handle.queue_ticket(ticket.number());
            }
            Some(Sitting::Child(member)) if member.header.note_wake() => {
                self.count_wake();
                let member = Rc::clone(member);
                drop(seats); // it wakes its owner
                Rc::clone(&member.roster).push(member);
            }
            _ => {}
        }
        true
    }

    pub(crate) fn count_wake(&self) {
        self.wakes.set(self.wakes.get() + 1);
    }

    /// Notes what the current task waits for, for whoever looks.
    #[inline]
    pub(crate) fn note(what: WaitsFor) {
        LoopHandle::with_current(|handle| {
            let executor = handle?.layer_ref::<Self>()?;
            let seats = executor.seats.borrow();
            seats
                .get(executor.current_ticket()?)?
                .header()
                .note
                .set(Note::new(what, executor.began));
            Some(())
        });
    }

    /// What the task has noted, as far as that can be told here: outside the loop a time cannot.
    pub(crate) fn waits_for(header: &Header) -> WaitsFor {
        Self::current().map_or(WaitsFor::Unknown, |it| header.note.get().what(it.began))
    }

    /// Everything that lives, by number.
    pub(crate) fn tasks(&self) -> Vec<AnyTask> {
        let mut tasks: Vec<_> = self.seats.borrow().sitting().map(|task| task.cloned()).collect();
        tasks.sort_by_key(|task| task.header().id);
        tasks
    }

    /// Those of everything that lives, by number; keeps nobody.
    fn tickets(&self) -> Vec<Ticket> {
        let seats = self.seats.borrow();
        let mut headers: Vec<_> = seats.sitting().map(|task| task.header()).collect();
        headers.sort_unstable_by_key(|header| header.id);
        headers.into_iter().map(|header| header.ticket).collect()
    }

    /// A time in nanoseconds since the executor began. The last one is kept: most ask for the
    /// time of the same turn.
    #[inline]
    pub(crate) fn stamp(&self, time: Instant) -> u64 {
        let (known, stamp) = self.stamp.get();
        if known == time {
            return stamp;
        }
        let stamp = nanoseconds(time.saturating_duration_since(self.began));
        self.stamp.set((time, stamp));
        stamp
    }

    pub(crate) fn len(&self) -> usize {
        self.seats.borrow().len()
    }

    /// The ticket of the task being polled now, if it is one of this executor's: a task may look at
    /// another loop than its own, and a loop may run while another is closed.
    #[inline]
    fn current_ticket(&self) -> Option<Ticket> {
        current_ticket().filter(|ticket| ticket.executor() == self.number)
    }

    /// The task being polled now, by number; 0 if none is.
    #[inline]
    pub(crate) fn current_id(&self) -> u64 {
        let Some(ticket) = self.current_ticket() else { return 0 };
        self.seats.borrow().get(ticket).map_or(0, |task| task.header().id)
    }

    /// The number of the task that runs now; 0 if none does.
    #[inline]
    pub(crate) fn id_of_current_task() -> u64 {
        LoopHandle::with_current(|handle| Some(handle?.layer_ref::<Self>()?.current_id()))
            .unwrap_or(0)
    }

    pub(crate) fn current_task(&self) -> Option<AnyTask> {
        self.find(current_ticket()?)
    }

    /// The task that the loop gave its turn to: the current one, or the owner of the child that is
    /// the current one.
    pub(crate) fn outermost_task(&self) -> Option<AnyTask> {
        let mut task = self.current_task()?;
        while let Some(owner) = task.roster().and_then(Roster::owner) {
            task = self.find(owner)?;
        }
        Some(task)
    }

    /// A turn of the task: it is the current one until the guard is dropped.
    #[inline]
    pub(crate) fn enter(&self, header: &Header) -> TicketTurn {
        self.polls.set(self.polls.get() + 1);
        TicketTurn::begin(header.ticket.number())
    }

    pub(crate) fn grace(&self) -> Duration {
        self.grace.get()
    }

    pub(crate) fn set_grace(&self, grace: Duration) {
        self.grace.set(grace);
    }

    pub(crate) fn polls(&self) -> u64 {
        self.polls.get()
    }

    pub(crate) fn wakes(&self) -> u64 {
        self.wakes.get()
    }
}

/// The ticket of the task that runs now.
pub(crate) fn current_ticket() -> Option<Ticket> {
    Ticket::from_number(TicketTurn::current())
}

impl Drop for Executor {
    fn drop(&mut self) {
        // Not when it is closed: futures are dropped then, each in its turn, and another loop's
        // task of the same ticket would be taken for it.
        dismiss(self.number);
        free_all(&self.blocks);
    }
}

impl Layer for Executor {
    #[inline]
    fn wake(&self, handle: &LoopHandle, ticket: usize) -> bool {
        Ticket::from_number(ticket).is_some_and(|ticket| Self::wake(self, handle, ticket))
    }

    #[inline]
    fn ticket(&self, waker: &Waker) -> Option<usize> {
        let ticket = cell::ticket(waker)?;
        (ticket.executor() == self.number).then(|| ticket.number())
    }

    #[inline]
    fn run(&self, handle: &LoopHandle, ticket: usize) {
        if let Some(ticket) = Ticket::from_number(ticket) {
            TaskRef::step_of(ticket, &self.seats, handle, self);
        }
    }

    fn stalled(&self, stall: &mut Stall) {
        self.name_suspects(stall);
    }

    fn close(&self) {
        // Futures may spawn while they are dropped; the closed loop refuses them.
        let mut panicked = None;
        for ticket in self.tickets() {
            let Some(task) = self.leave_unless_running(ticket) else { continue };
            // Dropped in here as well: it may be the last that keeps what others made.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(move || task.close(self))) {
                panicked.get_or_insert(payload);
            }
        }
        if let Some(payload) = panicked {
            resume_unwind(payload);
        }
    }
}
