//! `Stage`: what a seed program stands on: a clock, a driver, standard input, and a transcript.

use std::{
    fmt::Display,
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use roundel::{
    Backend, EventLoop, LoopConfig, Runner,
    executor::Sleep,
    run::BackendError,
    selector::{Selector, SelectorError, by_name, names},
    sim::{AutoJump, Network},
    sleep,
    timer::{Clock, SystemClock, VirtualClock},
};

use super::{
    seed::Played,
    transcript::{Line, Transcript},
};

/// What the command line chooses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    /// The driver's name: `uring`, `sim`, or a selector's.
    pub(crate) driver: String,
    pub(crate) clock: ClockKind,
    /// How long a second of the program lasts, in seconds.
    pub(crate) scale: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ClockKind {
    Real,
    Virtual,
}

/// Where a program runs and prints. Clones are the same stage, for call-backs and threads.
#[derive(Clone)]
pub(crate) struct Stage(Arc<Shared>);

struct Shared {
    time: Time,
    start: Instant,
    setting: Setting,
    /// What is to be read instead of standard input.
    script: Option<String>,
    output: Mutex<Output>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

enum Time {
    Real,
    Virtual(VirtualClock),
}

struct Output {
    lines: Vec<Line>,
    live: Box<dyn Write + Send>,
}

impl Stage {
    /// Whatever the program prints goes to `live` at once, and into the transcript.
    pub(crate) fn new(
        setting: &Setting,
        script: Option<String>,
        live: Box<dyn Write + Send>,
    ) -> Self {
        let time = match setting.clock {
            ClockKind::Real => Time::Real,
            ClockKind::Virtual => Time::Virtual(VirtualClock::new()),
        };
        Self(Arc::new(Shared {
            start: time.now(),
            time,
            setting: setting.clone(),
            script,
            output: Mutex::new(Output { lines: Vec::new(), live }),
            threads: Mutex::default(),
        }))
    }

    pub(crate) fn now(&self) -> Instant {
        self.0.time.now()
    }

    /// So many seconds of the program.
    pub(crate) fn seconds(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds * self.0.setting.scale)
    }

    /// How many seconds of the program have passed since `start`.
    pub(crate) fn since(&self, start: Instant) -> f64 {
        (self.now() - start).as_secs_f64() / self.0.setting.scale
    }

    /// The time as `time.time()` tells it, in seconds of the program. On the virtual clock it is 0
    /// at the start.
    pub(crate) fn time(&self) -> f64 {
        match self.0.time {
            Time::Real => {
                let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                since_1970.unwrap_or_default().as_secs_f64() / self.0.setting.scale
            }
            Time::Virtual(_) => self.since(self.0.start),
        }
    }

    /// Prints.
    pub(crate) fn say(&self, text: impl Display) {
        let at = Some(self.since(self.0.start));
        let text = text.to_string();
        let mut output = self.0.output.lock().unwrap_or_else(PoisonError::into_inner);
        for text in text.split('\n') {
            // Whoever reads us may have read enough; the transcript goes on.
            let _ = writeln!(output.live, "{text}");
            output.lines.push(Line { at, text: text.to_owned() });
        }
    }

    /// Blocks the program's main thread, as `time.sleep` does. On the virtual clock the main
    /// thread is the one that moves the time.
    pub(crate) fn block(&self, duration: Duration) {
        match &self.0.time {
            Time::Real => thread::sleep(duration),
            Time::Virtual(clock) => clock.advance(duration),
        }
    }

    /// Sleeps for so many seconds of the program, as `asyncio.sleep` does.
    pub(crate) fn sleep(&self, seconds: f64) -> Sleep {
        sleep(self.seconds(seconds))
    }

    /// Runs `work` after `delay` on a thread of its own, as `threading.Timer` does.
    pub(crate) fn start_timer_thread(&self, delay: Duration, work: impl FnOnce() + Send + 'static) {
        let stage = self.clone();
        let thread = thread::spawn(move || {
            match &stage.0.time {
                Time::Real => thread::sleep(delay),
                Time::Virtual(clock) => clock.sleep(delay),
            }
            work();
        });
        self.0.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    }

    /// Waits for the timer threads, as Python does at its exit.
    fn join_threads(&self) {
        let mut threads = self.0.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Time::Virtual(clock) = &self.0.time {
            // When all are asleep nothing happens any more, unless time passes.
            clock.wait_for_sleepers(threads.len());
            while let Some(next) = clock.next_wake() {
                clock.advance_to(next);
            }
        }
        for thread in threads.drain(..) {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }

    /// Runs `main` as the main task of a loop of its own.
    #[track_caller]
    pub(crate) fn run(&self, main: impl AsyncFnOnce(Self) -> Played + 'static) -> Played {
        self.run_with(self.loop_config()?, main)
    }

    /// As [`run`](Self::run), for a program that talks to itself over the network. On the virtual
    /// clock that is a simulated one, whatever the driver: a clock that jumps does not wait for what
    /// is under way in a real one.
    #[track_caller]
    pub(crate) fn run_networked(&self, main: impl AsyncFnOnce(Self) -> Played + 'static) -> Played {
        let config = match &self.0.time {
            Time::Real => self.loop_config()?,
            Time::Virtual(clock) => simulated(clock),
        };
        self.run_with(config, main)
    }

    #[track_caller]
    fn run_with(
        &self,
        config: LoopConfig,
        main: impl AsyncFnOnce(Self) -> Played + 'static,
    ) -> Played {
        let mut runner = Runner::builder().config(config).build()?;
        let stage = self.clone();
        runner.run(async move { main(stage).await })?
    }

    /// A loop on the stage's driver and clock.
    pub(crate) fn event_loop(&self) -> Result<EventLoop, BackendError> {
        Ok(EventLoop::with_config(self.loop_config()?))
    }

    fn loop_config(&self) -> Result<LoopConfig, BackendError> {
        if let (Time::Virtual(clock), "sim") = (&self.0.time, &*self.0.setting.driver) {
            return Ok(simulated(clock));
        }
        let driver = Backend::from(&*self.0.setting.driver).driver()?;
        let mut config = match &self.0.time {
            Time::Real => LoopConfig::with_driver(driver),
            Time::Virtual(clock) => {
                let driver = AutoJump::new(driver, clock.clone());
                let mut config = LoopConfig::with_driver(Box::new(driver));
                config.clock = clock.clone().into();
                config
            }
        };
        // Some programs block the loop in order to show what comes of it.
        config.slow_callback = None;
        Ok(config)
    }

    /// For a program that has no loop; the best there is if the driver is no selector.
    pub(crate) fn selector(&self) -> Result<Box<dyn Selector + Send>, SelectorError> {
        let name = &*self.0.setting.driver;
        by_name(if names().any(|selector| selector == name) { name } else { "default" })
    }

    /// Standard input; the scripted one comes through a pipe.
    pub(crate) fn input(&self) -> io::Result<File> {
        let Some(script) = self.0.script.clone() else {
            return Ok(io::stdin().as_fd().try_clone_to_owned()?.into());
        };
        let (reader, mut writer) = io::pipe()?;
        // From a thread, so that a script may be longer than the pipe. A program that does not
        // read to the end is noticed by its transcript.
        thread::spawn(move || writer.write_all(script.as_bytes()));
        Ok(OwnedFd::from(reader).into())
    }

    /// Ends the program, which is when its last thread has ended.
    pub(crate) fn finish(self) -> Transcript {
        self.join_threads();
        let end = self.since(self.0.start);
        let mut output = self.0.output.lock().unwrap_or_else(PoisonError::into_inner);
        Transcript { lines: std::mem::take(&mut output.lines), end }
    }
}

/// A host that is alone in a simulated network.
fn simulated(clock: &VirtualClock) -> LoopConfig {
    let network = Network::with_clock(0, clock.clone());
    let driver = network.driver(network.add_host("localhost"));
    let mut config = LoopConfig::with_driver(Box::new(driver));
    config.clock = clock.clone().into();
    config.slow_callback = None;
    config
}

impl Time {
    fn now(&self) -> Instant {
        match self {
            Self::Real => SystemClock.now(),
            Self::Virtual(clock) => clock.now(),
        }
    }
}
