//! The verbs of a pair, written once for one thread and for many.
//!
//! A [`Pair`] is what each end holds of it. It says how its middle is reached (a borrow or a lock);
//! everything else follows from that. Each verb is: one step inside [`Pair::with`], then, with the
//! lock open, what the step left to do. This is the only file that runs foreign code: wakers,
//! call-backs, `clone`, `fmt`.
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use crate::error::{Broken, Cancelled, SetError};
use crate::inspection::{Inspection, ON_LOAN};
use crate::leftover::{Cancelling, Finish, GiveBack, Look, OnDone, Wait};
use crate::middle::Middle;
use crate::state::{Start, State};
use crate::sync::ThreadId;
use crate::waiters::{Key, Until};

pub(crate) trait Pair: Clone {
    type Value;
    type Callback: FnOnce(Result<&Self::Value, Broken>);

    /// Takes one step. The step must not run foreign code.
    fn with<R>(&self, step: impl FnOnce(&mut Middle<Self::Value, Self::Callback>) -> R) -> R;

    /// Takes one step that leaves the state as it is; whoever is [alone](Pair::is_alone) may be
    /// spared the lock.
    #[inline]
    fn with_mut<R>(
        &mut self,
        step: impl FnOnce(&mut Middle<Self::Value, Self::Callback>) -> R,
    ) -> R {
        self.with(step)
    }

    /// The state, as cheaply as it can be had.
    fn state(&self) -> State;

    /// Whether all other ends are gone. New ones can only come from this one.
    fn is_alone(&self) -> bool;

    /// Who borrows when the current thread does; none if no one can block on this pair.
    fn borrower() -> Option<ThreadId>;

    #[inline]
    fn set(self, value: Self::Value) -> Result<(), SetError<Self::Value>> {
        let ((finish, wakers), _own) =
            self.with(|middle| (middle.finish(value, Self::borrower), middle.take_writer()));
        match finish {
            Finish::Stored => {
                // Gone before the reader wakes, so that it finds itself alone.
                drop(self);
                wakers.wake();
                Ok(())
            }
            Finish::Lent(value) => {
                // Ending the loan runs the call-backs, even if a waker panics.
                let _loan = Loan { pair: &self, value: Some(value) };
                wakers.wake();
                Ok(())
            }
            Finish::Refused(value) => {
                wakers.wake();
                Err(SetError(value))
            }
        }
    }

    /// Out of line, because most promises are kept.
    #[inline(never)]
    fn abandon(self) {
        let ((callbacks, wakers), _own) =
            self.with(|middle| (middle.abandon(), middle.take_writer()));
        wakers.wake();
        if !callbacks.is_empty() {
            run(callbacks, Err(Broken::Abandoned));
        }
    }

    #[track_caller]
    fn start(&self) -> Result<(), Cancelled> {
        let (start, wakers) = self.with(Middle::start);
        wakers.wake();
        match start {
            Start::Begun => Ok(()),
            Start::Notified | Start::Refused => Err(Cancelled),
            Start::Misused => panic!("the work for this promise was started before"),
        }
    }

    fn poll_cancelled(&self, cx: &Context<'_>) -> Poll<()> {
        if self.state().is_cancelled() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        match self.with(|middle| middle.hear(waker)) {
            Wait::Begun(_displaced) => Poll::Pending,
            Wait::Over(_own) => Poll::Ready(()),
        }
    }

    fn cancel(&self) -> bool {
        match self.with(Middle::cancel) {
            Cancelling::Decided { readers, writer, callbacks } => {
                readers.wake();
                writer.into_iter().for_each(Waker::wake);
                run(callbacks, Err(Broken::Cancelled));
                true
            }
            Cancelling::Already => true,
            Cancelling::Refused => false,
        }
    }

    fn on_done(&self, label: &'static str, callback: Self::Callback) {
        match self.with(|middle| middle.on_done(label, callback, Self::borrower)) {
            OnDone::Queued => {}
            OnDone::Lent(value) => self.give_back(value),
            OnDone::Now(callback, broken) => run(Box::new([callback]), Err(broken)),
        }
    }

