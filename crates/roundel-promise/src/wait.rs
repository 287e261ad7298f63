//! Many promises at once, for a thread: until some or all have settled, or one by one.
//!
//! Both take reading ends and give them back, so that nothing is lost when the time is up. Both
//! wait until promises are *settled*: a cancelled one counts only once its writer knows (see
//! [`State::is_settled`](crate::State::is_settled)).
use std::collections::HashSet;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::arrivals::Arrivals;
use crate::error::{Broken, TimedOut};
use crate::leftover::Look;
use crate::promised::Promised;
use crate::waiters::Until;

/// When [`wait`] is to return.
#[doc(alias = "return_when")]
#[non_exhaustive]
pub enum ReturnWhen<T> {
    /// As soon as one promise has settled.
    #[doc(alias = "FIRST_COMPLETED")]
    FirstCompleted,
    /// As soon as one promise has ended in an error, else when all have settled.
    ///
    /// The function says which values are errors; for a promised [`Result`] that is
    /// `ReturnWhen::FirstError(Result::is_err)`. An abandoned promise is an error, a cancelled one
    /// is not.
    #[doc(alias = "FIRST_EXCEPTION")]
    FirstError(fn(&T) -> bool),
    /// When all have settled.
    #[doc(alias = "ALL_COMPLETED")]
    AllCompleted,
}

impl<T> Clone for ReturnWhen<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for ReturnWhen<T> {}

impl<T> fmt::Debug for ReturnWhen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ReturnWhen::FirstCompleted => "FirstCompleted",
            ReturnWhen::FirstError(_) => "FirstError",
            ReturnWhen::AllCompleted => "AllCompleted",
        })
    }
}

/// What [`wait`] gives back: every promise once, on one side or the other, in the order given.
#[derive(Debug)]
#[non_exhaustive]
#[must_use]
pub struct Waited<T> {
    /// The settled ones.
    pub done: Vec<Promised<T>>,
    /// The others. They go on.
    #[doc(alias = "not_done")]
    pub pending: Vec<Promised<T>>,
}

/// Blocks this thread until `return_when` holds or `limit` is over, whichever is first.
///
/// Running out of time is no error: what has settled is in [`done`](Waited::done). Several claims
/// to the same promise count as one, and only the first is given back. For tasks there is an
/// asynchronous `wait` in `roundel-executor`.
///
/// # Panics
///
/// If it is called from a call-back to which the value of one of these promises was lent, and
/// [`ReturnWhen::FirstError`] needs to look at that value.
///
/// ```
/// use roundel_promise::{ReturnWhen, promise, wait};
///
/// let (quick, promised_quick) = promise();
/// let (_slow, promised_slow) = promise();
/// quick.set(1)?;
/// let waited = wait([promised_slow, promised_quick], ReturnWhen::FirstCompleted, None);
/// let values: Vec<_> = waited.done.into_iter().map(|promised| promised.result()).collect();
/// assert_eq!(values, [Ok(1)]);
/// assert_eq!(waited.pending.len(), 1);
/// # Ok::<(), roundel_promise::SetError<i32>>(())
/// ```
pub fn wait<T>(
    promised: impl IntoIterator<Item = Promised<T>>,
    return_when: ReturnWhen<T>,
    limit: Option<Duration>,
) -> Waited<T> {
    let promised = distinct(promised);
    let deadline = deadline(limit);
    let arrivals = watch_all(&promised);
    let mut unsettled = promised.len();
    while unsettled > 0 {
        let Some(number) = arrivals.next(deadline) else { break };
        let enough = match return_when {
            ReturnWhen::FirstCompleted => true,
            ReturnWhen::AllCompleted => false,
            ReturnWhen::FirstError(is_error) => {
                match is_broken_off(&promised[number], number, &arrivals, is_error) {
                    Some(is_broken_off) => is_broken_off,
                    None => continue,
                }
            }
        };
        if enough {
            break;
        }
        unsettled -= 1;
    }
    promised.iter().for_each(Promised::unwatch);
    let (done, pending) = promised.into_iter().partition(|promised| promised.state().is_settled());
    Waited { done, pending }
}

