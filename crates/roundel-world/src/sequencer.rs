//! `Sequencer` and `assert_yields`: steps of several tasks in one order, and who lets others run.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Poll, Waker},
};

/// Brings steps of several tasks into one order. Clones share it.
///
/// ```
/// use roundel_world::{Sequencer, run};
///
/// run(1, async |world| {
///     let order = Sequencer::new();
///     let second = world.main_host().spawn({
///         let order = order.clone();
///         async move { order.step(1).await }
///     });
///     order.step(0).await;
///     order.step(2).await;
///     assert!(second.is_done());
/// })?;
/// # Ok::<(), roundel_world::Failure>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sequencer(Rc<Steps>);

#[derive(Debug, Default)]
struct Steps {
    next: Cell<u64>,
    waiting: RefCell<Vec<Waker>>,
}

impl Sequencer {
    /// Begins at step 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until all steps before `number` were made, and makes this one.
    ///
    /// # Panics
    /// If it was made already.
    ///
    /// # Cancel safety
    /// Dropped before its turn, the step is not made, and those behind it wait.
    pub async fn step(&self, number: u64) {
        assert!(self.0.next.get() <= number, "step {number} is made once");
        poll_fn(|context| {
            if self.0.next.get() == number {
                return Poll::Ready(());
            }
            self.0.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
        self.0.next.set(number + 1);
        let waiting = self.0.waiting.take();
        waiting.into_iter().for_each(|waker| waker.wake());
    }
}

/// Awaits a future, which has to let others run at least once before it is done.
///
/// # Panics
/// If it is done at once.
///
/// # Cancel safety
/// As the future's own.
pub async fn assert_yields<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut polls = 0_u64;
    let output = poll_fn(|context| {
        polls += 1;
        future.as_mut().poll(context)
    })
    .await;
    assert!(polls > 1, "the future was done without letting anybody else run");
    output
}
