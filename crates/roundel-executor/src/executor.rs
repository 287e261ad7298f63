//! `Executor`: the tasks of one loop, and what they have in common.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
    time::{Duration, Instant},
};

use roundel_loop::{Layer, LoopHandle, Site, Stall};

use crate::{
    context::Outside,
    header::{Flags, Header, WaitsFor},
    measure::{Measure, now},
    roster::Roster,
    ticket::{MOST_TASKS, Ticket, dismiss, enlist},
};

/// A task, whatever its future is.
pub(crate) trait AnyTask {
    fn header(&self) -> &Header;

    /// It was woken: puts it where its turn comes from.
    fn queue(self: Rc<Self>, handle: &LoopHandle);

    /// Where its turn comes from, if not from the loop: a child is polled by its owner.
    fn roster(&self) -> Option<&Roster> {
        None
    }

    /// The loop is closed: drops the future and whatever else may hold the task in a circle.
    fn close(&self);
}

struct Seat {
    generation: u32,
    task: Option<Rc<dyn AnyTask>>,
}

#[derive(Default)]
struct Seats {
    seats: Vec<Seat>,
    free: Vec<u32>,
    taken: usize,
}

/// The tasks of a loop: the loop's layer.
pub(crate) struct Executor {
    number: u16,
    seats: RefCell<Seats>,
    next_id: Cell<u64>,
    current: Cell<u64>,
    current_ticket: Cell<Option<Ticket>>,
    /// The current task has woken itself.
    woken: Cell<bool>,
    /// What the current task says that it waits for.
    note: Cell<WaitsFor>,
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
                seats: RefCell::default(),
                next_id: Cell::new(1),
                current: Cell::new(0),
                current_ticket: Cell::new(None),
                woken: Cell::new(false),
                note: Cell::default(),
                grace: Cell::new(GRACE),
                wakes: Cell::new(0),
                polls: Cell::new(0),
                outside: Outside::default(),
                measure: Measure::default(),
            })
        })
    }

    /// The executor of the running loop, if it has one.
    pub(crate) fn current() -> Option<Rc<Self>> {
        LoopHandle::with_current(|handle| handle?.existing_layer())
    }

    /// Gives a task a seat; `make` makes the task from its header.
    pub(crate) fn seat<T: AnyTask + 'static>(
        &self,
        handle: &LoopHandle,
        site: Site,
        make: impl FnOnce(Header) -> Rc<T>,
    ) -> Rc<T> {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let context = self.copy_context();
        let mut seats = self.seats.borrow_mut();
        let index = match seats.free.pop() {
            Some(index) => index as usize,
            None => {
                let index = seats.seats.len();
                assert!(index < MOST_TASKS, "spawning a task: 2^28 tasks live already");
                seats.seats.push(Seat { generation: 0, task: None });
                index
            }
        };
        seats.taken += 1;
        let ticket = Ticket::new(self.number, seats.seats[index].generation, index);
        let header = Header::new(id, ticket, site, handle.recent(), self.current.get());
        if context.is_some() {
            header.rare(|rare| rare.context = context);
        }
        let task = make(header);
        seats.seats[index].task = Some(Rc::clone(&task) as _);
        task
    }

    /// A task has ended: its seat is free, and its ticket stale.
    pub(crate) fn leave(&self, ticket: Ticket) {
        let mut seats = self.seats.borrow_mut();
        let index = ticket.index();
        let Some(seat) = seats.seats.get_mut(index) else { return };
        let task = seat.task.take();
        if task.is_some() {
            seat.generation = seat.generation.wrapping_add(1);
            seats.taken -= 1;
            seats.free.push(index as u32);
        }
        drop(seats);
        if let Some(task) = &task {
            self.measure.remember(task.header());
        }
    }

    /// The living among the tasks with these numbers, which are sorted; looks at every task, once.
    pub(crate) fn living(&self, ids: &[u64]) -> Vec<Rc<dyn AnyTask>> {
        let seats = self.seats.borrow();
        let tasks = seats.seats.iter().filter_map(|seat| seat.task.as_ref());
        tasks.filter(|task| ids.binary_search(&task.header().id).is_ok()).cloned().collect()
    }

    pub(crate) fn find(&self, ticket: Ticket) -> Option<Rc<dyn AnyTask>> {
        let seats = self.seats.borrow();
        let seat = seats.seats.get(ticket.index())?;
        let task = seat.task.as_ref()?;
        (task.header().ticket == ticket).then(|| Rc::clone(task))
    }

    /// Queues the task of this ticket, unless it is queued already or has ended.
    #[inline]
    pub(crate) fn wake(&self, handle: &LoopHandle, ticket: Ticket) {
        // A task that wakes itself is queued when its step has ended, by whoever made the step.
        if self.current_ticket.get() == Some(ticket) {
            self.woken.set(true);
            return;
        }
        let seats = self.seats.borrow();
        let Some(Seat { task: Some(task), .. }) = seats.seats.get(ticket.index()) else { return };
        let header = task.header();
        if header.ticket == ticket && !header.set(Flags::QUEUED) {
            self.count_wake();
            let task = Rc::clone(task);
            drop(seats); // a child wakes its owner
            task.queue(handle);
        }
    }

    pub(crate) fn count_wake(&self) {
        self.wakes.set(self.wakes.get() + 1);
    }

    pub(crate) fn is_number(&self, number: u16) -> bool {
        self.number == number
    }

    /// Notes what the current task waits for, for whoever looks.
    pub(crate) fn note(what: WaitsFor) {
        LoopHandle::with_current(|handle| {
            handle?.layer_ref::<Self>()?.note.set(what);
            Some(())
        });
    }

    /// What the task that was just polled said that it waits for.
    pub(crate) fn take_note(&self) -> WaitsFor {
        self.note.take()
    }

    /// Says it again, for a task that has polled another meanwhile.
    pub(crate) fn put_note(&self, note: WaitsFor) {
        self.note.set(note);
    }

    /// Everything that lives, by number.
    pub(crate) fn tasks(&self) -> Vec<Rc<dyn AnyTask>> {
        let seats = self.seats.borrow();
        let mut tasks: Vec<_> = seats.seats.iter().filter_map(|seat| seat.task.clone()).collect();
        tasks.sort_by_key(|task| task.header().id);
        tasks
    }

    pub(crate) fn len(&self) -> usize {
        self.seats.borrow().taken
    }

    /// The task being polled now, by number; 0 if none is.
    pub(crate) fn current_id(&self) -> u64 {
        self.current.get()
    }

    pub(crate) fn current_ticket(&self) -> Option<Ticket> {
        self.current_ticket.get()
    }

    pub(crate) fn current_task(&self) -> Option<Rc<dyn AnyTask>> {
        self.find(self.current_ticket.get()?)
    }

    /// The task that the loop gave its turn to: the current one, or the owner of the child that is
    /// the current one.
    pub(crate) fn outermost_task(&self) -> Option<Rc<dyn AnyTask>> {
        let mut task = self.current_task()?;
        while let Some(owner) = task.roster().and_then(Roster::owner) {
            task = self.find(owner)?;
        }
        Some(task)
    }

    /// Makes a task the current one for as long as the guard lives.
    #[inline]
    pub(crate) fn enter<'a>(&'a self, header: &'a Header) -> Entered<'a> {
        self.polls.set(self.polls.get() + 1);
        self.note.set(WaitsFor::Unknown);
        let before = (
            self.current.replace(header.id),
            self.current_ticket.replace(Some(header.ticket)),
            self.woken.replace(false),
        );
        let since = if self.measure.is_on() { now() } else { None };
        Entered { executor: self, before, header, since }
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

/// The task that was current before is current again when this is dropped.
pub(crate) struct Entered<'a> {
    executor: &'a Executor,
    before: (u64, Option<Ticket>, bool),
    header: &'a Header,
    /// When it was entered, if polls are measured.
    since: Option<Instant>,
}

impl Entered<'_> {
    /// Whether the task has woken itself meanwhile.
    pub(crate) fn was_woken(&self) -> bool {
        self.executor.woken.get()
    }
}

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        self.executor.woken.set(self.before.2);
        self.executor.current.set(self.before.0);
        self.executor.current_ticket.set(self.before.1);
        if let (Some(since), Some(now)) = (self.since, self.since.and_then(|_| now())) {
            let poll = now.saturating_duration_since(since);
            self.header.rare(|rare| rare.poll_time.add(poll));
        }
    }
}

impl Layer for Executor {
    fn wake(&self, handle: &LoopHandle, ticket: usize) {
        Self::wake(self, handle, Ticket(ticket));
    }

    fn stalled(&self, stall: &mut Stall) {
        self.name_suspects(stall);
    }

    fn close(&self) {
        dismiss(self.number);
        // Futures may spawn while they are dropped; the closed loop refuses them.
        let mut panicked = None;
        for task in self.tasks() {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| task.close())) {
                panicked.get_or_insert(payload);
            }
            self.leave(task.header().ticket);
        }
        if let Some(payload) = panicked {
            resume_unwind(payload);
        }
    }
}
