//! Who waits in a crowd: at most one waker for each reading end, in order of arrival.
//!
//! Wakers are foreign code, so nothing in here wakes or drops one; they are handed out, to be dealt
//! with when no lock is held.
use std::mem;
use std::task::Waker;

/// What a waiter waits for. See `state` for why there are two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The value or its absence: whoever reads.
    Done,
    /// The end of the matter for the writer too: `wait` and `as_completed`.
    Settled,
}

/// One reading end's number within its pair.
pub(crate) type Key = u32;

/// Who waits, for what, and how to wake it.
#[derive(Debug)]
pub(crate) struct Waiter {
    key: Key,
    until: Until,
    waker: Waker,
}

/// The waiters of one promise.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Vec<Waiter>);

impl Waiters {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Makes `waker` the waker of `key`; returns the one it displaces.
    #[cold]
    pub(crate) fn register(&mut self, key: Key, until: Until, waker: Waker) -> Option<Waker> {
        let new = Waiter { key, until, waker };
        if let Some(known) = self.0.iter_mut().find(|known| known.key == key) {
            return Some(mem::replace(known, new).waker);
        }
        self.0.push(new);
        None
    }

    /// Forgets `key`; returns its waker.
    #[cold]
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        let index = self.0.iter().position(|waiter| waiter.key == key)?;
        Some(self.0.remove(index).waker)
    }

    /// Takes everyone.
    #[cold]
    pub(crate) fn take_all(&mut self) -> Box<[Waiter]> {
        mem::take(&mut self.0).into()
    }

    /// Takes those who wait for exactly `until`.
    #[cold]
    pub(crate) fn take(&mut self, until: Until) -> Box<[Waiter]> {
        self.0.extract_if(.., |waiter| waiter.until == until).collect()
    }
}

/// Wakers taken out of a promise. Wake them once its lock is open.
///
/// A slice and not a vector: so it is as wide as a waker, and either travels in registers. Through
/// memory, they cost every `set` as much as the rest of it.
#[must_use]
#[derive(Debug)]
pub(crate) enum Wakers {
    Seated(Option<Waker>),
    InLine(Box<[Waiter]>),
}

impl Wakers {
    pub(crate) const NONE: Self = Wakers::Seated(None);

    #[inline]
    pub(crate) fn wake(self) {
        match self {
            Wakers::Seated(None) => {}
            Wakers::Seated(Some(waker)) => waker.wake(),
            Wakers::InLine(waiters) => wake_in_order(waiters),
        }
    }
}

/// Not worth a place in every `set` and `cancel`.
#[cold]
fn wake_in_order(waiters: Box<[Waiter]>) {
    waiters.into_iter().for_each(|waiter| waiter.waker.wake());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiters(keys: impl IntoIterator<Item = (Key, Until)>) -> Waiters {
        let mut waiters = Waiters::default();
        for (key, until) in keys {
            assert!(waiters.register(key, until, Waker::noop().clone()).is_none());
        }
        waiters
    }

    fn keys(waiters: &Waiters) -> Vec<Key> {
        taken(&waiters.0)
    }

    fn taken(waiters: &[Waiter]) -> Vec<Key> {
        waiters.iter().map(|waiter| waiter.key).collect()
    }

    #[test]
    fn a_key_has_one_place() {
        let mut waiters = waiters([(1, Until::Done), (2, Until::Done)]);
        assert!(waiters.register(1, Until::Settled, Waker::noop().clone()).is_some());
        assert_eq!(keys(&waiters), [1, 2]);
        assert_eq!(taken(&waiters.take(Until::Settled)), [1]);
    }

    #[test]
    fn order_outlives_removal() {
        let mut waiters = waiters([(1, Until::Done), (2, Until::Done), (3, Until::Done)]);
        assert!(waiters.remove(1).is_some());
        assert!(waiters.remove(1).is_none());
        assert!(waiters.register(1, Until::Done, Waker::noop().clone()).is_none());
        assert_eq!(keys(&waiters), [2, 3, 1]);
        assert!(waiters.remove(3).is_some());
        assert_eq!((waiters.len(), taken(&waiters.take_all())), (2, vec![2, 1]));
        assert_eq!(waiters.len(), 0);
    }

    #[test]
    fn readers_are_taken_before_watchers() {
        let mut waiters = waiters([(1, Until::Settled), (2, Until::Done), (3, Until::Settled)]);
        assert_eq!(taken(&waiters.take(Until::Done)), [2]);
        assert_eq!(keys(&waiters), [1, 3]);
    }
}
