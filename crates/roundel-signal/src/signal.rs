//! `signal`: one kind of signal as a stream.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures::{Stream, stream::FusedStream, task::AtomicWaker};

use crate::{
    SignalError, SignalKind,
    switchboard::{Listener, Rank, Seat, listen},
};

/// Listens to a signal: from now on it does nothing but appear in this stream, until the stream is
/// dropped.
///
/// May be called in any thread, with or without a loop.
///
/// ```
/// use futures::{StreamExt, executor::block_on};
/// use roundel_signal::{SignalKind, signal};
///
/// let mut reloads = signal(SignalKind::USER1)?;
/// # nix::sys::signal::raise(nix::sys::signal::SIGUSR1)?;
/// block_on(reloads.next()); // `kill -USR1`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// There is no such signal, it cannot be handled, or the system refuses.
#[doc(alias = "add_signal_handler")]
#[doc(alias = "remove_signal_handler")]
pub fn signal(kind: SignalKind) -> Result<Signal, SignalError> {
    let state = Arc::new(State { arrived: AtomicBool::new(false), waker: AtomicWaker::new() });
    let seat = listen(kind, Rank::Stream, Arc::clone(&state) as _)?;
    Ok(Signal { kind, state, _seat: seat })
}

/// The signals of one kind, as a stream that never ends. Several that come before it is polled
/// again are one.
///
/// # Cancel safety
/// Dropping a wait for the next signal loses nothing.
#[must_use = "a dropped stream listens to nothing"]
pub struct Signal {
    kind: SignalKind,
    state: Arc<State>,
    _seat: Seat,
}

struct State {
    arrived: AtomicBool,
    waker: AtomicWaker,
}

impl Listener for State {
    fn hear(&self) {
        self.arrived.store(true, Ordering::Release);
        self.waker.wake();
    }
}

impl Signal {
    /// Which signal this is.
    pub fn kind(&self) -> SignalKind {
        self.kind
    }
}

impl Stream for Signal {
    type Item = SignalKind;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SignalKind>> {
        // Registered first: a signal between the two lines is seen by one of them.
        self.state.waker.register(context.waker());
        match self.state.arrived.swap(false, Ordering::AcqRel) {
            true => Poll::Ready(Some(self.kind)),
            false => Poll::Pending,
        }
    }
}

impl FusedStream for Signal {
    fn is_terminated(&self) -> bool {
        false
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal")
            .field("kind", &self.kind)
            .field("arrived", &self.state.arrived)
            .finish_non_exhaustive()
    }
}
