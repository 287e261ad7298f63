//! `ctrl_c`: what a program wants of Ctrl-C. The first is told, the second ends the program.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use roundel_promise::{Promise, Promised, promise};

use crate::{
    SignalError, SignalKind,
    switchboard::{Listener, Rank, Seat, is_default, listen},
};

/// Takes over Ctrl-C, until the answer is dropped. The first one keeps the promise of
/// [`pressed`](CtrlC::pressed). The next one ends the program with exit code 130 from within the
/// handler, whatever the program is busy with; nothing is cleaned up then.
///
/// Streams of [`SignalKind::INTERRUPT`] go before: while there is one, Ctrl-C appears there and
/// does nothing else.
///
/// # Errors
/// The program ignores Ctrl-C (as one does that was started in the background), or handles it
/// without this crate; or the system refuses.
#[doc(alias = "KeyboardInterrupt")]
pub fn ctrl_c() -> Result<CtrlC, SignalError> {
    let kind = SignalKind::INTERRUPT;
    if !is_default(kind) {
        return Err(SignalError::NotDefault(kind));
    }
    let (promise, pressed) = promise();
    let first = First { promise: Mutex::new(Some(promise)) };
    let seat = listen(kind, Rank::Warning, Arc::new(first))?;
    Ok(CtrlC { pressed, _seat: seat })
}

/// Ctrl-C, taken over; dropping it gives it back. From [`ctrl_c`].
#[must_use = "a dropped CtrlC gives Ctrl-C back"]
pub struct CtrlC {
    pressed: Promised<()>,
    _seat: Seat,
}

impl CtrlC {
    /// Kept when Ctrl-C is pressed, broken when the `CtrlC` is dropped before.
    pub fn pressed(&self) -> Promised<()> {
        self.pressed.clone()
    }
}

impl fmt::Debug for CtrlC {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CtrlC").field("pressed", &self.pressed).finish_non_exhaustive()
    }
}

/// Hears the first one.
struct First {
    promise: Mutex<Option<Promise<()>>>,
}

impl Listener for First {
    fn hear(&self) {
        let promise = self.promise.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(promise) = promise {
            // It is lost only on readers who do not want it any more.
            let _ = promise.set(());
        }
    }
}
