//! `Results`: the values of a group's children, in the order in which they come.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::{FutureExt, Stream};

use super::TaskGroup;
use crate::{WaitsFor, executor::Executor};

/// Children of one group with values of one type: a stream of `(key, value)` in the order in which
/// they end. The key says whose value it is.
///
/// ```
/// use std::{collections::HashMap, convert::Infallible, time::Duration};
/// use futures::StreamExt;
/// use roundel_executor::{TaskGroup, sleep, spawn_on};
///
/// async fn fetch(page: u64) -> Result<String, Infallible> {
///     sleep(Duration::from_millis(page)).await;
///     Ok(format!("page {page}"))
/// }
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     TaskGroup::scope(async |group| {
///         let mut pages = group.results();
///         for page in [3, 1, 2] {
///             pages.spawn(page, fetch(page));
///         }
///         assert_eq!(pages.next().await, Some((1, "page 1".to_string())));
///         let rest: HashMap<_, _> = pages.collect().await;
///         assert_eq!(rest.len(), 2);
///         Ok(())
///     })
///     .await
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The stream ends when every value has been taken; it goes on if more children are spawned. A
/// child that fails ends the group, and whoever waits here with it.
///
/// # Cancel safety
/// Dropping a wait for the next value loses nothing. Dropping `Results` drops the values that are
/// not taken; the children go on.
#[doc(alias = "as_completed")]
pub struct Results<'scope, 'env, E, R, K, T> {
    group: TaskGroup<'scope, 'env, E, R>,
    came: Rc<Came<K, T>>,
}

/// The values that have come.
struct Came<K, T> {
    queue: RefCell<VecDeque<(K, T)>>,
    /// How many may still come.
    expected: Cell<usize>,
    waiting: Cell<Option<Waker>>,
}

/// A value that is to come, or will not, if this is dropped.
struct Expected<K, T> {
    came: Rc<Came<K, T>>,
    key: Option<K>,
}

impl<K, T> Expected<K, T> {
    fn put(mut self, value: T) {
        if let Some(key) = self.key.take() {
            self.came.queue.borrow_mut().push_back((key, value));
        }
    }
}

impl<K, T> Drop for Expected<K, T> {
    fn drop(&mut self) {
        let came = &self.came;
        came.expected.set(came.expected.get() - 1);
        if let Some(waker) = came.waiting.take() {
            waker.wake();
        }
    }
}

impl<'scope, 'env, E, R, K, T> Results<'scope, 'env, E, R, K, T> {
    pub(super) fn new(group: TaskGroup<'scope, 'env, E, R>) -> Self {
        let queue = RefCell::default();
        let came = Came { queue, expected: Cell::new(0), waiting: Cell::new(None) };
        Self { group, came: Rc::new(came) }
    }

    /// Begins a child whose value comes with this key; else as [`TaskGroup::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, key: K, future: F)
    where
        K: 'scope,
        T: 'scope,
        E: 'scope,
        F: Future<Output = Result<T, E>> + 'scope,
    {
        self.group.spawn(keyed(Rc::clone(&self.came), key, future));
    }

    /// Begins a child as soon as there is room; else as [`TaskGroup::spawn_when_free`].
    ///
    /// # Cancel safety
    /// Dropping it before the child has begun drops the child, unpolled.
    #[track_caller]
    pub fn spawn_when_free<F>(&self, key: K, future: F) -> impl Future<Output = ()> + 'scope
    where
        K: 'scope,
        T: 'scope,
        E: 'scope,
        F: Future<Output = Result<T, E>> + 'scope,
    {
        self.group.spawn_when_free(keyed(Rc::clone(&self.came), key, future)).map(drop)
    }
}

/// The future, putting its value where it is expected.
fn keyed<K, T, E>(
    came: Rc<Came<K, T>>,
    key: K,
    future: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<(), E>> {
    came.expected.set(came.expected.get() + 1);
    let expected = Expected { came, key: Some(key) };
    future.map(move |outcome| outcome.map(|value| expected.put(value)))
}

impl<E, R, K, T> Stream for Results<'_, '_, E, R, K, T> {
    type Item = (K, T);

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<(K, T)>> {
        let next = self.came.queue.borrow_mut().pop_front();
        let expected = self.came.expected.get();
        if next.is_some() || expected == 0 {
            return Poll::Ready(next);
        }
        if !self.group.scope.children().is_owners(context.waker()) {
            let before = self.came.waiting.replace(Some(context.waker().clone()));
            drop(before);
        }
        Executor::note(WaitsFor::Tasks(expected));
        Poll::Pending
    }
}

impl<E, R, K, T> fmt::Debug for Results<'_, '_, E, R, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results")
            .field("came", &self.came.queue.borrow().len())
            .field("expected", &self.came.expected.get())
            .finish_non_exhaustive()
    }
}
