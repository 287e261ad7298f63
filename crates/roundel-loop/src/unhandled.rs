//! `Unhandled`: what nobody was waiting for went wrong, and who is told.

use std::{
    any::Any,
    cell::RefCell,
    fmt,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use crate::{ready::Site, stall::Stall};

/// A failure that no caller is there to receive: a call-back's panic, a stall, or whatever a layer
/// above has to report.
#[derive(Debug)]
#[non_exhaustive]
pub struct Unhandled {
    /// What happened, in a sentence.
    pub message: String,
    /// A panic's payload.
    pub panic: Option<Box<dyn Any + Send>>,
    /// Where the call-back was scheduled.
    pub site: Option<Site>,
    /// The stall, if this is one.
    pub stall: Option<Stall>,
    /// More about it, by name.
    pub details: Vec<(&'static str, String)>,
}

impl Unhandled {
    /// A report with nothing but a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), panic: None, site: None, stall: None, details: Vec::new() }
    }

    pub(crate) fn panicked(payload: Box<dyn Any + Send>, site: Option<Site>) -> Self {
        Self { panic: Some(payload), site, ..Self::new("a call-back panicked") }
    }

    pub(crate) fn stalled(stall: Stall) -> Self {
        let site = match &*stall.suspects {
            [suspect] => Some(suspect.site),
            _ => None,
        };
        Self { site, ..Self::new(stall.to_string()).with_stall(stall) }
    }

    fn with_stall(self, stall: Stall) -> Self {
        Self { stall: Some(stall), ..self }
    }

    /// Adds a named detail.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.details.push((name, value.to_string()));
        self
    }

    /// The panic's text, if it carried one.
    pub fn panic_message(&self) -> Option<&str> {
        let payload = self.panic.as_deref()?;
        let text = payload.downcast_ref::<&str>().copied();
        text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
    }
}

/// The message, then everything else sorted by name, in one record.
impl fmt::Display for Unhandled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = if self.message.is_empty() {
            "unhandled failure in an event loop"
        } else {
            &self.message
        };
        write!(f, "{message}")?;
        let mut details: Vec<(&str, String)> =
            self.details.iter().map(|(name, value)| (*name, value.clone())).collect();
        if self.panic.is_some() {
            let text = self.panic_message().unwrap_or("(a payload that is no text)");
            details.push(("panic", text.to_owned()));
        }
        details.extend(self.site.map(|site| ("scheduled at", site.to_string())));
        details.sort();
        details.iter().try_for_each(|(name, value)| write!(f, "\n  {name}: {value}"))
    }
}

/// What becomes of the loop after a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on with the next call-back.
    Continue,
    /// A panic goes on unwinding, out of the loop's run; the call-backs behind it stay queued for
    /// the next run. Without a panic this is the same as `Continue`.
    Unwind,
}

/// A user's handler of unhandled failures.
pub type UnhandledHandler = Rc<dyn Fn(&Unhandled) -> Verdict>;

/// Writes the report to standard error and lets the loop go on.
pub fn default_unhandled_handler(report: &Unhandled) -> Verdict {
    // Standard error may be closed; there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "roundel: {report}");
    Verdict::Continue
}

/// Who is told.
#[derive(Default)]
pub(crate) struct Reporter(RefCell<Option<UnhandledHandler>>);

impl Reporter {
    pub(crate) fn set(&self, handler: Option<UnhandledHandler>) -> Option<UnhandledHandler> {
        self.0.replace(handler)
    }

    pub(crate) fn get(&self) -> Option<UnhandledHandler> {
        self.0.borrow().clone()
    }

    /// A handler that itself panics is reported, with what it was told, to the default one.
    pub(crate) fn report(&self, report: &Unhandled) -> Verdict {
        let Some(handler) = self.get() else { return default_unhandled_handler(report) };
        match catch_unwind(AssertUnwindSafe(|| handler(report))) {
            Ok(verdict) => verdict,
            Err(payload) => {
                let mut second =
                    Unhandled::panicked(payload, report.site).detail("while reporting", report);
                second.message = "the handler of unhandled failures panicked".to_owned();
                default_unhandled_handler(&second)
            }
        }
    }
}
