//! `check`: many seeds of one test; the failing one is shrunk and told, with how to see it again.

use std::{env, fmt, rc::Rc, thread};

use crate::{Failure, Run, Simulation, World, failure::Cause};

/// The environment variable that names the one seed to run.
const SEED: &str = "ROUNDEL_SEED";

/// And the one that says how many faults happen in it.
const FAULTS: &str = "ROUNDEL_FAULTS";

/// How many of the first seeds run twice, to see that both runs are the same.
const TWICE: u64 = 3;

/// Runs `body` in a world of each of `seeds` seeds.
///
/// A run must end, leave no socket open, and be the same a second time (the first seeds run twice).
/// When one fails, `check` looks for the fewest faults with which it still does, and panics with
/// the seed, the cause, what happened last, and the command that shows it again.
///
/// With `ROUNDEL_SEED` in the environment it runs that seed alone.
///
/// ```
/// use std::time::Duration;
/// use roundel_executor::sleep;
///
/// roundel_world::check(20, async |world| {
///     let mut random = world.random("nap");
///     let nap = Duration::from_secs(random.below(100));
///     sleep(nap).await;
///     assert!(world.elapsed() >= nap);
/// });
/// ```
///
/// # Panics
/// If a seed fails.
#[track_caller]
pub fn check<B>(seeds: u64, body: B)
where
    B: AsyncFn(World) + 'static,
{
    if let Err(found) = try_check(seeds, body) {
        panic!("{found}");
    }
}

/// As [`check`], and tells instead of panicking.
///
/// # Errors
/// A seed fails.
pub fn try_check<B>(seeds: u64, body: B) -> Result<(), Found>
where
    B: AsyncFn(World) + 'static,
{
    let body = Rc::new(body);
    if let Some(seed) = from_environment(SEED) {
        let faults = from_environment(FAULTS);
        let simulation = Simulation::new(seed).keep_trace().most_faults(faults.unwrap_or(u64::MAX));
        once(&simulation, &body).map_err(|failure| Found { failure: failure.into(), faults })?;
        return Ok(());
    }
    for seed in 0..seeds {
        let simulation = Simulation::new(seed);
        let found = match once(&simulation, &body) {
            Err(failure) => Some(failure),
            Ok(first) if seed < TWICE => once(&simulation, &body).map_or_else(Some, |second| {
                (first.trace_hash != second.trace_hash).then(|| differs(seed, &first))
            }),
            Ok(_) => None,
        };
        if let Some(failure) = found {
            return Err(shrunk(failure, &body));
        }
    }
    Ok(())
}

fn once<B>(simulation: &Simulation, body: &Rc<B>) -> Result<Run<()>, Failure>
where
    B: AsyncFn(World) + 'static,
{
    let body = Rc::clone(body);
    let ran = simulation.run(async move |world| body(world).await)?;
    match ran.open_sockets {
        0 => Ok(ran),
        sockets => Err(failed(simulation.seed(), &ran, Cause::Leak { sockets })),
    }
}

fn differs(seed: u64, ran: &Run<()>) -> Failure {
    failed(seed, ran, Cause::NotDeterministic)
}

fn failed(seed: u64, ran: &Run<()>, cause: Cause) -> Failure {
    Failure { seed, at: ran.elapsed, cause, faults: ran.faults, trace: Vec::new() }
}

/// Looks for the fewest faults, counted from the begin, with which the seed still fails: the last
/// of them is the one that matters.
fn shrunk<B>(failure: Failure, body: &Rc<B>) -> Found
where
    B: AsyncFn(World) + 'static,
{
    let mut found = Found { faults: None, failure: failure.into() };
    if matches!(found.failure.cause, Cause::NotDeterministic) {
        return found;
    }
    let simulation = Simulation::new(found.failure.seed);
    let (mut low, mut high) = (0, found.failure.faults);
    while low < high {
        let middle = low + (high - low) / 2;
        match once(&simulation.clone().most_faults(middle), body) {
            Ok(_) => low = middle + 1,
            Err(failure) => {
                high = middle;
                found = Found { faults: Some(middle), failure: failure.into() };
            }
        }
    }
    found
}

/// A seed that fails, with how to see it again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found {
    /// The failure, with the fewest faults that show it.
    pub failure: Box<Failure>,
    /// How many those are, if fewer than at first.
    pub faults: Option<u64>,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.failure)?;
        if let Some(faults) = self.faults {
            writeln!(f, "the first {faults} faults are enough; the last of them is the one")?;
        }
        write!(f, "again: {SEED}={}", self.failure.seed)?;
        if let Some(faults) = self.faults {
            write!(f, " {FAULTS}={faults}")?;
        }
        write!(f, " {}", command())
    }
}

impl std::error::Error for Found {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.failure)
    }
}

/// How this test is run alone; test harnesses name a test's thread after it.
fn command() -> String {
    let package = env::var("CARGO_PKG_NAME").map(|name| format!(" -p {name}")).unwrap_or_default();
    match thread::current().name().filter(|name| *name != "main") {
        Some(test) => format!("cargo test{package} {test} -- --exact"),
        None => format!("cargo test{package}"),
    }
}

fn from_environment(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}