    /// Out of line, because most promises have one reader.
    #[cold]
    fn clone_lent(
        &self,
        value: Self::Value,
        clone: fn(&Self::Value) -> Self::Value,
    ) -> Self::Value {
        clone(&Loan { pair: self, value: Some(value) })
    }

    /// Has `waker` woken at `until` for the reader `key`; false if there is nothing to wait for.
    #[inline(always)]
    fn wait(&self, key: Key, until: Until, waker: &Waker) -> bool {
        // Cloning a waker is foreign code too.
        let waker = waker.clone();
        match self.with(|middle| middle.wait(key, until, waker)) {
            Wait::Begun(_displaced) => true,
            Wait::Over(_own) => false,
        }
    }

    /// Borrows the outcome.
    fn look(&self) -> Look<Loan<'_, Self>> {
        self.loan(self.with(|middle| middle.lend(Self::borrower)))
    }

    /// Sees to it that what is lent is given back.
    fn loan(&self, look: Look<Self::Value>) -> Look<Loan<'_, Self>> {
        match look {
            Look::Loan(value) => Look::Loan(Loan { pair: self, value: Some(value) }),
            Look::Undecided => Look::Undecided,
            Look::Broken(broken) => Look::Broken(broken),
            Look::Lent => Look::Lent,
            Look::Taken => Look::Taken,
        }
    }

    fn peek<R>(&self, look: impl FnOnce(Result<&Self::Value, Broken>) -> R) -> Option<R> {
        match self.look() {
            Look::Loan(loan) => Some(look(Ok(&loan))),
            Look::Broken(broken) => Some(look(Err(broken))),
            Look::Undecided | Look::Lent | Look::Taken => None,
        }
    }

    fn inspect(&self) -> Inspection
    where
        Self::Value: fmt::Debug,
    {
        let (state, waiters, callbacks, look) = self.with(|middle| {
            let seen = (middle.state(), middle.waiters(), middle.labels().to_vec());
            (seen.0, seen.1, seen.2, middle.lend(Self::borrower))
        });
        let (result, error) = match self.loan(look) {
            Look::Loan(loan) => (Some(format!("{:?}", *loan)), None),
            Look::Broken(broken) => (None, Some(broken)),
            Look::Lent => (Some(ON_LOAN.to_owned()), None),
            Look::Undecided | Look::Taken => (None, None),
        };
        Inspection { state, result, error, waiters, callbacks }
    }

    /// Ends a loan; call-backs that came meanwhile see the value first.
    fn give_back(&self, mut value: Self::Value) {
        loop {
            match self.with(|middle| middle.give_back(value)) {
                GiveBack::Kept(wakers) => return wakers.wake(),
                GiveBack::CallBack(lent, callbacks) => {
                    run(callbacks, Ok(&lent));
                    value = lent;
                }
            }
        }
    }
}

/// A value on loan; dropping it gives it back.
pub(crate) struct Loan<'a, P: Pair> {
    pair: &'a P,
    /// Empty only while it is being dropped.
    value: Option<P::Value>,
}

impl<P: Pair> Deref for Loan<'_, P> {
    type Target = P::Value;

    fn deref(&self) -> &P::Value {
        self.value.as_ref().expect("a loan has its value until it is dropped")
    }
}

impl<P: Pair> Drop for Loan<'_, P> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            self.pair.give_back(value);
        }
    }
}

/// Runs call-backs in order. One that panics does not keep the others from running: the panic hook
/// has reported it by the time it is caught here.
#[cold]
fn run<T, C>(callbacks: Box<[C]>, outcome: Result<&T, Broken>)
where
    C: FnOnce(Result<&T, Broken>),
{
    for callback in callbacks {
        // Unwind safety: the call-back is gone, and all it shares with us is `&T`, which it could
        // have left in a mess without panicking.
        let _ = catch_unwind(AssertUnwindSafe(|| callback(outcome)));
    }
}
