//! `TaskGroup`: a scope that does not end before the children that were spawned in it.

mod builder;
mod child;
mod error;
mod results;
mod scope;

use std::{cell::Cell, fmt, future::Future, marker::PhantomData, panic::Location, rc::Rc};

pub use builder::ChildBuilder;
pub use child::{Child, Ending, WhenFree};
pub use error::{Cause, Failure, GroupError};
pub use results::Results;

use scope::Scope;

/// The children of one scope: spawn them through it, from the body or from other children.
///
/// [`scope`](Self::scope) is the only way to get one. It is cheap to clone, for children to spawn
/// others with, and it cannot leave its scope, so nothing is ever spawned into a group that has
/// ended.
///
/// - `'scope` is how long children may live: a child borrows whatever outlives it.
/// - `'env` is what surrounds the scope.
/// - `E` is the error that makes the group fail.
/// - `R` is the value of the scope.
///
/// # Semantics
///
/// Children are polled within the turns of the task that runs the scope: each turn polls the
/// children that were ready when it began, each once, in the order in which they were woken, and
/// then the body. So the first step of a child is made in the turn after its spawning; and between
/// two steps of children of one group no other task runs, if both are ready.
///
/// In everything else a child is a task: it has a number, a name and a place in
/// [`task_tree`](crate::task_tree), it is what [`current_task`](crate::current_task) tells, has its
/// own context variables, and is cancelled as tasks are: at its next turn its future is dropped,
/// then its clean-up runs, and only then has it ended.
///
/// A child or the body **fails** by returning an error or by panicking. Then the others are
/// cancelled, the body too; what was ready in the same turn still has its turn. When all have
/// ended, the scope returns a [`GroupError`] with every error, in the order in which they came.
#[doc(alias = "create_task")]
#[doc(alias = "nursery")]
pub struct TaskGroup<'scope, 'env: 'scope, E, R = ()> {
    scope: Rc<Scope<'scope, E, R>>,
    /// `'env` is exactly what surrounds the scope, neither more nor less.
    env: PhantomData<Cell<&'env ()>>,
}

impl<'env, E, R> TaskGroup<'env, 'env, E, R> {
    /// Runs `body`, waits for all children that it and they spawn, and returns the body's value.
    ///
    /// Children may borrow from what surrounds the call, and need be neither `Send` nor `'static`:
    ///
    /// ```
    /// use std::{cell::Cell, convert::Infallible, time::Duration};
    /// use roundel_executor::{GroupError, TaskGroup, sleep, spawn_on};
    ///
    /// async fn total(prices: &[u32]) -> Result<u32, GroupError<Infallible>> {
    ///     let sum = Cell::new(0);
    ///     TaskGroup::scope(async |group| {
    ///         for price in prices {
    ///             let sum = &sum;
    ///             group.spawn(async move {
    ///                 sleep(Duration::from_millis(1)).await;
    ///                 sum.set(sum.get() + price);
    ///                 Ok(())
    ///             });
    ///         }
    ///         Ok(())
    ///     })
    ///     .await?;
    ///     Ok(sum.get())
    /// }
    ///
    /// let mut event_loop = roundel_loop::EventLoop::new()?;
    /// let task = spawn_on(&event_loop.handle(), async { total(&[1, 2, 3]).await });
    /// assert_eq!(event_loop.run_until_complete(task)???, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A child's value comes with the child:
    ///
    /// ```
    /// # use roundel_executor::{TaskGroup, spawn_on};
    /// # async fn width() -> Result<u32, String> { Ok(2) }
    /// # async fn height() -> Result<u32, String> { Ok(3) }
    /// # let mut event_loop = roundel_loop::EventLoop::new()?;
    /// # let task = spawn_on(&event_loop.handle(), async {
    /// let area = TaskGroup::scope(async |group| {
    ///     let width = group.spawn(width());
    ///     let height = group.spawn(height());
    ///     Ok::<_, String>(width.await * height.await)
    /// });
    /// assert_eq!(area.await?, 6);
    /// # Ok::<(), roundel_executor::GroupError<String>>(())
    /// # });
    /// # event_loop.run_until_complete(task)???;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// What a child borrows has to outlive the scope. The body's own variables do not, as the body
    /// ends first:
    ///
    /// ```compile_fail,E0597
    /// # use roundel_executor::TaskGroup;
    /// # let _ =
    /// TaskGroup::scope(async |group| {
    ///     let name = String::from("short-lived");
    ///     let name = &name;
    ///     group.spawn(async move {
    ///         println!("{name}");
    ///         Ok(())
    ///     });
    ///     Ok::<_, String>(())
    /// });
    /// ```
    ///
    /// A child cannot escape its group, and neither can the group:
    ///
    /// ```compile_fail
    /// # use roundel_executor::TaskGroup;
    /// # let _ =
    /// TaskGroup::scope(async |group| Ok::<_, String>(group.spawn(async { Ok(1) })));
    /// ```
    ///
    /// # Errors
    /// A child or the body has failed; see [above](Self#semantics).
    ///
    /// # Panics
    /// If no loop runs in this thread when it is first polled.
    ///
    /// # Cancel safety
    /// Dropping it drops the body, then the children in the order of their numbers. What they leave
    /// to clean up is run by the task that drops it, before that goes on or is done: a cancel of
    /// the parent waits for the children. Errors that had been collected by then are dropped, and
    /// panics are reported.
    #[doc(alias = "__aenter__")]
    #[doc(alias = "__aexit__")]
    #[track_caller]
    pub fn scope<F>(body: F) -> impl Future<Output = Result<R, GroupError<E>>>
    where
        F: for<'scope> AsyncFnOnce(TaskGroup<'scope, 'env, E, R>) -> Result<R, E>,
    {
        let site = Location::caller();
        async move {
            let scope = Rc::new(Scope::new(site));
            let group = TaskGroup { scope: Rc::clone(&scope), env: PhantomData };
            scope::run(scope, body(group)).await
        }
    }
}

