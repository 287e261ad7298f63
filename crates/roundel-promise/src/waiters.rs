//! Who waits for a promise: at most one waker for each reading end, in order of arrival.
//!
//! The first waiter is stored in place, because there is nearly always just one: a pair that is
//! awaited costs no allocation beyond the pair. Wakers are foreign code, so nothing in here wakes
//! or drops one; they are handed out, to be dealt with when no lock is held.
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

#[derive(Debug)]
struct Waiter {
    key: Key,
    until: Until,
    waker: Waker,
}

/// The waiters of one promise.
#[derive(Debug)]
pub(crate) struct Waiters {
    /// The oldest waiter; empty only if `rest` is empty too.
    first: Option<Waiter>,
    rest: Vec<Waiter>,
}

impl Waiters {
    pub(crate) const fn new() -> Self {
        Waiters { first: None, rest: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    /// Makes `waker` the waker of `key`; returns the one it displaces.
    pub(crate) fn register(&mut self, key: Key, until: Until, waker: Waker) -> Option<Waker> {
        let mut known = self.first.iter_mut().chain(&mut self.rest);
        if let Some(waiter) = known.find(|waiter| waiter.key == key) {
            waiter.until = until;
            return Some(mem::replace(&mut waiter.waker, waker));
        }
        let waiter = Waiter { key, until, waker };
        if self.first.is_none() {
            self.first = Some(waiter);
        } else {
            self.rest.push(waiter);
        }
        None
    }

    /// Forgets `key`; returns its waker.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        let waiter = if self.first.as_ref().is_some_and(|waiter| waiter.key == key) {
            let next = (!self.rest.is_empty()).then(|| self.rest.remove(0));
            mem::replace(&mut self.first, next)
        } else {
            let index = self.rest.iter().position(|waiter| waiter.key == key)?;
            Some(self.rest.remove(index))
        };
        waiter.map(|waiter| waiter.waker)
    }

    /// Takes everyone.
    pub(crate) fn take_all(&mut self) -> Wakers {
        Wakers(mem::replace(self, Waiters::new()))
    }

    /// Takes those who wait for exactly `until`.
    pub(crate) fn take(&mut self, until: Until) -> Wakers {
        let everyone = mem::replace(self, Waiters::new());
        let (taken, left) = everyone.into_iter().partition(|waiter| waiter.until == until);
        *self = Waiters::from_vec(left);
        Wakers(Waiters::from_vec(taken))
    }

    fn from_vec(mut rest: Vec<Waiter>) -> Self {
        let first = (!rest.is_empty()).then(|| rest.remove(0));
        Waiters { first, rest }
    }

    fn iter(&self) -> impl Iterator<Item = &Waiter> {
        self.first.iter().chain(&self.rest)
    }

    fn into_iter(self) -> impl Iterator<Item = Waiter> {
        self.first.into_iter().chain(self.rest)
    }
}

/// Wakers taken out of a promise. Wake them once its lock is open.
#[must_use]
#[derive(Debug)]
pub(crate) struct Wakers(Waiters);

impl Wakers {
    pub(crate) const fn none() -> Self {
        Wakers(Waiters::new())
    }

    pub(crate) fn wake(self) {
        for waiter in self.0.into_iter() {
            waiter.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiters(keys: impl IntoIterator<Item = (Key, Until)>) -> Waiters {
        let mut waiters = Waiters::new();
        for (key, until) in keys {
            assert!(waiters.register(key, until, Waker::noop().clone()).is_none());
        }
        waiters
    }

    fn keys(waiters: &Waiters) -> Vec<Key> {
        waiters.iter().map(|waiter| waiter.key).collect()
    }

    #[test]
    fn a_key_has_one_place() {
        let mut waiters = waiters([(1, Until::Done), (2, Until::Done)]);
        assert!(waiters.register(1, Until::Settled, Waker::noop().clone()).is_some());
        assert_eq!(keys(&waiters), [1, 2]);
        assert_eq!(keys(&waiters.take(Until::Settled).0), [1]);
    }

    #[test]
    fn order_outlives_removal() {
        let mut waiters = waiters([(1, Until::Done), (2, Until::Done), (3, Until::Done)]);
        assert!(waiters.remove(1).is_some());
        assert!(waiters.remove(1).is_none());
        assert!(waiters.register(1, Until::Done, Waker::noop().clone()).is_none());
        assert_eq!(keys(&waiters), [2, 3, 1]);
        assert!(waiters.remove(3).is_some());
        assert_eq!((waiters.len(), keys(&waiters.take_all().0)), (2, vec![2, 1]));
        assert_eq!(waiters.len(), 0);
    }

    #[test]
    fn readers_are_taken_before_watchers() {
        let mut waiters = waiters([(1, Until::Settled), (2, Until::Done), (3, Until::Settled)]);
        assert_eq!(keys(&waiters.take(Until::Done).0), [2]);
        assert_eq!(keys(&waiters), [1, 3]);
    }
}
