//! `LoopGroup`: one loop per core, the same program on each.

use std::{
    ops::AsyncFn,
    sync::{Arc, mpsc},
    thread::{self, Scope, ScopedJoinHandle},
    time::Duration,
};

use roundel_loop::{LoopHandle, RemoteHandle};
use roundel_promise::{Promised, promise};

use crate::{
    Backend, LoopFailure, LoopGroupError, Member, ProgramFailure, RunError, Runner,
    crew::{Crew, Working},
    interrupt::take_ctrl_c,
};

/// Several loops, each in a thread of its own, with the same program on each. Nothing is shared
/// between them but what the program shares; they reach each other by [`Member::loops`].
///
/// A loop whose program has ended goes on for the others until the last program has: they are shut
/// down together. A program that fails cancels the others; so does Ctrl-C, under the conditions of
/// [`run`](crate::run).
///
/// ```
/// use roundel_executor::yield_now;
/// use roundel_run::LoopGroup;
///
/// let squares = LoopGroup::new().loops(4).run(async |member| {
///     yield_now().await;
///     member.index() * member.index()
/// })?;
/// assert_eq!(squares, [0, 1, 4, 9]);
/// # Ok::<(), roundel_run::LoopGroupError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a group does nothing until it is run"]
pub struct LoopGroup {
    loops: usize,
    backend: Backend,
    grace: Option<Duration>,
    ctrl_c: bool,
}

impl Default for LoopGroup {
    fn default() -> Self {
        Self::new()
    }
}

/// What became of one program; none if it never began.
type Outcome<T> = Option<Result<T, ProgramFailure>>;
type Started<'a, T> = Vec<ScopedJoinHandle<'a, Outcome<T>>>;

impl LoopGroup {
    /// As many loops as the process may use cores.
    pub fn new() -> Self {
        let loops = thread::available_parallelism().map_or(1, usize::from);
        Self { loops, backend: Backend::Auto, grace: None, ctrl_c: true }
    }

    /// So many loops instead.
    ///
    /// # Panics
    /// If it is none.
    #[track_caller]
    pub fn loops(mut self, loops: usize) -> Self {
        assert!(loops > 0, "a group has at least one loop");
        self.loops = loops;
        self
    }

    /// What each loop stands on. With [`Backend::Simulated`] each has a clock of its own.
    pub fn backend(mut self, backend: impl Into<Backend>) -> Self {
        self.backend = backend.into();
        self
    }

    /// How long the shutdown of each loop waits, as [`RunnerBuilder::grace`] says.
    ///
    /// [`RunnerBuilder::grace`]: crate::RunnerBuilder::grace
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Whether Ctrl-C cancels the programs, which it does unless changed.
    pub fn ctrl_c(mut self, cancels: bool) -> Self {
        self.ctrl_c = cancels;
        self
    }

