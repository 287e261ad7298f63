//! `run`: a runner for one future.

use std::{future::IntoFuture, panic::resume_unwind};

use crate::{RunError, Runner, interrupt::take_ctrl_c};

/// Runs a future as the main task of a new loop, then cancels what is left, awaits its clean-up,
/// and closes the loop. Ctrl-C is taken over until then.
///
/// The future need not be `Send`. For anything but the platform's best backend and the usual
/// limits, there is [`Runner`].
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use roundel_executor::{spawn, yield_now};
///
/// let shared = Rc::new(RefCell::new(Vec::new()));
/// let lent = shared.clone();
/// let ended = roundel_run::run(async move {
///     let child = spawn({
///         let lent = lent.clone();
///         async move { lent.borrow_mut().push("child") }
///     });
///     lent.borrow_mut().push("main");
///     child.await
/// })?;
/// assert!(ended.is_ok());
/// assert_eq!(*shared.borrow(), ["main", "child"]);
/// # Ok::<(), roundel_run::RunError>(())
/// ```
///
/// # Errors
/// No backend can be had, Ctrl-C was pressed, the main task was cancelled, the loop was stopped, a
/// loop runs in this thread already, or the driver failed.
///
/// # Panics
/// With the main task's panic, when everything else is cleaned up.
#[doc(alias = "asyncio.run")]
#[track_caller]
pub fn run<F>(future: F) -> Result<F::Output, RunError>
where
    F: IntoFuture,
    F::IntoFuture: 'static,
    F::Output: 'static,
{
    // Held over the shutdown: who loses patience with a clean-up presses a second time.
    let ctrl_c = take_ctrl_c(true);
    let pressed = ctrl_c.as_ref().map(|ctrl_c| ctrl_c.pressed());
    let mut runner = Runner::new()?;
    let ended = runner.complete(future.into_future(), pressed);
    runner.close();
    drop(ctrl_c);
    Ok(ended?.unwrap_or_else(|payload| resume_unwind(payload)))
}
