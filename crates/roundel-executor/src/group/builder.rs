//! `ChildBuilder`: how children begin.

use std::{cell::Cell, fmt, future::Future, panic::Location, rc::Rc};

use futures::FutureExt;
use roundel_loop::Site;

use super::{Child, TaskGroup, WhenFree};

/// How a child begins: under which name, and when. See [`TaskGroup::builder`].
pub struct ChildBuilder<'a, 'scope, 'env, E, R> {
    group: &'a TaskGroup<'scope, 'env, E, R>,
    name: Option<Rc<str>>,
}

impl<'a, 'scope, 'env, E, R> ChildBuilder<'a, 'scope, 'env, E, R> {
    pub(super) fn new(group: &'a TaskGroup<'scope, 'env, E, R>) -> Self {
        Self { group, name: None }
    }

    /// Gives the child a name, for reports and pictures.
    #[must_use]
    pub fn name(mut self, name: impl Into<Rc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Begins the child; see [`TaskGroup::spawn`].
    #[track_caller]
    pub fn spawn<T, F>(self, future: F) -> Child<'scope, T>
    where
        T: 'scope,
        E: 'scope,
        F: Future<Output = Result<T, E>> + 'scope,
    {
        self.begin(Location::caller(), future)
    }

    /// Begins the child as soon as there is room; see [`TaskGroup::spawn_when_free`].
    #[track_caller]
    pub fn spawn_when_free<T, F>(self, future: F) -> WhenFree<'scope, T>
    where
        T: 'scope,
        E: 'scope,
        F: Future<Output = Result<T, E>> + 'scope,
    {
        WhenFree::new(self.begin(Location::caller(), future))
    }

    fn begin<T, F>(self, site: Site, future: F) -> Child<'scope, T>
    where
        T: 'scope,
        E: 'scope,
        F: Future<Output = Result<T, E>> + 'scope,
    {
        let value = Rc::new(Cell::new(None));
        let put = Rc::clone(&value);
        let future = future.map(move |outcome| outcome.map(|value| put.set(Some(value))));
        let member = self.group.scope.insert(site, self.name, Box::pin(future));
        Child::new(member, value)
    }
}

impl<E, R> fmt::Debug for ChildBuilder<'_, '_, '_, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}
