//! `ctrl_c`: what a program wants of Ctrl-C. The first is told, the second ends the program.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use roundel_promise::{Promise, Promised, promise};
use signal_hook::{SigId, flag, low_level::unregister};

use crate::{
    SignalError, SignalKind,
    switchboard::{Listener, Rank, Seat, is_default, listen},
};

/// What a shell reports of a program that Ctrl-C ended: 128 and the signal's number.
const EXIT_CODE: i32 = 130;

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
    let pressed_once = Arc::new(AtomicBool::new(false));
    let listener =
        First { promise: Mutex::new(Some(promise)), pressed_once: Arc::clone(&pressed_once) };
    let seat = listen(kind, Rank::Otherwise, Arc::new(listener))?;
    let second = flag::register_conditional_shutdown(kind.as_raw(), EXIT_CODE, pressed_once)
        .map_err(|source| SignalError::Install { kind, source })?;
    Ok(CtrlC { pressed, second, _seat: seat })
}

/// Ctrl-C, taken over; dropping it gives it back. From [`ctrl_c`].
#[must_use = "a dropped CtrlC gives Ctrl-C back"]
pub struct CtrlC {
    pressed: Promised<()>,
    second: SigId,
    _seat: Seat,
}

impl CtrlC {
    /// Kept when Ctrl-C is pressed, broken when the `CtrlC` is dropped before.
    pub fn pressed(&self) -> Promised<()> {
        self.pressed.clone()
    }
}

impl Drop for CtrlC {
    fn drop(&mut self) {
        unregister(self.second);
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
    pressed_once: Arc<AtomicBool>,
}

impl Listener for First {
    fn hear(&self) {
        // Before anybody is told: whoever has seen the effect of the first can count on the second.
        self.pressed_once.store(true, Ordering::SeqCst);
        let promise = self.promise.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(promise) = promise {
            // It is lost only on readers who do not want it any more.
            let _ = promise.set(());
        }
    }
}