/// Whether a settled promise ended in an error. None if somebody has borrowed the value: the
/// promise will arrive again when it is given back.
fn is_broken_off<T>(
    promised: &Promised<T>,
    number: usize,
    arrivals: &Arc<Arrivals>,
    is_error: fn(&T) -> bool,
) -> Option<bool> {
    loop {
        match promised.look() {
            Look::Loan(value) => return Some(is_error(&value)),
            Look::Broken(broken) => return Some(broken != Broken::Cancelled),
            // This claim was honoured before, so its holder knows.
            Look::Taken => return Some(false),
            Look::Lent => {
                promised.assert_not_lent_here();
                if promised.watch(Until::Done, &arrivals.ticket(number)) {
                    return None;
                }
            }
            Look::Undecided => unreachable!("a promise arrives when it is settled"),
        }
    }
}

/// Yields each promise when it settles: first those that have, then the others as they do.
///
/// The clock of `limit` starts at the first `next`. When it is over and promises are left, the
/// iterator yields one [`TimedOut`] and ends. Several claims to the same promise count as one.
/// Each promise is handed out for good, and dropping the iterator gives up the claims that are left.
///
/// ```
/// use roundel_promise::{as_completed, promise};
///
/// let (slow, promised_slow) = promise();
/// let (quick, promised_quick) = promise();
/// let mut settled = as_completed([promised_slow, promised_quick], None);
/// quick.set("quick")?;
/// assert_eq!(settled.next().expect("one is set")?.result()?, "quick");
/// slow.set("slow")?;
/// assert_eq!(settled.next().expect("the other is set")?.result()?, "slow");
/// assert!(settled.next().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn as_completed<T>(
    promised: impl IntoIterator<Item = Promised<T>>,
    limit: Option<Duration>,
) -> AsCompleted<T> {
    let promised = distinct(promised);
    AsCompleted {
        arrivals: watch_all(&promised),
        total: promised.len(),
        unfinished: promised.len(),
        promised: promised.into_iter().map(Some).collect(),
        limit,
        deadline: None,
    }
}

/// The iterator made by [`as_completed`].
pub struct AsCompleted<T> {
    /// By number; empty once yielded.
    promised: Vec<Option<Promised<T>>>,
    arrivals: Arc<Arrivals>,
    unfinished: usize,
    total: usize,
    /// Taken when the clock starts.
    limit: Option<Duration>,
    deadline: Option<Instant>,
}

impl<T> Iterator for AsCompleted<T> {
    type Item = Result<Promised<T>, TimedOut>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(limit) = self.limit.take() {
            self.deadline = deadline(Some(limit));
        }
        if self.unfinished == 0 {
            return None;
        }
        let Some(number) = self.arrivals.next(self.deadline) else {
            let unfinished = std::mem::take(&mut self.unfinished);
            self.promised.clear();
            return Some(Err(TimedOut { unfinished, total: self.total }));
        };
        self.unfinished -= 1;
        Some(Ok(self.promised[number].take().expect("a promise settles once")))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.unfinished > 0), Some(self.unfinished))
    }
}

impl<T> FusedIterator for AsCompleted<T> {}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("unfinished", &self.unfinished)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

/// The first claim to each promise.
fn distinct<T>(promised: impl IntoIterator<Item = Promised<T>>) -> Vec<Promised<T>> {
    let mut seen = HashSet::new();
    promised.into_iter().filter(|promised| seen.insert(promised.identity())).collect()
}

/// When `limit` is over; never, if that cannot be expressed.
fn deadline(limit: Option<Duration>) -> Option<Instant> {
    Instant::now().checked_add(limit?)
}

/// Has every promise arrive when it settles, those that have at once.
fn watch_all<T>(promised: &[Promised<T>]) -> Arc<Arrivals> {
    let arrivals = Arrivals::new();
    for (number, promised) in promised.iter().enumerate() {
        if !promised.watch(Until::Settled, &arrivals.ticket(number)) {
            arrivals.push(number);
        }
    }
    arrivals
}
