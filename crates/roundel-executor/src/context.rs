//! `ContextVars`: the values of all context variables at one moment.
//!
//! Each task has its own, and so has each loop for what runs outside tasks. A copy shares what it
//! was copied from until one of the two is changed, and a program without context variables pays a
//! look at a flag for each task.
//!
//! Values that were replaced are returned and dropped by whoever asked for it: dropping them is
//! user code, and no borrow may be held while that runs.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
};

use roundel_loop::LoopHandle;

use crate::{executor::Executor, header::Flags};

/// A variable's value, whatever its type.
pub(crate) type Value = Rc<dyn Any>;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number for a variable or a context, never given twice.
pub(crate) fn fresh_number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The values by their variables' numbers. Few, so a list.
#[derive(Clone)]
pub(crate) struct Values {
    /// Tells this context from its copies.
    identity: u64,
    entries: Rc<Vec<(u64, Value)>>,
}

impl Values {
    fn new() -> Self {
        Self { identity: fresh_number(), entries: Rc::default() }
    }

    fn copy(&self) -> Self {
        Self { identity: fresh_number(), entries: Rc::clone(&self.entries) }
    }

    fn get(&self, variable: u64) -> Option<&Value> {
        self.entries.iter().find(|(number, _)| *number == variable).map(|(_, value)| value)
    }

    /// Puts a variable's value in place, or takes it away; the one before comes back.
    fn exchange(&mut self, variable: u64, value: Option<Value>) -> Option<Value> {
        let entries = Rc::make_mut(&mut self.entries);
        let place = entries.iter().position(|(number, _)| *number == variable);
        match (place, value) {
            (Some(place), Some(value)) => Some(std::mem::replace(&mut entries[place].1, value)),
            (Some(place), None) => Some(entries.swap_remove(place).1),
            (None, Some(value)) => {
                entries.push((variable, value));
                None
            }
            (None, None) => None,
        }
    }
}

/// What runs outside tasks has this context.
#[derive(Default)]
pub(crate) struct Outside {
    values: RefCell<Option<Values>>,
    /// Whether any context of this loop has ever held a value.
    used: Cell<bool>,
}

impl Executor {
    /// Looks at the current task's context, or the loop's outside a task. `look` must not run user
    /// code, here and below.
    fn with_context<R>(&self, look: impl FnOnce(&Option<Values>) -> R) -> R {
        match self.current_task() {
            Some(task) if task.header().has(Flags::RARE) => {
                task.header().rare(|rare| look(&rare.context))
            }
            Some(_) => look(&None),
            None => look(&self.outside.values.borrow()),
        }
    }

    fn with_context_mut<R>(&self, change: impl FnOnce(&mut Option<Values>) -> R) -> R {
        self.outside.used.set(true);
        match self.current_task() {
            Some(task) => task.header().rare(|rare| change(&mut rare.context)),
            None => change(&mut self.outside.values.borrow_mut()),
        }
    }

    /// What a new task takes along.
    #[inline]
    pub(crate) fn copy_context(&self) -> Option<Values> {
        if self.outside.used.get() { self.copy_used_context() } else { None }
    }

    #[cold]
    fn copy_used_context(&self) -> Option<Values> {
        self.with_context(|values| values.as_ref().map(Values::copy))
    }
}

/// The value of a variable here and now.
pub(crate) fn look_up(variable: u64) -> Option<Value> {
    LoopHandle::with_current(|handle| {
        handle?
            .layer_ref::<Executor>()?
            .with_context(|values| values.as_ref().and_then(|values| values.get(variable).cloned()))
    })
}

/// Which context is the current one; none if it has never held a value.
pub(crate) fn identity() -> Option<u64> {
    LoopHandle::with_current(|handle| {
        let executor = handle?.layer_ref::<Executor>()?;
        executor.with_context(|values| values.as_ref().map(|values| values.identity))
    })
}

/// Changes a variable's value in the current context; returns the one before, and the identity of
/// the context.
///
/// # Panics
/// If no loop runs in this thread.
#[track_caller]
pub(crate) fn exchange(variable: u64, value: Option<Value>) -> (Option<Value>, u64) {
    let executor = Executor::of(&LoopHandle::current());
    executor.with_context_mut(|values| {
        let values = values.get_or_insert_with(Values::new);
        (values.exchange(variable, value), values.identity)
    })
}

/// A copy of all context variables' values, in which functions and futures can run.
///
/// Tasks, and the children of a group, take a copy along by themselves. A call-back does not: give
/// it one with [`bind`](Self::bind).
///
/// ```
/// use roundel_executor::{ContextVar, ContextVars, spawn_on};
/// use roundel_loop::LoopHandle;
///
/// static USER: ContextVar<&str> = ContextVar::new("user");
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     USER.set("ada");
///     let here = ContextVars::copy();
///     USER.set("bob");
///     LoopHandle::current().call_soon(here.bind(|| assert_eq!(USER.get(), Some("ada"))));
/// });
/// event_loop.run_until_complete(task)??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "Context")]
#[derive(Default)]
pub struct ContextVars(Option<Values>);

impl ContextVars {
    /// Without any value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of the current task, or of the running loop outside a task; none outside a loop.
    #[doc(alias = "copy_context")]
    pub fn copy() -> Self {
        Self(LoopHandle::with_current(|handle| handle?.layer_ref::<Executor>()?.copy_context()))
    }

    /// Runs a function in it. What the function changes stays in here.
    ///
    /// It cannot be entered again while it is: that would need a second `&mut`.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub fn run<R>(&mut self, function: impl FnOnce() -> R) -> R {
        let executor = Executor::of(&LoopHandle::current());
        let _inside = Inside::enter(&executor, &mut self.0);
        function()
    }

    /// A function that runs in it: a call-back that takes its context along.
    pub fn bind<R>(mut self, function: impl FnOnce() -> R) -> impl FnOnce() -> R {
        move || self.run(function)
    }

    /// Runs a future in it: it is the current context while the future is polled.
    ///
    /// # Panics
    /// If it is polled where no loop runs.
    ///
    /// # Cancel safety
    /// Dropping it drops the future, whose own affair that is. It is dropped outside the context.
    pub async fn scope<F: Future>(mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| self.run(|| future.as_mut().poll(context))).await
    }
}

impl fmt::Debug for ContextVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.0.as_ref().map_or(0, |values| values.entries.len());
        f.debug_struct("ContextVars").field("values", &values).finish()
    }
}

/// While it lives, `outside` holds the context that was current, whose place the given one has
/// taken.
struct Inside<'a> {
    executor: &'a Executor,
    outside: &'a mut Option<Values>,
}

impl<'a> Inside<'a> {
    fn enter(executor: &'a Executor, values: &'a mut Option<Values>) -> Self {
        executor.with_context_mut(|current| std::mem::swap(current, values));
        Self { executor, outside: values }
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.executor.with_context_mut(|current| std::mem::swap(current, self.outside));
    }
}
