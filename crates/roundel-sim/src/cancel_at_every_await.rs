//! `cancel_at_every_await`: an operation dropped at each of its awaits, to see what it loses.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

/// Runs `round` again and again, each time with a [`Cut`] that drops an operation one poll later,
/// until the operation gets to its end. Returns how many polls that took.
///
/// A round makes what the operation needs, runs it through [`Cut::short`] on whatever executor it
/// likes, and asserts that nothing was lost and nothing is left: a value that was taken is in
/// somebody's hands, no descriptor, timer, task or permit leaks. An operation of *k* polls is
/// dropped at each of them twice, as cancellation may come at two moments: as soon as the operation
/// waits, and when what it waits for has happened but it has not been told yet. Together with the
/// drop before the first poll and the undisturbed run that makes 2*k* rounds.
///
/// A round that fails says on standard error where its operation was dropped.
///
/// ```
/// use std::{cell::Cell, future, task::Poll};
/// use futures::executor::block_on;
/// use roundel_sim::cancel_at_every_await;
///
/// // Takes an item and hands it on after one wait: the item is lost if it is dropped between.
/// async fn lossy(stock: &Cell<u32>) -> u32 {
///     let item = stock.replace(0);
///     let mut waited = false;
///     future::poll_fn(|context| {
///         context.waker().wake_by_ref();
///         if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
///     })
///     .await;
///     item
/// }
///
/// let mut lost = Vec::new();
/// let polls = cancel_at_every_await(|cut| {
///     let stock = Cell::new(1);
///     let at = cut.at();
///     let got = block_on(cut.short(lossy(&stock)));
///     if got.unwrap_or(0) + stock.get() != 1 {
///         lost.push(at);
///     }
/// });
/// assert_eq!(polls, 2);
/// assert_eq!(lost, [1, 1]); // at its one await, at either moment
/// ```
///
/// # Panics
/// With the panic of a round, and if a round does not run its operation as far as the cut.
pub fn cancel_at_every_await(mut round: impl FnMut(Cut)) -> usize {
    for at in 0.. {
        for moment in [Moment::Waiting, Moment::Due] {
            // Before the first poll there is nothing to wait for.
            if at == 0 && moment == Moment::Due {
                continue;
            }
            let progress = Arc::new(AtomicUsize::new(NOT_RUN));
            let told = Tell { at, moment };
            round(Cut { at, moment, progress: Arc::clone(&progress) });
            std::mem::forget(told);
            match progress.load(Ordering::Acquire) {
                NOT_RUN => panic!("the round did not run its operation as far as poll {at}"),
                CUT => {}
                polls => return polls,
            }
        }
    }
    unreachable!("every operation ends or is polled for ever")
}

const NOT_RUN: usize = 0;
const CUT: usize = usize::MAX;

/// When, at an await, the operation is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// As soon as it waits.
    Waiting,
    /// When it has been woken, instead of the next poll.
    Due,
}

/// Where the operation of a round is dropped.
#[derive(Debug)]
pub struct Cut {
    at: usize,
    moment: Moment,
    progress: Arc<AtomicUsize>,
}

impl Cut {
    /// After how many polls the operation is dropped; 0 is before the first.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Runs `operation` up to the cut and drops it there, in the task that awaits this. None if it
    /// was dropped, its output if it got to its end before.
    pub fn short<F: Future>(self, operation: F) -> CutShort<F> {
        CutShort { operation: Some(Box::pin(operation)), polls: 0, cut: self }
    }
}

/// The future of [`Cut::short`].
#[must_use = "futures do nothing unless awaited"]
pub struct CutShort<F> {
    operation: Option<Pin<Box<F>>>,
    polls: usize,
    cut: Cut,
}

impl<F: Future> CutShort<F> {
    /// Drops the operation.
    fn cut(&mut self) -> Poll<Option<F::Output>> {
        self.cut.progress.store(CUT, Ordering::Release);
        self.operation = None;
        Poll::Ready(None)
    }
}

impl<F: Future> Future for CutShort<F> {
    type Output = Option<F::Output>;

    /// # Panics
    /// If it is polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.polls == this.cut.at {
            return this.cut();
        }
        let operation = this.operation.as_mut().expect("it was not ready yet");
        this.polls += 1;
        match operation.as_mut().poll(context) {
            Poll::Ready(output) => {
                this.cut.progress.store(this.polls, Ordering::Release);
                this.operation = None;
                Poll::Ready(Some(output))
            }
            Poll::Pending if this.polls == this.cut.at && this.cut.moment == Moment::Waiting => {
                this.cut()
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<F> fmt::Debug for CutShort<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CutShort")
            .field("polls", &self.polls)
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

/// Dropped only by a round that fails, and then says where.
struct Tell {
    at: usize,
    moment: Moment,
}

impl Drop for Tell {
    fn drop(&mut self) {
        let when = match self.moment {
            Moment::Waiting => "while it waited",
            Moment::Due => "when it was due again",
        };
        eprintln!("the operation was dropped after poll {}, {when}", self.at);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, poll_fn, ready},
        pin::pin,
        task::Waker,
    };

    use super::*;

    /// A future that is woken at once and ready at its `polls`th poll.
    async fn ready_at(polls: usize) -> &'static str {
        let mut made = 0;
        poll_fn(|_| {
            made += 1;
            if made == polls { Poll::Ready("done") } else { Poll::Pending }
        })
        .await
    }

    fn run<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
        }
    }

    #[test]
    fn every_poll_is_cut_at_both_moments_until_the_operation_ends() {
        let mut rounds = Vec::new();
        let polls = cancel_at_every_await(|cut| {
            let (at, moment) = (cut.at, cut.moment);
            rounds.push((at, moment, run(cut.short(ready_at(3)))));
        });
        assert_eq!(polls, 3);
        let expected = [
            (0, Moment::Waiting, None),
            (1, Moment::Waiting, None),
            (1, Moment::Due, None),
            (2, Moment::Waiting, None),
            (2, Moment::Due, None),
            (3, Moment::Waiting, Some("done")),
        ];
        assert_eq!(rounds, expected);
    }

    #[test]
    fn an_operation_that_never_waits_is_dropped_before_it_begins_and_then_runs() {
        let mut ran = 0;
        let polls = cancel_at_every_await(|cut| ran += run(cut.short(ready(1))).unwrap_or(0));
        assert_eq!((polls, ran), (1, 1));
    }

    #[test]
    #[should_panic(expected = "did not run its operation as far as poll 0")]
    fn a_round_that_runs_nothing_proves_nothing() {
        cancel_at_every_await(|cut| drop(cut.short(pending::<()>())));
    }
}