impl<'scope, 'env, E, R> TaskGroup<'scope, 'env, E, R> {
    /// Begins a child. Its first step runs in the next turn; nothing runs here.
    ///
    /// Its error makes the group fail. A child without errors ends with `Ok(())`.
    ///
    /// In a group that is ending already, the child is cancelled before its first step.
    #[doc(alias = "start_soon")]
    #[track_caller]
    pub fn spawn<T, F>(&self, future: F) -> Child<'scope, T>
    where
        T: 'scope,
        E: 'scope,
        F: Future<Output = Result<T, E>> + 'scope,
    {
        self.builder().spawn(future)
    }

    /// A child with a name.
    pub fn builder(&self) -> ChildBuilder<'_, 'scope, 'env, E, R> {
        ChildBuilder::new(self)
    }

    /// Begins a child as soon as there is room for it ([`limit`](Self::limit)), and waits until
    /// then. Who spawns many children in this way has never more of them than the limit, and one.
    ///
    /// The child stands in line from the call on; it is not lost if the wait is not polled.
    ///
    /// ```
    /// # use std::{convert::Infallible, time::Duration};
    /// # use futures::FutureExt;
    /// # use roundel_executor::{TaskGroup, sleep, spawn_on};
    /// # let mut event_loop = roundel_loop::EventLoop::new()?;
    /// # let task = spawn_on(&event_loop.handle(), async {
    /// TaskGroup::scope(async |group| {
    ///     group.limit(10);
    ///     for _job in 0..100 {
    ///         group.spawn_when_free(sleep(Duration::from_millis(1)).map(Ok)).await;
    ///         assert!(group.len() <= 10);
    ///     }
    ///     Ok::<_, Infallible>(())
    /// })
    /// .await
    /// # });
    /// # event_loop.run_until_complete(task)???;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Cancel safety
    /// Dropping it before the child has begun drops the child, unpolled.
    #[track_caller]
    pub fn spawn_when_free<T, F>(&self, future: F) -> WhenFree<'scope, T>
    where
        T: 'scope,
        E: 'scope,
        F: Future<Output = Result<T, E>> + 'scope,
    {
        self.builder().spawn_when_free(future)
    }

    /// At most `most` children are at work at once from now on; the others wait, unpolled, and begin
    /// in the order in which they were spawned. Those at work are left at it.
    ///
    /// A child that awaits another, which waits for room, has to leave some.
    ///
    /// # Panics
    /// If `most` is 0: nothing would ever begin.
    #[doc(alias = "Semaphore")]
    #[doc(alias = "CapacityLimiter")]
    #[track_caller]
    pub fn limit(&self, most: usize) {
        assert!(most > 0, "a group's limit is at least 1");
        self.scope.children().set_limit(most);
    }

    /// Children whose values come back in the order in which they end, each with its key.
    pub fn results<K, T>(&self) -> Results<'scope, 'env, E, R, K, T> {
        Results::new(self.clone())
    }

    /// Ends the scope with this value: every child is cancelled, and the body, if it still runs.
    /// The first call decides; it wins over the body's value. If a child or the body fails all the
    /// same, the scope returns the errors.
    ///
    /// The first of several that has an answer ends the scope:
    ///
    /// ```
    /// # use std::{convert::Infallible, time::Duration};
    /// # use roundel_executor::{TaskGroup, sleep, spawn_on};
    /// # let mut event_loop = roundel_loop::EventLoop::new()?;
    /// # let task = spawn_on(&event_loop.handle(), async {
    /// let fastest = TaskGroup::scope(async |group| {
    ///     for mirror in [30, 1, 20] {
    ///         let race = group.clone();
    ///         group.spawn(async move {
    ///             sleep(Duration::from_millis(mirror)).await;
    ///             race.finish(Some(mirror));
    ///             Ok(())
    ///         });
    ///     }
    ///     Ok::<_, Infallible>(None)
    /// });
    /// assert_eq!(fastest.await?, Some(1));
    /// # Ok::<(), roundel_executor::GroupError<Infallible>>(())
    /// # });
    /// # event_loop.run_until_complete(task)???;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn finish(&self, value: R) {
        self.scope.finish(value);
    }

    /// How many children have not ended.
    pub fn len(&self) -> usize {
        self.scope.children().len()
    }

    /// Whether no children live.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<E> TaskGroup<'_, '_, E> {
    /// Ends the scope without an error: every child is cancelled, and the body, if it still runs.
    /// For a scope with a value, see [`finish`](Self::finish).
    pub fn cancel(&self) {
        self.finish(());
    }
}

impl<E, R> Clone for TaskGroup<'_, '_, E, R> {
    fn clone(&self) -> Self {
        Self { scope: Rc::clone(&self.scope), env: PhantomData }
    }
}

impl<E, R> fmt::Debug for TaskGroup<'_, '_, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children = self.scope.children();
        f.debug_struct("TaskGroup")
            .field("children", &children.len())
            .field("at_work", &children.at_work())
            .field("ending", &self.scope.is_ending())
            .field("site", &format_args!("{}", self.scope.site()))
            .finish()
    }
}
