//! `yield_now`: lets everybody else have a turn.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// Gives the loop a turn: the task goes on in the next one, behind what is ready.
///
/// # Cancel safety
/// Nothing is lost.
#[doc(alias = "sleep(0)")]
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
