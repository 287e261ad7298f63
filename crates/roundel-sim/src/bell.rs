//! `Bell`: how other threads, and other loops of this one, wake a simulated host.

use std::sync::{
    Arc, Condvar, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use roundel_driver::Notify;

/// Rung by a driver's notifier; the ringing is heard once.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: AtomicBool,
    asleep: Mutex<()>,
    woken: Condvar,
    /// Where rung bells are listed, for whoever turns many hosts.
    board: Option<(Arc<Board>, u32)>,
}

/// Where simulated drivers list their hosts when somebody rings for them.
#[derive(Clone, Debug, Default)]
pub struct RungHosts(pub(crate) Arc<Board>);

impl RungHosts {
    /// An empty board.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether anybody has rung since the last call of [`take`](Self::take).
    #[inline]
    pub fn has_rung(&self) -> bool {
        self.0.has_rung()
    }

    /// Appends the numbers of the hosts that were rung for since the last call, in order.
    pub fn take(&self, into: &mut Vec<u32>) {
        self.0.take(into);
    }
}

/// The bells that were rung.
#[derive(Debug, Default)]
pub(crate) struct Board {
    rung: AtomicBool,
    hosts: Mutex<Vec<u32>>,
}

impl Board {
    #[inline]
    pub(crate) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// The hosts whose bells were rung since the last look, in the order of their numbers: who
    /// rings first is up to threads.
    pub(crate) fn take(&self, into: &mut Vec<u32>) {
        if !self.rung.swap(false, Ordering::AcqRel) {
            return;
        }
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.sort_unstable();
        hosts.dedup();
        into.append(&mut hosts);
    }
}

impl Bell {
    pub(crate) fn on(board: Arc<Board>, host: u32) -> Self {
        Self { board: Some((board, host)), ..Self::default() }
    }

    pub(crate) fn take(&self) -> bool {
        self.rung.load(Ordering::Relaxed) && self.rung.swap(false, Ordering::AcqRel)
    }

    /// Blocks until it is rung.
    pub(crate) fn wait(&self) {
        let mut asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.take() {
            asleep = self.woken.wait(asleep).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Notify for Bell {
    fn notify(&self) {
        let was_rung = self.rung.swap(true, Ordering::AcqRel);
        if let Some((board, host)) = &self.board {
            let mut hosts = board.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            hosts.push(*host);
            board.rung.store(true, Ordering::Release);
        }
        if was_rung {
            return;
        }
        // Between the sleeper's look and its sleep nobody gets in.
        let _asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        self.woken.notify_one();
    }
}
