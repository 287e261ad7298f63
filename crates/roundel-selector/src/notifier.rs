//! `Notifier`: ends a blocked select from any thread.
use std::{fmt, sync::Arc};

/// How one mechanism is woken; implemented by selectors and drivers.
pub trait Notify: Send + Sync + fmt::Debug {
    /// Makes the current or the next wait return; never blocks.
    ///
    /// What the calling thread wrote before is visible to the thread whose wait returned for it.
    fn notify(&self);
}

/// Wakes a selector or a driver; cheap to clone, usable from any thread.
///
/// Notifications coalesce: however many come before a wait returns, they cost one system call and
/// end one wait. None is lost. A notifier may outlive what it wakes.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use roundel_selector::{DefaultSelector, Events, Selector};
///
/// let mut selector = DefaultSelector::new()?;
/// let notifier = selector.notifier();
/// let other = thread::spawn(move || notifier.notify());
///
/// let mut events = Events::with_capacity(1);
/// selector.select(&mut events, None)?; // returns when the other thread says so
/// assert!(events.is_empty());
/// # other.join().unwrap();
/// # Ok::<(), roundel_selector::SelectorError>(())
/// ```
#[doc(alias = "_write_to_self")]
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
