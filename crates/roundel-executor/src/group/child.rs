//! `Child`: one child of a group, for those inside the group.

use std::{
    cell::Cell,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use roundel_loop::Site;

use crate::{
    TaskState, WaitsFor,
    executor::Executor,
    header::{Flags, Header},
    roster::Member,
};

/// A child of a [`TaskGroup`](crate::TaskGroup). Await it for its value; drop it if you need none,
/// the group keeps the child.
///
/// What it gives is the value itself, as there is nothing else that could come: if the child fails,
/// the group ends whoever waits, and a child that is [cancelled](Self::cancel) cannot be awaited
/// any more. It cannot leave its group.
///
/// # Cancel safety
/// Dropping the wait loses nothing: the child goes on and can be awaited again through `&mut child`.
pub struct Child<'scope, T> {
    member: Rc<Member>,
    value: Rc<Cell<Option<T>>>,
    /// Exactly its own group's.
    scope: PhantomData<Cell<&'scope ()>>,
}

impl<T> Child<'_, T> {
    pub(super) fn new(member: Rc<Member>, value: Rc<Cell<Option<T>>>) -> Self {
        Self { member, value, scope: PhantomData }
    }

    fn header(&self) -> &Header {
        &self.member.header
    }

    /// The child's number, unique on its loop.
    pub fn id(&self) -> u64 {
        self.header().id
    }

    /// The child's name: the one it was given, or `Task-` and its number.
    pub fn name(&self) -> String {
        self.header().display_name()
    }

    /// Where it was spawned.
    pub fn site(&self) -> Site {
        self.header().site
    }

    /// Where it is in its life.
    pub fn state(&self) -> TaskState {
        self.header().state()
    }

    /// Whether it has ended, its clean-up included.
    #[doc(alias = "done")]
    pub fn is_done(&self) -> bool {
        self.header().has(Flags::DONE)
    }

    fn poll_ended(&self, context: &Context<'_>) -> Poll<()> {
        if self.is_done() {
            return Poll::Ready(());
        }
        assert!(!self.header().is_current(), "a child cannot await itself");
        if !self.member.roster.is_owners(context.waker()) {
            self.header().add_joiner(context.waker(), Executor::id_of_current_task());
        }
        Executor::note(WaitsFor::Task(self.id()));
        Poll::Pending
    }
}

impl<'scope, T> Child<'scope, T> {
    /// Asks the child to end, which it cannot refuse: at its next turn its future is dropped, then
    /// its clean-up runs. The group and its other children go on.
    ///
    /// What this returns may be awaited, for that end.
    pub fn cancel(self) -> Ending<'scope, T> {
        self.header().cancel();
        Ending { child: self }
    }
}

impl<T> Future for Child<'_, T> {
    type Output = T;

    /// # Panics
    /// If a child awaits itself.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match self.poll_ended(context) {
            Poll::Ready(()) => match self.value.take() {
                Some(value) => Poll::Ready(value),
                // It has failed, and the group is about to drop whoever polls here.
                None => Poll::Pending,
            },
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for Child<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("name", &self.name())
            .field("state", &self.state())
            .field("waits_for", &Executor::waits_for(self.header()))
            .field("site", &format_args!("{}", self.site()))
            .finish()
    }
}

/// A child that was cancelled; see [`Child::cancel`]. Await it, or drop it.
///
/// Its output is the child's value, if the child had ended before the cancel.
///
/// # Cancel safety
/// Dropping it takes nothing back: the child ends all the same.
#[derive(Debug)]
pub struct Ending<'scope, T> {
    child: Child<'scope, T>,
}

impl<T> Future for Ending<'_, T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.child.poll_ended(context).map(|()| self.child.value.take())
    }
}

/// A child that waits for room in its group; see
/// [`TaskGroup::spawn_when_free`](crate::TaskGroup::spawn_when_free). Its output is the child, once
/// that has begun.
#[derive(Debug)]
#[must_use = "dropping it drops the child unless it has begun"]
pub struct WhenFree<'scope, T> {
    child: Option<Child<'scope, T>>,
}

impl<'scope, T> WhenFree<'scope, T> {
    pub(super) fn new(child: Child<'scope, T>) -> Self {
        Self { child: Some(child) }
    }
}

impl<'scope, T> Future for WhenFree<'scope, T> {
    type Output = Child<'scope, T>;

    /// # Panics
    /// If it has given the child already.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Child<'scope, T>> {
        let child = self.child.take().expect("a child is given once");
        if child.member.has_begun() {
            return Poll::Ready(child);
        }
        child.member.wake_when_begun(context.waker());
        self.child = Some(child);
        Poll::Pending
    }
}

impl<T> Drop for WhenFree<'_, T> {
    fn drop(&mut self) {
        if let Some(child) = &self.child
            && !child.member.has_begun()
        {
            child.header().cancel();
        }
    }
}
