//! `ContextVar`: a value that follows the flow of a program through its tasks.

use std::{
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::pin,
    rc::Rc,
    sync::OnceLock,
};

use crate::context::{self, Value, exchange, fresh_number};

/// A variable that each task has for itself: the user a request is for, a trace's number.
///
/// A task begins with a copy of its creator's values, so it sees what was set before it was
/// spawned; what it sets itself, its creator and its siblings do not see. Values are cloned on
/// [`get`](Self::get), so put what is large into an [`Rc`]; with an `Rc<Cell<…>>` tasks share a
/// value on purpose.
///
/// A variable is a `static`. Its values belong to loops and stay in their threads, so they need
/// not be `Send`. Outside a loop there are none.
///
/// ```
/// use roundel_executor::{ContextVar, spawn, spawn_on};
///
/// static DEPTH: ContextVar<u32> = ContextVar::with_default("depth", || 0);
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     DEPTH.set(1);
///     let child = spawn(async {
///         DEPTH.set(DEPTH.get().unwrap_or_default() + 1);
///         DEPTH.get()
///     });
///     assert_eq!(child.await.unwrap(), Some(2));
///     DEPTH.get()
/// });
/// assert_eq!(event_loop.run_until_complete(task)??, Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "task_local")]
pub struct ContextVar<T> {
    name: &'static str,
    default: Option<fn() -> T>,
    /// Given at the first use: a constant has no place in memory that could tell it apart.
    number: OnceLock<u64>,
}

impl<T> ContextVar<T> {
    /// Without a default.
    pub const fn new(name: &'static str) -> Self {
        Self { name, default: None, number: OnceLock::new() }
    }

    /// With a default for where no value is set.
    pub const fn with_default(name: &'static str, default: fn() -> T) -> Self {
        Self { name, default: Some(default), number: OnceLock::new() }
    }

    /// The variable's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn number(&self) -> u64 {
        *self.number.get_or_init(fresh_number)
    }
}

impl<T: Clone + 'static> ContextVar<T> {
    /// The value here and now: the one that was set, else the default, else none.
    pub fn get(&self) -> Option<T> {
        let value = context::look_up(self.number());
        let value = value.and_then(|value| value.downcast_ref::<T>().cloned());
        value.or_else(|| self.default.map(|default| default()))
    }

    /// Sets the value for the current task, or for the running loop outside a task. The token
    /// restores the one before; to have that done, use [`scope`](Self::scope).
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub fn set(&self, value: T) -> Token<T> {
        let (before, context) = exchange(self.number(), Some(Rc::new(value)));
        Token { variable: self.number(), before, context, of: PhantomData }
    }

    /// Runs a future with a value: whatever it awaits sees the value, and whatever runs beside it,
    /// in the same task too, does not.
    ///
    /// # Panics
    /// If it is polled where no loop runs.
    ///
    /// # Cancel safety
    /// Dropping it drops the future, whose own affair that is. It is dropped outside the scope.
    #[doc(alias = "Token.__enter__")]
    pub async fn scope<F: Future>(&self, value: T, future: F) -> F::Output {
        let mut inside: Option<Value> = Some(Rc::new(value));
        let mut future = pin!(future);
        poll_fn(|context| {
            let _scope = Scope::enter(self.number(), &mut inside);
            future.as_mut().poll(context)
        })
        .await
    }
}

impl<T> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextVar").field("name", &self.name).finish_non_exhaustive()
    }
}

/// While it lives, `outside` holds the variable's value of the surroundings.
struct Scope<'a> {
    variable: u64,
    outside: &'a mut Option<Value>,
}

impl<'a> Scope<'a> {
    fn enter(variable: u64, value: &'a mut Option<Value>) -> Self {
        *value = exchange(variable, value.take()).0;
        Self { variable, outside: value }
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        *self.outside = exchange(self.variable, self.outside.take()).0;
    }
}

/// Restores what a variable was before a [`set`](ContextVar::set). It can do so once, as it is
/// consumed, and only in the context in which it was made. Dropping it restores nothing.
pub struct Token<T> {
    variable: u64,
    before: Option<Value>,
    context: u64,
    of: PhantomData<fn() -> T>,
}

impl<T: Clone + 'static> Token<T> {
    /// The value before, if there was one.
    #[doc(alias = "Token.old_value")]
    pub fn old_value(&self) -> Option<T> {
        self.before.as_ref()?.downcast_ref::<T>().cloned()
    }

    /// Restores the value before, or its absence.
    ///
    /// # Errors
    /// The token was made in another context, for example in another task; it comes back.
    pub fn reset(self) -> Result<(), ForeignToken<T>> {
        if context::identity() != Some(self.context) {
            return Err(ForeignToken(self));
        }
        exchange(self.variable, self.before);
        Ok(())
    }
}

impl<T> fmt::Debug for Token<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("had_value", &self.before.is_some()).finish_non_exhaustive()
    }
}

/// A token was used in another context than the one in which it was made; here it is back.
#[derive(thiserror::Error)]
#[error("resetting a context variable: the token was made in another context")]
pub struct ForeignToken<T>(pub Token<T>);

// By hand, so that any variable's token can be unwrapped past.
impl<T> fmt::Debug for ForeignToken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForeignToken").field(&self.0).finish()
    }
}
