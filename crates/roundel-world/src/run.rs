//! `run`: a world from a seed, until its main task has ended.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use roundel_executor::{Builder, JoinError, Task};

use crate::{Failure, World, failure::Cause, names::knowing};

/// Runs `main` as the main task of a new world, until it has ended.
///
/// Whatever is random in the world follows from the seed, so a run is the same every time.
///
/// ```
/// use std::time::Duration;
/// use roundel_executor::sleep;
/// use roundel_world::run;
///
/// let ran = run(7, async |world| {
///     let other = world.add_host("other");
///     let slow = other.spawn(async { sleep(Duration::from_secs(3600)).await; "done" });
///     slow.await.unwrap()
/// })?;
/// assert_eq!(ran.output, "done");
/// assert!(ran.elapsed >= Duration::from_secs(3600)); // in no time
/// # Ok::<(), roundel_world::Failure>(())
/// ```
///
/// # Errors
/// The main task, or any other, panicked; or nothing can happen any more and the main task waits.
pub fn run<T, M>(seed: u64, main: M) -> Result<Run<T>, Failure>
where
    M: AsyncFnOnce(World) -> T + 'static,
    T: 'static,
{
    Simulation::new(seed).run(main)
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run<T> {
    /// What the main task returned.
    pub output: T,
    /// How much virtual time it took.
    pub elapsed: Duration,
    /// How many turns all loops made together.
    pub turns: u64,
    /// How much happened: turns, packets, ends.
    pub events: u64,
    /// How many faults happened.
    pub faults: u64,
    /// All that happened, as one number: the same for the same run.
    pub trace_hash: u64,
    /// How many sockets somebody still held when all hosts had ended.
    pub open_sockets: usize,
}

/// A run that is told more than its seed.
#[derive(Clone, Debug)]
pub struct Simulation {
    seed: u64,
    time_limit: Option<Duration>,
    most_faults: u64,
    keeps_trace: bool,
    is_fifo: bool,
}

impl Simulation {
    /// A run of this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, time_limit: None, most_faults: u64::MAX, keeps_trace: false, is_fifo: false }
    }

    /// The run fails if the main task needs more virtual time.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Only the first `most` faults happen; those behind them are left out.
    #[must_use]
    pub fn most_faults(mut self, most: u64) -> Self {
        self.most_faults = most;
        self
    }

    /// A failure brings the whole trace, not only its end.
    #[must_use]
    pub fn keep_trace(mut self) -> Self {
        self.keeps_trace = true;
        self
    }

    /// The tasks of a host run in the order in which they are woken, as on a real one, and not in
    /// one that the seed says.
    #[must_use]
    pub fn fifo(mut self) -> Self {
        self.is_fifo = true;
        self
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Runs `main` as the main task of a new world.
    ///
    /// # Errors
    /// As [`run`]; or the limit of time was reached.
    pub fn run<T, M>(&self, main: M) -> Result<Run<T>, Failure>
    where
        M: AsyncFnOnce(World) -> T + 'static,
        T: 'static,
    {
        let world = World::new(self.seed);
        world.0.network.limit_faults(self.most_faults);
        world.0.shuffles_tasks.set(!self.is_fifo);
        if self.keeps_trace {
            world.0.network.keep_trace();
        }
        let ended = self.run_main(&world, main);
        let (elapsed, network) = (world.elapsed(), world.0.network.clone());
        world.end();
        match ended {
            Ok(output) => Ok(Run {
                output,
                elapsed,
                turns: world.0.turns.get(),
                events: network.events(),
                faults: network.faults_so_far(),
                trace_hash: network.trace_hash(),
                open_sockets: network.open_sockets(),
            }),
            Err(cause) => Err(Failure {
                seed: self.seed,
                at: elapsed,
                cause,
                faults: network.faults_so_far(),
                trace: network.trace(),
            }),
        }
    }

    fn run_main<T, M>(&self, world: &World, main: M) -> Result<T, Cause>
    where
        M: AsyncFnOnce(World) -> T + 'static,
        T: 'static,
    {
        let host = world.add_host("main");
        let given = world.clone();
        let handle = host.handle().expect("a host that was just added is up");
        let network = world.0.network.clone();
        let future = knowing(network, host.id, async move { main(given).await });
        let mut task = Builder::new().name("main").spawn_on(&handle, future);
        world.turn_until(|| task.is_done(), self.time_limit)?;
        let Some(ended) = taken(&mut task) else { return Err(Cause::Cancelled) };
        ended.map_err(|error| {
            let message = error.to_string();
            match error.try_into_panic() {
                Ok(payload) => {
                    let host = String::from("main");
                    Cause::Panicked { host, message, payload: Some(payload) }
                }
                Err(_) => Cause::Cancelled,
            }
        })
    }
}

/// The end of a task that is done.
fn taken<T>(task: &mut Task<T>) -> Option<Result<T, JoinError>> {
    match Future::poll(Pin::new(task), &mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => Some(ended),
        Poll::Pending => None,
    }
}
