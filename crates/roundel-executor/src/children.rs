//! `Children`: futures that one task owns and polls within its own turns. Groups and gatherings
//! stand on it.
//!
//! # Why children may borrow
//!
//! There is no unsafe code here, so the compiler vouches for what follows; this is why it can.
//!
//! The futures lie in their owner, and nobody but the owner's `poll` polls them. What wakes a child
//! is a number (see `roster.rs`) that leads to its place in a queue and never to its future. So a
//! child's future can be used or dropped only through the owner, which carries the lifetime of all
//! that the children borrow: as long as anybody can reach the owner, the borrows are good. Dropping
//! the owner drops the children. Leaking it, with `mem::forget`, leaks the children with it: they
//! are never polled again, and a future that is not polled touches nothing. That is what a spawned
//! task cannot have: the loop keeps that one, and forgetting its handle does not stop it.
//!
//! # Whose turn it is
//!
//! A child that is woken stands in the roster and wakes its owner. Each turn of the owner polls
//! exactly the children that were ready when the turn began, each once, in the order in which they
//! were woken: as the loop does it with its call-backs, so a child that is always ready cannot hold
//! up the loop. Nothing is searched: a wake costs the same among ten children and among a million.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use roundel_loop::{LoopHandle, Site};

use crate::{
    clean_up::hand_on,
    executor::{AnyTask, Executor},
    header::{Flags, Header},
    life::{self, Life, Outcome, Step},
    note::WaitsFor,
    roster::{Member, Roster},
    unread::{report_lost, report_panic},
};

/// What is left of a child.
enum Stage<F: Future> {
    Future(F),
    /// The future has ended so; what it left to clean up goes on.
    CleaningUp(Outcome<F::Output>),
    /// It is being polled or dropped, outside its place.
    Away,
}

struct Place<F: Future> {
    member: Rc<Member>,
    stage: Stage<F>,
}

/// The children of one owner.
pub(crate) struct Children<F: Future + Unpin> {
    handle: LoopHandle,
    executor: Rc<Executor>,
    roster: Rc<Roster>,
    places: RefCell<Vec<Option<Place<F>>>>,
    free: RefCell<Vec<usize>>,
    living: Cell<usize>,
    /// How many may be at work at once.
    limit: Cell<usize>,
    at_work: Cell<usize>,
    /// Those that wait, unpolled, until there is room for them.
    waiting: RefCell<VecDeque<Rc<Member>>>,
}

