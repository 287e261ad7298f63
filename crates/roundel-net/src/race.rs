//! `staggered_race`: several attempts at one thing, begun one after the other without waiting for
//! the slow ones; the first to succeed wins.

use std::{cell::RefCell, convert::Infallible, panic::resume_unwind, time::Duration};

use roundel_executor::{Cause, GroupError, TaskGroup, timeout};
use roundel_loop::buggify;
use roundel_promise::local::promise;

/// How a [`staggered_race`] ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Raced<T, E> {
    /// The first success, and which attempt it was; none if no attempt succeeded.
    pub winner: Option<(usize, T)>,
    /// What became of each attempt that was begun, in the order of their beginning: its error, or
    /// none if it won or was cancelled.
    pub errors: Vec<Option<E>>,
}

/// Begins the first attempt at once, and each further one as soon as the one before it has failed,
/// or has taken `delay`. The first success cancels all others, and the race is over when those have
/// ended, their clean-up included. Without a delay, only a failure begins the next attempt.
///
/// This is the algorithm of RFC 8305, section 5 ("Happy Eyeballs"), for attempts of any kind.
///
/// ```
/// use std::time::Duration;
/// use roundel_executor::{sleep, spawn_on};
/// use roundel_net::staggered_race;
///
/// async fn mirror(name: &'static str, millis: u64) -> Result<&'static str, String> {
///     sleep(Duration::from_millis(millis)).await;
///     Ok(name)
/// }
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let mirrors = [mirror("far", 60_000), mirror("near", 1)];
///     staggered_race(mirrors, Some(Duration::from_millis(5))).await
/// });
/// let raced = event_loop.run_until_complete(task)??;
/// assert_eq!(raced.winner, Some((1, "near")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// With the panic of an attempt, when the others have ended; and if no loop runs in this thread.
///
/// # Cancel safety
/// Dropping it drops all attempts; what they leave to clean up is run by the task that drops it,
/// before that goes on or is done.
#[doc(alias = "happy_eyeballs")]
pub async fn staggered_race<A, T, E>(
    attempts: impl IntoIterator<Item = A>,
    delay: Option<Duration>,
) -> Raced<T, E>
where
    A: Future<Output = Result<T, E>>,
{
    let errors = RefCell::new(Vec::new());
    let raced = TaskGroup::scope(async |group| {
        let mut running = Vec::new();
        for (index, attempt) in attempts.into_iter().enumerate() {
            errors.borrow_mut().push(None);
            let (failed, mut has_failed) = promise();
            let (race, errors) = (group.clone(), &errors);
            running.push(group.spawn(async move {
                match attempt.await {
                    // Of two that succeed in one turn, the group takes the first.
                    Ok(value) => race.finish(Some((index, value))),
                    Err(error) => {
                        errors.borrow_mut()[index] = Some(error);
                        // Nobody listens if the delay was over before.
                        let _ = failed.set(());
                    }
                }
                Ok::<_, Infallible>(())
            }));
            // Either way it is the next one's turn.
            match delay {
                Some(_) if buggify("race: the next begins at once") => {}
                Some(delay) => drop(timeout(delay, &mut has_failed).await),
                None => drop(has_failed.await),
            }
        }
        for attempt in running {
            attempt.await;
        }
        Ok(None)
    });
    let winner = raced.await.unwrap_or_else(|error| go_on_unwinding(error));
    Raced { winner, errors: errors.into_inner() }
}

/// Attempts do not make the group fail but by panicking.
fn go_on_unwinding(error: GroupError<Infallible>) -> ! {
    let failure = error.into_failures().swap_remove(0);
    match failure.into_cause() {
        Cause::Panic(panic) => match panic.try_into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(error) => unreachable!("{error}"),
        },
        cause => unreachable!("{cause}"),
    }
}