    /// Runs the program on every loop, and blocks until all are shut down. The results are in the
    /// order of the loops' numbers.
    ///
    /// # Errors
    /// A program panicked or could not be run, Ctrl-C was pressed, a loop or a thread could not be
    /// made, or a loop runs in this thread already.
    pub fn run<P, T>(&self, program: P) -> Result<Vec<T>, LoopGroupError>
    where
        P: AsyncFn(Member) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        if LoopHandle::try_current().is_some() {
            return Err(LoopGroupError::Nested);
        }
        let crew = Arc::new(Crew::of(self.loops));
        let ctrl_c = take_ctrl_c(self.ctrl_c);
        if let Some(ctrl_c) = &ctrl_c {
            let crew = Arc::clone(&crew);
            ctrl_c.pressed().on_done(move |pressed| {
                if pressed.is_ok() {
                    crew.stop.make();
                }
            });
        }
        let program = Arc::new(program);
        let outcomes = thread::scope(|scope| {
            let threads = self.start(scope, &crew, &program)?;
            // A thread that unwinds was told so by its loop's handler of unhandled failures.
            let join = |thread: ScopedJoinHandle<'_, Outcome<T>>| {
                thread.join().unwrap_or_else(|payload| Some(Err(ProgramFailure::Panicked(payload))))
            };
            Ok(threads.into_iter().filter_map(join).collect())
        })?;
        results(outcomes)
    }

    /// Starts the threads; when all loops are there, the programs begin.
    fn start<'scope, P, T>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        crew: &'scope Crew,
        program: &Arc<P>,
    ) -> Result<Started<'scope, T>, LoopGroupError>
    where
        P: AsyncFn(Member) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        let (report, reports) = mpsc::channel();
        // An early return breaks the promise, and the threads that wait for it end.
        let (begin, begun) = promise();
        let mut threads = Vec::with_capacity(self.loops);
        for index in 0..self.loops {
            let (program, report, begun) = (Arc::clone(program), report.clone(), begun.clone());
            let thread = thread::Builder::new()
                .name(format!("loop-{index}"))
                .spawn_scoped(scope, move || self.work(index, crew, program, report, begun))
                .map_err(|source| LoopGroupError::Thread { index, source })?;
            threads.push(thread);
        }
        drop(report);
        let mut made = Vec::with_capacity(self.loops);
        for (index, remote) in reports {
            made.push((index, remote.map_err(|source| LoopGroupError::Build { index, source })?));
        }
        made.sort_by_key(|(index, _)| *index);
        let loops: Arc<[RemoteHandle]> = made.into_iter().map(|(_, remote)| remote).collect();
        // Nobody cancels it.
        let _ = begin.set(loops);
        Ok(threads)
    }

    /// One thread's share.
    fn work<P, T>(
        &self,
        index: usize,
        crew: &Crew,
        program: Arc<P>,
        report: mpsc::Sender<(usize, Result<RemoteHandle, RunError>)>,
        begun: Promised<Arc<[RemoteHandle]>>,
    ) -> Outcome<T>
    where
        P: AsyncFn(Member) -> T + 'static,
        T: 'static,
    {
        let mut builder = Runner::builder().backend(self.backend.clone()).ctrl_c(false);
        if let Some(grace) = self.grace {
            builder = builder.grace(grace);
        }
        let built = builder.build();
        let (mut runner, made) = match built {
            Ok(runner) => {
                let remote = runner.remote();
                (Some(runner), Ok(remote))
            }
            Err(error) => (None, Err(error)),
        };
        // If nobody wants to hear it, the promise is broken too.
        let _ = report.send((index, made));
        drop(report);
        let loops = begun.result().ok()?;
        let runner = runner.as_mut()?;

        let working = Working(crew);
        let member = Member::new(index, loops);
        let main = async move { program(member).await };
        let ended = runner.complete(main, Some(crew.stop.heard()));
        if !matches!(ended, Ok(Ok(_))) {
            crew.stop.make();
        }
        drop(working);
        runner.serve_until(crew.all_ended.heard());
        runner.close();
        Some(match ended {
            Ok(ended) => ended.map_err(ProgramFailure::Panicked),
            Err(error) => Err(ProgramFailure::Run(error)),
        })
    }
}

/// All results, or what went wrong by itself.
fn results<T>(outcomes: Vec<Result<T, ProgramFailure>>) -> Result<Vec<T>, LoopGroupError> {
    let mut interrupted = false;
    let mut failures = Vec::new();
    let mut values = Vec::with_capacity(outcomes.len());
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(value) => values.push(value),
            Err(ProgramFailure::Run(RunError::Interrupted)) => interrupted = true,
            Err(failure) => failures.push(LoopFailure { index, failure }),
        }
    }
    match (failures.is_empty(), interrupted) {
        (false, _) => Err(LoopGroupError::Failed(failures)),
        (true, true) => Err(LoopGroupError::Interrupted),
        (true, false) => Ok(values),
    }
}
