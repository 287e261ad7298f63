//! Whether Ctrl-C is ours to take over.

use std::thread;

use roundel_signal::{CtrlC, ctrl_c};

/// Takes Ctrl-C over until the answer is dropped, if it is wanted and can be had: a program that
/// ignores or handles it by itself runs as it would without us.
pub(crate) fn take_ctrl_c(wanted: bool) -> Option<CtrlC> {
    // A loop in another thread is a part of a program; what Ctrl-C does is up to the whole.
    let is_main_thread = thread::current().name() == Some("main");
    if wanted && is_main_thread { ctrl_c().ok() } else { None }
}
