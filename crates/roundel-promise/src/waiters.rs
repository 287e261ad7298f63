//! Who waits for a promise: at most one waker for each reading end, in order of arrival.
//!
//! A single waiter is stored in place, because there is nearly always just one: a pair that is
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

/// Who waits, for what, and how to wake it.
#[derive(Debug)]
pub(crate) struct Waiter {
    key: Key,
    until: Until,
    waker: Waker,
}

/// The waiters of one promise.
#[derive(Debug, Default)]
pub(crate) enum Waiters {
    #[default]
    None,
    One(Waiter),
    Many(Vec<Waiter>),
}

impl Waiters {
    pub(crate) fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Makes `waker` the waker of `key`; returns the one it displaces.
    #[inline]
    pub(crate) fn register(&mut self, key: Key, until: Until, waker: Waker) -> Option<Waker> {
        let new = Waiter { key, until, waker };
        if let Waiters::None = self {
            *self = Waiters::One(new);
            return None;
        }
        if let Some(known) = self.as_mut_slice().iter_mut().find(|known| known.key == key) {
            return Some(mem::replace(known, new).waker);
        }
        *self = match mem::take(self) {
            Waiters::None => Waiters::One(new),
            Waiters::One(first) => Waiters::Many(vec![first, new]),
            Waiters::Many(mut all) => {
                all.push(new);
                Waiters::Many(all)
            }
        };
        None
    }

    /// Forgets `key`; returns its waker.
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        let index = self.as_slice().iter().position(|waiter| waiter.key == key)?;
        let waiter = match self {
            Waiters::Many(all) => Some(all.remove(index)),
            Waiters::None | Waiters::One(_) => mem::take(self).into_iter().next(),
        };
        waiter.map(|waiter| waiter.waker)
    }

    /// Takes everyone.
    #[inline]
    pub(crate) fn take_all(&mut self) -> Wakers {
        Wakers(mem::take(self))
    }

    /// Takes those who wait for exactly `until`.
    pub(crate) fn take(&mut self, until: Until) -> Wakers {
        let everyone = mem::take(self).into_iter();
        let (taken, left) = everyone.partition(|waiter| waiter.until == until);
        *self = Waiters::Many(left);
        Wakers(Waiters::Many(taken))
    }

    fn as_slice(&self) -> &[Waiter] {
        match self {
            Waiters::None => &[],
            Waiters::One(waiter) => std::slice::from_ref(waiter),
            Waiters::Many(all) => all,
        }
    }

    fn as_mut_slice(&mut self) -> &mut [Waiter] {
        match self {
            Waiters::None => &mut [],
            Waiters::One(waiter) => std::slice::from_mut(waiter),
            Waiters::Many(all) => all,
        }
    }

    fn into_iter(self) -> impl Iterator<Item = Waiter> {
        let (one, many) = match self {
            Waiters::None => (None, Vec::new()),
            Waiters::One(waiter) => (Some(waiter), Vec::new()),
            Waiters::Many(all) => (None, all),
        };
        one.into_iter().chain(many)
    }
}

/// Wakers taken out of a promise. Wake them once its lock is open.
#[must_use]
#[derive(Debug)]
pub(crate) struct Wakers(Waiters);

impl Wakers {
    pub(crate) const fn none() -> Self {
        Wakers(Waiters::None)
    }

    #[inline]
    pub(crate) fn wake(self) {
        match self.0 {
            Waiters::None => {}
            Waiters::One(waiter) => waiter.waker.wake(),
            Waiters::Many(all) => all.into_iter().for_each(|waiter| waiter.waker.wake()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiters(keys: impl IntoIterator<Item = (Key, Until)>) -> Waiters {
        let mut waiters = Waiters::None;
        for (key, until) in keys {
            assert!(waiters.register(key, until, Waker::noop().clone()).is_none());
        }
        waiters
    }

    fn keys(waiters: &Waiters) -> Vec<Key> {
        waiters.as_slice().iter().map(|waiter| waiter.key).collect()
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
