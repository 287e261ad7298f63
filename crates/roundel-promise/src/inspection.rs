//! What can be seen of a promise from outside: five fields, as plain data.
use std::fmt;

use crate::error::Broken;
use crate::state::State;

/// Stands for a value that cannot be shown because a call-back or a reader is looking at it.
pub(crate) const ON_LOAN: &str = "<on loan>";

/// A snapshot of a promise, from [`Promised::inspect`](crate::Promised::inspect).
///
/// ```
/// let (promise, promised) = roundel_promise::promise();
/// promised.on_done(|_| println!("done"));
/// promise.set("HELLO")?;
///
/// let seen = promised.inspect();
/// assert_eq!(seen.state.to_string(), "FINISHED");
/// assert_eq!(seen.result.as_deref(), Some("\"HELLO\""));
/// assert_eq!((seen.error, seen.waiters), (None, 0));
/// assert_eq!(seen.callbacks.len(), 1);
/// # Ok::<(), roundel_promise::SetError<&str>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inspection {
    /// Where the promise is in its life.
    pub state: State,
    /// The value as `{:?}` prints it. None if there is none yet, or no longer.
    pub result: Option<String>,
    /// Why there will never be a value.
    #[doc(alias = "exception")]
    pub error: Option<Broken>,
    /// How many tasks, threads and `wait` calls are waiting.
    pub waiters: usize,
    /// The type name of each call-back, in the order they were added. A call-back stays in the list
    /// after it has run.
    #[doc(alias = "done_callbacks")]
    pub callbacks: Vec<&'static str>,
}

impl Inspection {
    /// Prints the five fields under the name of what was inspected.
    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("state", &format_args!("{}", self.state))
            .field("result", &self.result.as_deref().map(Verbatim))
            .field("error", &self.error)
            .field("waiters", &self.waiters)
            .field("callbacks", &self.callbacks)
            .finish()
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("Inspection", f)
    }
}

/// The text of a value, which is not to be quoted once more.
struct Verbatim<'a>(&'a str);

impl fmt::Debug for Verbatim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
