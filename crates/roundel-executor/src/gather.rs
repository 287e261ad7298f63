//! `gather`, `try_gather`: several futures at once, their values in order.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    panic::{Location, resume_unwind},
    pin::Pin,
    task::Poll,
};

use roundel_loop::{LoopHandle, Site};

use crate::{JoinError, children::Children, unread::report_lost};

/// Runs the futures at once and returns their values, in the order of the futures.
///
/// The futures may borrow, and need be neither `Send` nor `'static`: the gathering owns them and
/// polls them within the task that awaits it, each as a child with a number and a place in
/// [`task_tree`](crate::task_tree). They are polled first when it is, so if all are ready, so is
/// it. Without futures it is ready, with nothing.
///
/// To let futures go on when the gathering is dropped, spawn them as tasks and gather `&mut task`:
/// then cancels and panics take their places among the results, and the tasks are still there.
///
/// ```
/// use roundel_executor::{gather, spawn_on, yield_now};
///
/// async fn square(number: &u32) -> u32 {
///     yield_now().await;
///     number * number
/// }
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let numbers = [1, 2, 3];
///     gather(numbers.iter().map(square)).await
/// });
/// assert_eq!(event_loop.run_until_complete(task)??, [1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A future cannot be gathered twice:
///
/// ```compile_fail,E0382
/// # use roundel_executor::gather;
/// let once = async { 1 };
/// let _ = gather([once, once]);
/// ```
///
/// # Panics
/// If a future panics: when the others, which it cancels, have ended, with the first panic; further
/// ones are reported, and all of them if the gathering is dropped meanwhile. And if no loop runs in
/// this thread when it is first polled.
///
/// # Cancel safety
/// Dropping it drops the futures, in order. What they leave to clean up is run by the task that
/// drops it.
#[doc(alias = "return_exceptions")]
#[track_caller]
pub fn gather<I>(futures: I) -> impl Future<Output = Vec<<I::Item as Future>::Output>>
where
    I: IntoIterator<Item: Future>,
{
    let site = Location::caller();
    let futures = boxed(futures);
    async move {
        let mut values = places(futures.len());
        run(site, futures, |place, value| {
            values[place] = Some(value);
            Going::On
        })
        .await;
        in_order(values)
    }
}

/// Runs the futures at once and returns their values, in the order of the futures, or the first
/// error. After an error the others are cancelled, and it is returned when they have ended, their
/// clean-up included: unlike asyncio's `gather`, which leaves them running. What they return in the
/// same turn as the error is dropped. For every error, use a [`TaskGroup`](crate::TaskGroup).
///
/// Else as [`gather`].
///
/// ```
/// use roundel_executor::{spawn_on, try_gather};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let numbers = ["1", "2", "three"];
///     try_gather(numbers.map(async |text| text.parse::<u32>())).await
/// });
/// assert!(event_loop.run_until_complete(task)??.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first error of a future.
///
/// # Panics
/// As [`gather`].
///
/// # Cancel safety
/// As [`gather`].
#[track_caller]
pub fn try_gather<I, T, E>(futures: I) -> impl Future<Output = Result<Vec<T>, E>>
where
    I: IntoIterator<Item: Future<Output = Result<T, E>>>,
{
    let site = Location::caller();
    let futures = boxed(futures);
    async move {
        let mut values = places(futures.len());
        let mut failed = None;
        run(site, futures, |place, outcome| match outcome {
            Ok(value) => {
                values[place] = Some(value);
                Going::On
            }
            Err(error) => {
                failed.get_or_insert(error);
                Going::Ending
            }
        })
        .await;
        match failed {
            Some(error) => Err(error),
            None => Ok(in_order(values)),
        }
    }
}

fn boxed<I: IntoIterator<Item: Future>>(futures: I) -> Vec<Pin<Box<I::Item>>> {
    futures.into_iter().map(Box::pin).collect()
}

fn places<T>(count: usize) -> Vec<Option<T>> {
    std::iter::repeat_with(|| None).take(count).collect()
}

fn in_order<T>(values: Vec<Option<T>>) -> Vec<T> {
    values.into_iter().map(|value| value.expect("every future has ended with a value")).collect()
}

/// What is to become of the other futures.
#[derive(PartialEq, Eq)]
enum Going {
    On,
    Ending,
}

/// Polls the futures until all have ended; tells each value with its place.
async fn run<F: Future + Unpin>(
    site: Site,
    futures: Vec<F>,
    mut ended: impl FnMut(usize, F::Output) -> Going,
) {
    let children = Children::new();
    // The places are given in order, as long as none has become free.
    for future in futures {
        children.insert(site, None, future);
    }
    let mut panics = Panics::default();
    poll_fn(|context| {
        let mut ending = false;
        children.poll(context, |member, outcome| {
            let going = match outcome {
                Ok(value) => ended(member.place, value),
                Err(error) if error.is_cancelled() => Going::On,
                Err(error) => {
                    panics.0.push_back(error);
                    Going::Ending
                }
            };
            ending |= going == Going::Ending;
        });
        if ending {
            children.cancel_all();
        }
        children.note();
        if children.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    panics.go_on();
}

/// What the futures panicked with. Whatever does not go on is told.
#[derive(Default)]
struct Panics(VecDeque<JoinError>);

impl Panics {
    /// Goes on with the first, if there is one.
    fn go_on(mut self) {
        let first = self.0.pop_front().and_then(|error| error.try_into_panic().ok());
        drop(self);
        if let Some(payload) = first {
            resume_unwind(payload);
        }
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        let Some(handle) = LoopHandle::try_current() else { return };
        for error in self.0.drain(..) {
            report_lost(&handle, "the panic of a gathered future did not go on", error);
        }
    }
}
