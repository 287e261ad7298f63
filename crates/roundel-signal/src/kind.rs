//! `SignalKind`: which signal, by its Unix name.

use std::{ffi::c_int, fmt};

use signal_hook::{consts, low_level::signal_name};

/// A signal, by name or by number.
///
/// ```
/// use roundel_signal::SignalKind;
///
/// assert_eq!(SignalKind::TERMINATE.to_string(), "SIGTERM");
/// assert_eq!(SignalKind::from_raw(1), SignalKind::HANGUP);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "signal.Signals")]
pub struct SignalKind(c_int);

impl SignalKind {
    /// `SIGINT`: Ctrl-C was pressed.
    pub const INTERRUPT: Self = Self(consts::SIGINT);
    /// `SIGTERM`: whoever manages the program asks it to end.
    pub const TERMINATE: Self = Self(consts::SIGTERM);
    /// `SIGHUP`: the terminal is gone; for a service, its configuration has changed.
    pub const HANGUP: Self = Self(consts::SIGHUP);
    /// `SIGQUIT`: Ctrl-\ was pressed.
    pub const QUIT: Self = Self(consts::SIGQUIT);
    /// `SIGUSR1`: what the program says it means.
    pub const USER1: Self = Self(consts::SIGUSR1);
    /// `SIGUSR2`: what the program says it means.
    pub const USER2: Self = Self(consts::SIGUSR2);
    /// `SIGALRM`: an alarm clock of the kernel's rang.
    pub const ALARM: Self = Self(consts::SIGALRM);
    /// `SIGCHLD`: a child process has ended or stopped.
    pub const CHILD: Self = Self(consts::SIGCHLD);
    /// `SIGWINCH`: the terminal's window has another size.
    pub const WINDOW_CHANGE: Self = Self(consts::SIGWINCH);

    /// The signal of this number. Whether there is one is seen when it is listened to.
    pub const fn from_raw(number: c_int) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn as_raw(self) -> c_int {
        self.0
    }
}

impl fmt::Display for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignalKind({self})")
    }
}
