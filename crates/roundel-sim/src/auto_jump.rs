//! `AutoJump`: a driver that moves a virtual clock instead of waiting.

use std::{
    os::fd::BorrowedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use roundel_driver::{
    Completion, Driver, DriverError, DriverStatistics, Key, Notifier, Notify, Operation, Source,
    SourceId, Submitted,
};
use roundel_timer::{Clock, SystemClock, VirtualClock};

/// Wraps a driver and a virtual clock: when a wait would block until the next timer, the clock
/// jumps there.
///
/// What the kernel and other threads have to say goes first: the clock jumps only if neither has
/// anything. A wait without a limit (no timer pending) is a real wait. Real events take real time;
/// a program that mixes them with timers should say with [`patience`](Self::with_patience) how
/// long they may take before the clock may jump over them.
///
/// ```
/// use std::time::Duration;
/// use roundel_driver::SelectorDriver;
/// use roundel_loop::{EventLoop, LoopConfig};
/// use roundel_sim::{AutoJump, VirtualClock};
///
/// let clock = VirtualClock::new();
/// let driver = AutoJump::new(SelectorDriver::by_name("default")?, clock.clone());
/// let mut config = LoopConfig::with_driver(Box::new(driver));
/// config.clock = clock.clone().into();
///
/// let mut event_loop = EventLoop::with_config(config);
/// let handle = event_loop.handle();
/// handle.clone().call_later(Duration::from_secs(3600), move || handle.stop());
/// event_loop.run_forever()?;
/// assert_eq!(clock.elapsed(), Duration::from_secs(3600)); // in no time
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AutoJump<D> {
    inner: D,
    clock: VirtualClock,
    patience: Duration,
    bell: Arc<Bell>,
}

/// The inner driver's notifier, and whether it was used since the last wait: a wait that was rung
/// out of has heard something, although no operation finished.
#[derive(Debug)]
struct Bell {
    inner: Notifier,
    rung: AtomicBool,
}

impl Notify for Bell {
    fn notify(&self) {
        self.rung.store(true, Ordering::Release);
        self.inner.notify();
    }
}

impl<D: Driver> AutoJump<D> {
    /// Over any driver; `clock` has to be the clock of the loop above.
    pub fn new(inner: D, clock: VirtualClock) -> Self {
        let bell = Arc::new(Bell { inner: inner.notifier(), rung: AtomicBool::new(false) });
        Self { inner, clock, patience: Duration::ZERO, bell }
    }

    /// Gives real events `patience` of real time before the clock jumps.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl<D: Driver> Driver for AutoJump<D> {
    fn wait(
        &mut self,
        timeout: Option<Duration>,
        completed: &mut Vec<Key>,
    ) -> Result<(), DriverError> {
        let Some(timeout) = timeout.filter(|timeout| !timeout.is_zero()) else {
            self.inner.wait(timeout, completed)?;
            self.bell.rung.store(false, Ordering::Relaxed);
            return Ok(());
        };
        let (before, begun) = (completed.len(), SystemClock.now());
        loop {
            // A wait may end early with nothing to tell, as when a large send makes some progress.
            let waited = SystemClock.now().saturating_duration_since(begun);
            let patience = self.patience.saturating_sub(waited);
            self.inner.wait(Some(patience), completed)?;
            if self.bell.rung.swap(false, Ordering::Acquire) || completed.len() > before {
                return Ok(());
            }
            if patience.is_zero() {
                self.clock.advance(timeout);
                return Ok(());
            }
        }
    }

    fn notifier(&self) -> Notifier {
        Notifier::new(self.bell.clone())
    }

    fn attach(&mut self, source: Source) -> SourceId {
        self.inner.attach(source)
    }

    fn detach(&mut self, id: SourceId) -> Option<Source> {
        self.inner.detach(id)
    }

    fn submit(&mut self, operation: Operation) -> Submitted {
        self.inner.submit(operation)
    }

    fn take(&mut self, key: Key) -> Option<Completion> {
        self.inner.take(key)
    }

    fn cancel(&mut self, key: Key) -> bool {
        self.inner.cancel(key)
    }

    fn in_flight(&self) -> usize {
        self.inner.in_flight()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inner.descriptor()
    }

    fn buggify(&mut self, site: &'static str) -> bool {
        self.inner.buggify(site)
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn statistics(&self) -> DriverStatistics {
        self.inner.statistics()
    }
}