impl<F: Future + Unpin> Children<F> {
    /// No children yet, for the running loop.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub(crate) fn new() -> Self {
        let handle = LoopHandle::current();
        Self {
            executor: Executor::of(&handle),
            handle,
            roster: Rc::default(),
            places: RefCell::default(),
            free: RefCell::default(),
            living: Cell::new(0),
            limit: Cell::new(usize::MAX),
            at_work: Cell::new(0),
            waiting: RefCell::default(),
        }
    }

    /// How many have not ended.
    pub(crate) fn len(&self) -> usize {
        self.living.get()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many are at work.
    pub(crate) fn at_work(&self) -> usize {
        self.at_work.get()
    }

    /// Whether this waker wakes the owner, who looks at everything else after its children: it
    /// need not be told of what they do.
    pub(crate) fn is_owners(&self, waker: &Waker) -> bool {
        self.roster.is_owners(waker)
    }

    /// Takes a child in. Its first turn is the owner's next, or comes when there is room.
    pub(crate) fn insert(&self, site: Site, name: Option<Rc<str>>, future: F) -> Rc<Member> {
        let free = self.free.borrow_mut().pop();
        let place = free.unwrap_or_else(|| {
            self.places.borrow_mut().push(None);
            self.places.borrow().len() - 1
        });
        let roster = Rc::clone(&self.roster);
        let member = self.executor.seat(&self.handle, site, |birth| {
            let member = Rc::new(Member::new(Header::new(birth), roster, place));
            (Rc::clone(&member), AnyTask::Child(member))
        });
        if name.is_some() {
            member.header.rare(|rare| rare.name = name);
        }
        let stage = Stage::Future(future);
        self.places.borrow_mut()[place] = Some(Place { member: Rc::clone(&member), stage });
        self.living.set(self.living.get() + 1);
        if self.has_room() && self.waiting.borrow().is_empty() {
            self.admit(&member);
        } else {
            self.waiting.borrow_mut().push_back(Rc::clone(&member));
        }
        member
    }

    /// At most so many are at work at once from now on; those that are stay.
    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
        self.fill_up();
    }

    fn has_room(&self) -> bool {
        self.at_work.get() < self.limit.get()
    }

    fn admit(&self, member: &Rc<Member>) {
        self.at_work.set(self.at_work.get() + 1);
        member.begin();
    }

    /// Lets those begin for whom there is room, first come, first served.
    fn fill_up(&self) {
        while self.has_room() {
            let Some(next) = self.waiting.borrow_mut().pop_front() else { return };
            if !next.header.has(Flags::DONE) {
                self.admit(&next);
            }
        }
    }

    /// A turn of the owner: polls the children that are ready, and tells which ended how.
    pub(crate) fn poll(
        &self,
        context: &Context<'_>,
        mut ended: impl FnMut(&Member, Outcome<F::Output>),
    ) {
        for _ in 0..self.roster.call(&self.executor, context.waker()) {
            let Some(member) = self.roster.next() else { break };
            if let Some(outcome) = self.step(&member) {
                ended(&member, outcome);
            }
        }
    }

    /// A child's turn; its outcome, if it has ended.
    fn step(&self, member: &Rc<Member>) -> Option<Outcome<F::Output>> {
        if member.header.has(Flags::DONE) {
            return None; // it was woken in its last turn; its place may be another's by now
        }
        let stage = self.exchange(member, Stage::Away);
        let turn = Turn { header: &member.header, stage: RefCell::new(stage) };
        let step = life::step(&turn, &self.handle, &self.executor);
        match turn.stage.into_inner() {
            Stage::CleaningUp(outcome) if step == Step::Done => {
                self.leave(member);
                let _seated = life::finish(&member.header, &self.executor);
                Some(outcome)
            }
            stage => {
                self.exchange(member, stage);
                if step == Step::Again {
                    self.executor.count_wake();
                    self.roster.push(Rc::clone(member));
                }
                None
            }
        }
    }

    fn exchange(&self, member: &Member, stage: Stage<F>) -> Stage<F> {
        let mut places = self.places.borrow_mut();
        let place = places[member.place].as_mut().expect("a child that lives has a place");
        mem::replace(&mut place.stage, stage)
    }

    /// The place of a child that has ended is free, and so is its room.
    fn leave(&self, member: &Member) {
        self.places.borrow_mut()[member.place] = None;
        self.free.borrow_mut().push(member.place);
        self.living.set(self.living.get() - 1);
        if member.has_begun() {
            self.at_work.set(self.at_work.get() - 1);
            self.fill_up();
        }
    }

    /// Says that the owner waits for its children, if it has any.
    pub(crate) fn note(&self) {
        if !self.is_empty() {
            Executor::note(WaitsFor::Children(self.len()));
        }
    }

    /// Asks every child to end, in the order of their numbers.
    pub(crate) fn cancel_all(&self) {
        let places = self.places.borrow();
        let mut members: Vec<_> =
            places.iter().flatten().map(|place| Rc::clone(&place.member)).collect();
        drop(places);
        members.sort_unstable_by_key(|member| member.header.id);
        members.iter().for_each(Member::cancel);
    }

    /// Drops the children that have not ended, where they are. What they leave to clean up goes to
    /// the task that drops them.
    pub(crate) fn drop_all(&self) {
        self.waiting.take();
        let mut left: Vec<_> = self.places.take().into_iter().flatten().collect();
        left.sort_unstable_by_key(|place| place.member.header.id);
        for Place { member, stage } in left {
            let header = &member.header;
            let entered = self.executor.enter(header);
            let dropped = catch_unwind(AssertUnwindSafe(move || match stage {
                Stage::CleaningUp(Err(error)) if error.is_panic() => Some(error),
                stage => {
                    drop(stage);
                    None
                }
            }));
            drop(entered);
            let clean_ups = header.if_rare(|rare| mem::take(&mut rare.clean_ups));
            if !header.has(Flags::DONE) {
                header.set(Flags::CANCELLED);
                let _seated = life::finish(header, &self.executor);
            }
            hand_on(clean_ups.unwrap_or_default());
            match dropped {
                Ok(None) => {}
                Ok(Some(error)) => {
                    report_lost(&self.handle, "a child's panic was lost with its owner", error);
                }
                Err(payload) => {
                    let message = "a child panicked when it was dropped";
                    report_panic(&self.handle, header, message, payload);
                }
            }
        }
        self.roster.close();
        self.living.set(0);
    }
}

impl<F: Future + Unpin> Drop for Children<F> {
    fn drop(&mut self) {
        self.drop_all();
    }
}

/// A child while it is polled.
struct Turn<'a, F: Future> {
    header: &'a Header,
    stage: RefCell<Stage<F>>,
}

impl<F: Future + Unpin> Life for Turn<'_, F> {
    type Value = F::Output;

    fn header(&self) -> &Header {
        self.header
    }

    fn poll_future(&self, context: &mut Context<'_>) -> Poll<F::Output> {
        match &mut *self.stage.borrow_mut() {
            Stage::Future(future) => Pin::new(future).poll(context),
            _ => Poll::Pending,
        }
    }

    fn end_future(&self, outcome: Outcome<F::Output>) {
        let ended = self.stage.replace(Stage::CleaningUp(outcome));
        drop(ended);
    }
}
