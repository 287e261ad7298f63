//! `RemoteHandle`: the loop as other threads see it; `Inbox`, where their call-backs arrive.

use std::{
    any::Any,
    fmt,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crossbeam_channel::{Receiver, SendError, Sender};
use roundel_driver::Notifier;

use crate::{
    LoopClosed, LoopHandle, current,
    ready::{Site, Work},
    wake_state::WakeState,
};

/// A call-back from another thread, as the loop sees it.
pub(crate) trait RemoteJob: Send + Sync {
    fn run(&self);
    fn site(&self) -> Site;
    fn cancel(&self) -> bool;
    fn is_cancelled(&self) -> bool;
}

enum Stage<F> {
    Waiting(F),
    Cancelled,
    /// Running, or has run.
    Begun,
}

/// A function with its argument from another thread: nobody cancels it, so nothing is shared.
pub(crate) trait Posted: Send {
    fn run(self: Box<Self>);
    fn site(&self) -> Site;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

struct Parcel<V> {
    value: V,
    open: fn(V),
    site: Site,
}

impl<V: Send + 'static> Posted for Parcel<V> {
    fn run(self: Box<Self>) {
        (self.open)(self.value);
    }

    fn site(&self) -> Site {
        self.site
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// What threads leave for the loop.
pub(crate) enum Arrival {
    Call(Arc<dyn RemoteJob>),
    Post(Box<dyn Posted>),
    /// For the layer above.
    Wake(usize),
}

/// The call-back and its handle's end of it, in one allocation. The lock is held for a move only,
/// never while the call-back runs or is dropped.
struct Cell<F> {
    stage: Mutex<Stage<F>>,
    site: Site,
}

impl<F> Cell<F> {
    fn stage(&self) -> MutexGuard<'_, Stage<F>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call-back, if it has neither begun nor been cancelled; the cell is left in `next`.
    fn leave_waiting(&self, next: Stage<F>) -> Option<F> {
        let mut stage = self.stage();
        if !matches!(*stage, Stage::Waiting(_)) {
            return None;
        }
        match std::mem::replace(&mut *stage, next) {
            Stage::Waiting(call) => Some(call),
            _ => None,
        }
    }
}

impl<F: FnOnce() + Send> RemoteJob for Cell<F> {
    fn run(&self) {
        if let Some(call) = self.leave_waiting(Stage::Begun) {
            call();
        }
    }

    fn site(&self) -> Site {
        self.site
    }

    fn cancel(&self) -> bool {
        drop(self.leave_waiting(Stage::Cancelled));
        self.is_cancelled()
    }

    fn is_cancelled(&self) -> bool {
        matches!(*self.stage(), Stage::Cancelled)
    }
}

/// Where other threads leave call-backs.
pub(crate) struct Inbox {
    queue: Sender<Arrival>,
    pub(crate) wake: WakeState,
    notifier: Notifier,
}

impl Inbox {
    pub(crate) fn new(notifier: Notifier) -> (Arc<Self>, Receiver<Arrival>) {
        let (queue, receiver) = crossbeam_channel::unbounded();
        (Arc::new(Self { queue, wake: WakeState::new(), notifier }), receiver)
    }

    /// Makes the loop look around, at once if it sleeps.
    pub(crate) fn ring(&self) {
        if self.wake.post() {
            self.notifier.notify();
        }
    }
}

/// An event loop as seen from any thread.
///
/// ```
/// use roundel_loop::EventLoop;
///
/// let mut event_loop = EventLoop::new()?;
/// let remote = event_loop.remote();
/// let worker = std::thread::spawn(move || {
///     let stop = remote.clone();
///     remote.call_soon(move || stop.stop()).expect("the loop is open");
/// });
/// event_loop.run_forever()?;
/// worker.join().unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RemoteHandle {
    pub(crate) inbox: Arc<Inbox>,
}

impl RemoteHandle {
    /// Whether the loop runs in this thread, now.
    ///
    /// ```
    /// use roundel_loop::EventLoop;
    ///
    /// let mut event_loop = EventLoop::new()?;
    /// let remote = event_loop.remote();
    /// assert!(!remote.is_current());
    /// assert!(event_loop.run_until_complete(async { remote.is_current() })?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_current(&self) -> bool {
        current::with(|current| {
            current.is_some_and(|handle| Arc::ptr_eq(&handle.core.inbox, &self.inbox))
        })
    }

    /// Queues a call-back on the loop and wakes the loop if it sleeps. Call-backs of one thread
    /// run in order; on the loop's own thread they keep their order with
    /// [`LoopHandle::call_soon`](crate::LoopHandle::call_soon).
    ///
    /// # Errors
    /// The loop is closed; the call-back comes back. A call-back that is accepted while the loop
    /// is being closed is dropped without running, as the others in its queue are.
    #[doc(alias = "call_soon_threadsafe")]
    #[track_caller]
    pub fn call_soon<F>(&self, call: F) -> Result<RemoteCall, LoopClosed<F>>
    where
        F: FnOnce() + Send + 'static,
    {
        let cell =
            Arc::new(Cell { stage: Mutex::new(Stage::Waiting(call)), site: Location::caller() });
        let job: Arc<dyn RemoteJob> = cell.clone();
        let here = current::with(|current| match current {
            Some(handle) if Arc::ptr_eq(&handle.core.inbox, &self.inbox) => {
                handle.core.queue_remote(Arc::clone(&job));
                true
            }
            _ => false,
        });
        if !here {
            if self.inbox.queue.send(Arrival::Call(Arc::clone(&job))).is_err() {
                let call = cell.leave_waiting(Stage::Cancelled);
                return Err(LoopClosed(call.expect("nobody else has seen the call-back")));
            }
            self.inbox.ring();
        }
        Ok(RemoteCall(job))
    }

    /// Hands a value to the loop, where `open` gets it: a call-back without a handle, in one
    /// allocation. Its place in the order is that of [`call_soon`](Self::call_soon).
    ///
    /// # Errors
    /// The loop is closed; the value comes back.
    #[track_caller]
    pub fn post<V: Send + 'static>(&self, value: V, open: fn(V)) -> Result<(), LoopClosed<V>> {
        let parcel: Box<dyn Posted> = Box::new(Parcel { value, open, site: Location::caller() });
        let parcel = current::with(|current| match current {
            Some(handle) if Arc::ptr_eq(&handle.core.inbox, &self.inbox) => {
                handle.core.ready.borrow_mut().push(|| Work::Posted(parcel));
                None
            }
            _ => Some(parcel),
        });
        let Some(parcel) = parcel else { return Ok(()) };
        if let Err(SendError(Arrival::Post(parcel))) = self.inbox.queue.send(Arrival::Post(parcel))
        {
            let parcel = parcel.into_any().downcast::<Parcel<V>>();
            return Err(LoopClosed(parcel.expect("what comes back was sent").value));
        }
        self.inbox.ring();
        Ok(())
    }

    /// Hands a ticket to the loop's [`Layer`](crate::Layer); no effect on a closed loop.
    pub fn wake(&self, ticket: usize) {
        if self.inbox.queue.send(Arrival::Wake(ticket)).is_ok() {
            self.inbox.ring();
        }
    }

    /// Stops the loop after its present turn, as [`LoopHandle::stop`](crate::LoopHandle::stop)
    /// does. No effect on a closed loop.
    pub fn stop(&self) {
        // Through the queue, so that it takes effect after what this thread queued before.
        let _ = self.call_soon(|| LoopHandle::current().stop());
    }
}

impl fmt::Debug for RemoteHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteHandle").field("wake", &self.inbox.wake).finish_non_exhaustive()
    }
}

/// A call-back queued from any thread; cancelled from any thread. Dropping it does not cancel.
#[derive(Clone)]
pub struct RemoteCall(Arc<dyn RemoteJob>);

impl RemoteCall {
    /// Keeps the call-back from running. True if it will never run; false once it runs or has
    /// run. Never blocks, not even while the call-back runs.
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }

    /// Whether it was cancelled before it began.
    #[doc(alias = "cancelled")]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Where it was scheduled.
    pub fn site(&self) -> Site {
        self.0.site()
    }
}

impl fmt::Debug for RemoteCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteCall")
            .field("site", &format_args!("{}", self.site()))
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}
