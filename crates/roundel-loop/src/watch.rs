//! Call-backs on a foreign descriptor's readiness: `add_reader`, `add_writer`.

use std::{
    cell::{Cell, RefCell},
    fmt,
    os::fd::{AsFd, AsRawFd, RawFd},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::{Rc, Weak},
};

use roundel_driver::{Interest, Key, OperationError, Outcome, Readiness, Source};

use crate::{
    LoopHandle,
    attached::Attached,
    core::Core,
    ready::{Job, Site},
    submission::give_up,
};

type WatchCall = Box<dyn FnMut(Result<Readiness, OperationError>)>;

/// One descriptor's watchers; reader and writer share the attachment.
#[derive(Default)]
pub(crate) struct Watches {
    reader: Option<Rc<Watch>>,
    writer: Option<Rc<Watch>>,
}

impl Watches {
    fn side(&mut self, interest: Interest) -> &mut Option<Rc<Watch>> {
        if interest == Interest::READ { &mut self.reader } else { &mut self.writer }
    }

    /// Ends both, for the loop's end.
    pub(crate) fn end(&self) {
        for watch in [&self.reader, &self.writer].into_iter().flatten() {
            watch.end();
        }
    }

    fn attached(&self) -> Option<Rc<Attached>> {
        let watch = self.reader.as_ref().or(self.writer.as_ref())?;
        watch.attached.borrow().clone()
    }
}

/// A call-back that runs at every turn while its descriptor is ready: a wait for readiness,
/// submitted anew each time it has been answered.
pub(crate) struct Watch {
    core: Weak<Core>,
    descriptor: RawFd,
    /// Let go at the end, so that a handle kept for longer keeps no descriptor open.
    attached: RefCell<Option<Rc<Attached>>>,
    interest: Interest,
    site: Site,
    /// Out while it runs, so that it may use the loop, and this watch, at will.
    call: RefCell<Option<WatchCall>>,
    live: Cell<bool>,
    key: Cell<Option<Key>>,
}

impl Watch {
    fn arm(self: &Rc<Self>) {
        let submission = match &*self.attached.borrow() {
            Some(attached) => attached.ready(self.interest),
            None => return,
        };
        match submission.try_now() {
            Err(pending) => {
                let job: Rc<dyn Job> = Rc::clone(self) as _;
                self.key.set(Some(pending.then_job(job, self.site)));
            }
            // The driver refuses on the spot: told like any other end.
            Ok(completion) => self.tell(completion.map(readiness)),
        }
    }

    fn tell(self: &Rc<Self>, readiness: Result<Readiness, OperationError>) {
        let last = readiness.is_err();
        let call = self.call.take();
        let Some(mut call) = call else { return };
        let guarded = catch_unwind(AssertUnwindSafe(|| call(readiness)));
        if last {
            if let Some(core) = self.core.upgrade() {
                core.forget_watch(self);
            }
            self.end();
        }
        if self.live.get() {
            self.call.replace(Some(call));
            self.arm();
        }
        // A call-back that panicked stays registered, as in asyncio; the loop reports it.
        if let Err(payload) = guarded {
            resume_unwind(payload);
        }
    }

    /// True if it was live.
    fn end(&self) -> bool {
        let live = self.live.replace(false);
        if let (Some(key), Some(core)) = (self.key.take(), self.core.upgrade()) {
            give_up(&core, key);
        }
        let (call, attached) = (self.call.take(), self.attached.take());
        drop((call, attached));
        live
    }
}

fn readiness(outcome: Outcome) -> Readiness {
    match outcome {
        Outcome::Ready(readiness) => readiness,
        _ => Readiness::NONE,
    }
}

impl Job for Watch {
    fn run(self: Rc<Self>, handle: &LoopHandle) {
        let Some(key) = self.key.take() else { return };
        let completion = handle.core.driver.borrow_mut().take(key);
        if let Some(completion) = completion {
            self.tell(completion.map(readiness));
        }
    }
}

impl Core {
    pub(crate) fn watch(
        self: &Rc<Self>,
        source: &Source,
        interest: Interest,
        site: Site,
        call: WatchCall,
    ) -> WatchHandle {
        let descriptor = source.as_fd().as_raw_fd();
        let attached = self.watches.borrow_mut().entry(descriptor).or_default().attached();
        let attached = attached.unwrap_or_else(|| Rc::new(Attached::new(self, source.clone())));
        let watch = Rc::new(Watch {
            core: Rc::downgrade(self),
            descriptor,
            attached: RefCell::new(Some(attached)),
            interest,
            site,
            call: RefCell::new(Some(call)),
            live: Cell::new(true),
            key: Cell::new(None),
        });
        let before = {
            let mut watches = self.watches.borrow_mut();
            watches.entry(descriptor).or_default().side(interest).replace(Rc::clone(&watch))
        };
        if let Some(before) = before {
            before.end();
        }
        watch.arm();
        WatchHandle(watch)
    }

    /// True if there was one.
    pub(crate) fn unwatch(&self, descriptor: RawFd, interest: Interest) -> bool {
        let watch = self.take_watch(descriptor, interest, |_| true);
        watch.is_some_and(|watch| watch.end())
    }

    fn forget_watch(&self, watch: &Rc<Watch>) {
        drop(self.take_watch(watch.descriptor, watch.interest, |kept| Rc::ptr_eq(kept, watch)));
    }

    fn take_watch(
        &self,
        descriptor: RawFd,
        interest: Interest,
        is_it: impl FnOnce(&Rc<Watch>) -> bool,
    ) -> Option<Rc<Watch>> {
        let mut all = self.watches.borrow_mut();
        let watches = all.get_mut(&descriptor)?;
        let watch = watches.side(interest).take_if(|watch| is_it(watch))?;
        if watches.attached().is_none() {
            all.remove(&descriptor);
        }
        Some(watch)
    }
}

/// A reader or writer call-back. Dropping the handle does not remove it.
pub struct WatchHandle(Rc<Watch>);

impl WatchHandle {
    /// Removes the call-back and drops it at once; it will not run again. False if it had been
    /// removed or replaced.
    pub fn cancel(&self) -> bool {
        if let Some(core) = self.0.core.upgrade() {
            core.forget_watch(&self.0);
        }
        self.0.end()
    }

    /// Whether it was removed or replaced.
    pub fn is_cancelled(&self) -> bool {
        !self.0.live.get()
    }

    /// Where it was added.
    pub fn site(&self) -> Site {
        self.0.site
    }
}

impl fmt::Debug for WatchHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchHandle")
            .field("descriptor", &self.0.descriptor)
            .field("interest", &self.0.interest)
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}
