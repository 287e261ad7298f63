//! `Scope`: a group's body and children, from the first poll to the last child's end.
//!
//! ```text
//! open ──── a failure, or finish ────▶ ending ── nobody is left ──▶ over
//!   └──────── the body has returned, and nobody is left ──────────────▲
//! ```

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
};

use roundel_loop::{LoopHandle, Site};

use super::error::{Cause, Failure, GroupError};
use crate::{
    JoinError,
    children::Children,
    clean_up::{Leavings, drop_and_collect},
    executor::Executor,
    life::Outcome,
    roster::Member,
    unread::report_lost,
};

/// A child's future, whatever its value: it has put that where it is awaited.
pub(super) type ChildFuture<'scope, E> = Pin<Box<dyn Future<Output = Result<(), E>> + 'scope>>;

pub(super) struct Scope<'scope, E, R> {
    site: Site,
    children: Children<ChildFuture<'scope, E>>,
    failures: RefCell<Vec<Failure<E>>>,
    value: Cell<Option<R>>,
    ending: Cell<bool>,
}

impl<'scope, E, R> Scope<'scope, E, R> {
    #[track_caller]
    pub(super) fn new(site: Site) -> Self {
        Self {
            site,
            children: Children::new(),
            failures: RefCell::default(),
            value: Cell::new(None),
            ending: Cell::new(false),
        }
    }

    pub(super) fn site(&self) -> Site {
        self.site
    }

    pub(super) fn children(&self) -> &Children<ChildFuture<'scope, E>> {
        &self.children
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.get()
    }

    pub(super) fn insert(
        &self,
        site: Site,
        name: Option<Rc<str>>,
        future: ChildFuture<'scope, E>,
    ) -> Rc<Member> {
        let member = self.children.insert(site, name, future);
        if self.is_ending() {
            member.header.cancel();
        }
        member
    }

    pub(super) fn finish(&self, value: R) {
        if !self.is_ending() {
            let before = self.value.replace(Some(value));
            self.end();
            drop(before);
        }
    }

    fn end(&self) {
        if !self.ending.replace(true) {
            self.children.cancel_all();
        }
    }

    /// A child has ended. One that was cancelled by itself is nobody's failure.
    fn child_ended(&self, member: &Member, outcome: Outcome<Result<(), E>>) {
        let cause = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Cause::Error(error),
            Err(error) if error.is_cancelled() => return,
            Err(error) => Cause::Panic(error),
        };
        let header = &member.header;
        self.failures.borrow_mut().push(Failure::new(header.display_name(), header.site, cause));
    }

    /// The body has ended, or panicked; says so.
    fn body_ended(&self, ended: std::thread::Result<Result<R, E>>) -> bool {
        let cause = match ended {
            Ok(Ok(value)) => {
                if !self.is_ending() {
                    self.value.set(Some(value));
                }
                return true;
            }
            Ok(Err(error)) => Cause::Error(error),
            Err(payload) => {
                let task = Executor::id_of_current_task();
                Cause::Panic(JoinError::panicked(task, self.site, payload))
            }
        };
        self.failures.borrow_mut().push(Failure::new("the body".into(), self.site, cause));
        true
    }

    fn outcome(&self) -> Result<R, GroupError<E>> {
        match GroupError::new(self.failures.take()) {
            Some(error) => Err(error),
            None => Ok(self.value.take().expect("a scope without a failure has a value")),
        }
    }
}

/// Runs the scope to its end.
pub(super) async fn run<E, R>(
    scope: Rc<Scope<'_, E, R>>,
    body: impl Future<Output = Result<R, E>>,
) -> Result<R, GroupError<E>> {
    // Dropped after the body: see the end of this file.
    let scope = Owned(scope);
    let mut body = pin!(Some(body));
    let mut left = None;
    poll_fn(|context| poll(&scope.0, body.as_mut(), &mut left, context)).await;
    scope.0.outcome()
}

/// A turn of the scope: the children that are ready, the body, and the consequences.
fn poll<E, R>(
    scope: &Scope<'_, E, R>,
    mut body: Pin<&mut Option<impl Future<Output = Result<R, E>>>>,
    left: &mut Option<Leavings>,
    context: &mut Context<'_>,
) -> Poll<()> {
    scope.children.poll(context, |member, outcome| scope.child_ended(member, outcome));
    if !scope.children.is_empty() {
        scope.children.note();
    }
    let over = match body.as_mut().as_pin_mut() {
        Some(future) if !scope.is_ending() => {
            match catch_unwind(AssertUnwindSafe(|| future.poll(context))) {
                Ok(Poll::Pending) => false,
                Ok(Poll::Ready(outcome)) => scope.body_ended(Ok(outcome)),
                Err(payload) => scope.body_ended(Err(payload)),
            }
        }
        _ => false,
    };
    if !scope.failures.borrow().is_empty() {
        scope.end();
    }
    if body.is_some() && (over || scope.is_ending()) {
        let dropped = AssertUnwindSafe(|| drop_and_collect(|| body.as_mut().set(None)));
        match catch_unwind(dropped) {
            Ok(leavings) => *left = Some(leavings),
            Err(payload) => _ = scope.body_ended(Err(payload)),
        }
    }
    if let Some(leavings) = left
        && Pin::new(leavings).poll(context).is_ready()
    {
        *left = None;
    }
    match body.is_none() && left.is_none() && scope.children.is_empty() {
        true => Poll::Ready(()),
        false => Poll::Pending,
    }
}

/// The scope that is running. Children may hold its group, and so each other, in a circle, which
/// breaks here: however the scope ends, it has no children afterwards.
struct Owned<'scope, E, R>(Rc<Scope<'scope, E, R>>);

impl<E, R> Drop for Owned<'_, E, R> {
    fn drop(&mut self) {
        self.0.ending.set(true);
        self.0.children.drop_all();
        let failures = self.0.failures.take();
        let Some(handle) = LoopHandle::try_current() else { return };
        for failure in failures {
            if let Cause::Panic(error) = failure.into_cause() {
                report_lost(&handle, "a child's panic was lost with its group", error);
            }
        }
    }
}
