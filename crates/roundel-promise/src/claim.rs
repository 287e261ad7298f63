//! A claim to the value: what both kinds of reading ends are.
//!
//! It is honoured at most once. A claim that was is *spent*: it still sees the state of the pair,
//! but is not counted there any more.
use std::task::{Context, Poll};

use crate::crowd::FIRST_READER;
use crate::error::Broken;
use crate::leftover::Reading;
use crate::pair::Pair;
use crate::waiters::{Key, Until};

pub(crate) struct Claim<P: Pair> {
    pair: P,
    key: Key,
    spent: bool,
}

impl<P: Pair> Claim<P> {
    /// The claim that a pair is born with.
    #[inline]
    pub(crate) fn first(pair: P) -> Self {
        Claim { pair, key: FIRST_READER, spent: false }
    }

    #[inline]
    pub(crate) fn pair(&self) -> &P {
        &self.pair
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    #[track_caller]
    #[inline]
    pub(crate) fn assert_unspent(&self) {
        assert!(!self.spent, "the promised value was handed over before");
    }

    /// Put where it is used, which is one place for each `.await`: as a call of its own it would
    /// spend more on being called than on the value.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<P::Value, Broken>> {
        self.assert_unspent();
        loop {
            if self.pair.state().is_done() {
                match self.pair.with_mut(|middle| middle.read(P::borrower)) {
                    Reading::Value(value) => {
                        self.spent = true;
                        return Poll::Ready(Ok(value));
                    }
                    Reading::Loan(value, clone) => {
                        // Before it is cloned: should that panic, the claim is used up all
                        // the same.
                        self.spent = true;
                        return Poll::Ready(Ok(self.pair.clone_lent(value, clone)));
                    }
                    Reading::Broken(broken) => return Poll::Ready(Err(broken)),
                    Reading::Lent => {}
                }
            }
            if self.pair.wait(self.key, Until::Done, cx.waker()) {
                return Poll::Pending;
            }
        }
    }

    /// The clone of a claim that was honoured is spent too.
    pub(crate) fn clone(&self) -> Self
    where
        P::Value: Clone,
    {
        let key = match self.spent {
            true => self.key,
            false => self.pair.with(|middle| middle.add_reader(P::Value::clone)),
        };
        Claim { pair: self.pair.clone(), key, spent: self.spent }
    }
}

impl<P: Pair> Drop for Claim<P> {
    #[inline]
    fn drop(&mut self) {
        // With the last end the whole pair goes, and there is nobody to be counted for.
        if !self.spent && !self.pair.is_alone() {
            give_up(&self.pair, self.key);
        }
    }
}

/// Out of line, because most claims are honoured.
#[inline(never)]
fn give_up<P: Pair>(pair: &P, key: Key) {
    // The waker is dropped with the lock open.
    let _waker = pair.with(|middle| middle.remove_reader(key));
}
