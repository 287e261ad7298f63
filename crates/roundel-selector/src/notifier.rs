//! `Notifier`: ends a blocked select from any thread.
use std::{fmt, sync::Arc};

/// How one mechanism is woken; implemented by selectors and drivers.
pub trait Notify: Send + Sync + fmt::Debug {
    /// Makes the current or the next wait return; never blocks.
    fn notify(&self);
}

/// Wakes a selector or a driver; cheap to clone, usable from any thread.
#[derive(Clone, Debug)]
pub struct Notifier(Arc<dyn Notify>);

impl Notifier {
    /// Wraps a mechanism's own way of being woken.
    pub fn new(notify: Arc<dyn Notify>) -> Self {
        Self(notify)
    }

    /// Makes the current wait return, or the next one if none is under way; never blocks.
    pub fn notify(&self) {
        self.0.notify();
    }
}
