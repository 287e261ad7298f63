//! What a promise needs once more than its two ends take an interest in it.
//!
//! Nearly every promise has one writer and one reader, and no more. Each of the two has a seat in
//! the middle of the pair. As soon as anything goes beyond that (another claim, a call-back, a
//! `wait`), there is a crowd, and the reader leaves its seat and stands in line with the others. So
//! a pair of two pays for the crowd with one word, and there is one order of arrival, not two.
use std::mem;
use std::task::Waker;

use crate::waiters::{Key, Until, Waiters};

/// Claims beyond the first, waiters of all kinds, and call-backs.
pub(crate) struct Crowd<T, C> {
    pub(crate) waiters: Waiters,
    /// Reading ends that have a claim to the value; the last one gets it, the others clones.
    claims: u32,
    /// Reading ends there ever were.
    keys: u32,
    /// How to clone a value. There is one as soon as there are several claims.
    cloner: Option<fn(&T) -> T>,
    /// Call-backs that have not been taken to be run.
    queue: Vec<C>,
    /// The name of every call-back ever added.
    labels: Vec<&'static str>,
}

/// The key of the reading end that the pair is born with.
pub(crate) const FIRST_READER: Key = 0;

impl<T, C> Crowd<T, C> {
    /// A crowd of one, who was sitting if it was waiting.
    #[cold]
    pub(crate) fn around(seat: &mut Option<Waker>) -> Box<Self> {
        let mut waiters = Waiters::default();
        if let Some(waker) = seat.take() {
            waiters.register(FIRST_READER, Until::Done, waker);
        }
        let (queue, labels) = (Vec::new(), Vec::new());
        Box::new(Crowd { waiters, claims: 1, keys: 1, cloner: None, queue, labels })
    }

    /// Counts one more claim; returns the number of its reading end.
    pub(crate) fn join(&mut self, cloner: fn(&T) -> T) -> Key {
        let key = self.keys;
        self.keys += 1;
        self.claims += 1;
        self.cloner = Some(cloner);
        key
    }

    /// Counts one claim less; returns how to clone the value if there are others left.
    #[cold]
    pub(crate) fn leave(&mut self) -> Option<fn(&T) -> T> {
        self.claims -= 1;
        self.cloner.filter(|_| self.claims > 0)
    }

    pub(crate) fn call_back(&mut self, label: &'static str, callback: C) {
        self.note(label);
        self.queue.push(callback);
    }

    /// Keeps the name of a call-back that is run at once.
    pub(crate) fn note(&mut self, label: &'static str) {
        self.labels.push(label);
    }

    pub(crate) fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }

    #[cold]
    pub(crate) fn take_queue(&mut self) -> Box<[C]> {
        mem::take(&mut self.queue).into()
    }

    pub(crate) fn labels(&self) -> &[&'static str] {
        &self.labels
    }
}
