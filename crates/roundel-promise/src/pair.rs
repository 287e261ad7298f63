//! The verbs of a pair, written once for one thread and for many.
//!
//! A [`Pair`] says how its middle is reached (a borrow or a lock); everything else follows from that.
//! Each verb is: one step inside [`Pair::with`], then, with the lock open, what the step left to
//! do. This is the only file that runs foreign code: wakers, call-backs, `clone`, `fmt`.
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use crate::error::{Broken, Cancelled, SetError};
use crate::inspection::{Inspection, ON_LOAN};
use crate::middle::{Finish, GiveBack, Look, Middle, OnDone, Reading};
use crate::state::{Cancel, Start, State};
use crate::sync::ThreadId;
use crate::waiters::Key;

pub(crate) trait Pair {
    type Value;
    type Callback: FnOnce(Result<&Self::Value, Broken>);

    /// Takes one step. The step must not run foreign code.
    fn with<R>(&self, step: impl FnOnce(&mut Middle<Self::Value, Self::Callback>) -> R) -> R;

    /// The state, as cheaply as it can be had.
    fn state(&self) -> State;

    /// Who borrows when the current thread does; none if no one can block on this pair.
    fn borrower() -> Option<ThreadId>;

    #[inline]
    fn set(&self, value: Self::Value) -> Result<(), SetError<Self::Value>> {
        let (finish, wakers) = self.with(|middle| middle.finish(value, Self::borrower));
        // Ending the loan runs the call-backs, even if a waker panics.
        let (outcome, _loan) = match finish {
            Finish::Stored => (Ok(()), None),
            Finish::Lent(value) => (Ok(()), Some(Loan { pair: self, value: Some(value) })),
            Finish::Refused(value) => (Err(SetError(value)), None),
        };
        wakers.wake();
        outcome
    }

    fn abandon(&self) {
        let (callbacks, wakers) = self.with(Middle::abandon);
        wakers.wake();
        run(callbacks, Err(Broken::Abandoned));
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

    fn cancel(&self) -> bool {
        let (cancel, callbacks, wakers) = self.with(Middle::cancel);
        wakers.wake();
        run(callbacks, Err(Broken::Cancelled));
        cancel != Cancel::Refused
    }

    fn on_done(&self, label: &'static str, callback: Self::Callback) {
        match self.with(|middle| middle.on_done(label, callback, Self::borrower)) {
            OnDone::Queued => {}
            OnDone::Lent(value) => self.give_back(value),
            OnDone::Now(callback, broken) => run([callback], Err(broken)),
        }
    }

    /// Polls for the reader `key`, which loses its claim to the value if it gets it.
    #[inline]
    fn poll_read(&self, key: Key, cx: &Context<'_>) -> Poll<Result<Self::Value, Broken>> {
        // Cloning a waker is foreign code too: guess whether one will be needed.
        let mut spare = (!self.state().is_done()).then(|| cx.waker().clone());
        loop {
            match self.with(|middle| middle.read(key, &mut spare, Self::borrower)) {
                Reading::Value(value) => return Poll::Ready(Ok(value)),
                Reading::Loan(value, clone) => {
                    return Poll::Ready(Ok(clone(&Loan { pair: self, value: Some(value) })));
                }
                Reading::Broken(broken) => return Poll::Ready(Err(broken)),
                Reading::Pending => return Poll::Pending,
                Reading::NoWaker => spare = Some(cx.waker().clone()),
            }
        }
    }

    /// Borrows the outcome.
    fn look(&self) -> Look<Loan<'_, Self>> {
        self.borrow(self.with(|middle| middle.lend(Self::borrower)))
    }

    /// Sees to it that what is lent is given back.
    fn borrow(&self, look: Look<Self::Value>) -> Look<Loan<'_, Self>> {
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
        let (result, error) = match self.borrow(look) {
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
pub(crate) struct Loan<'a, P: Pair + ?Sized> {
    pair: &'a P,
    /// Empty only while it is being dropped.
    value: Option<P::Value>,
}

impl<P: Pair + ?Sized> Deref for Loan<'_, P> {
    type Target = P::Value;

    fn deref(&self) -> &P::Value {
        self.value.as_ref().expect("a loan has its value until it is dropped")
    }
}

impl<P: Pair + ?Sized> Drop for Loan<'_, P> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            self.pair.give_back(value);
        }
    }
}

/// Runs call-backs in order. One that panics does not keep the others from running: the panic hook
/// has reported it by the time it is caught here.
fn run<T, C>(callbacks: impl IntoIterator<Item = C>, outcome: Result<&T, Broken>)
where
    C: FnOnce(Result<&T, Broken>),
{
    for callback in callbacks {
        // Unwind safety: the call-back is gone, and all it shares with us is `&T`, which it could
        // have left in a mess without panicking.
        let _ = catch_unwind(AssertUnwindSafe(|| callback(outcome)));
    }
}
