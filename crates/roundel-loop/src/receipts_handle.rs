//! `ReceiptsHandle`: what a stream brings goes to a call-back, is paused and goes on.

use std::{
    cell::{Cell, RefCell},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::{Rc, Weak},
};

use roundel_driver::{Completion, Key};

use crate::{
    LoopHandle,
    core::Core,
    ready::{Job, Site, Work},
    receipts::is_last,
    submission::give_up,
};

/// Pieces in a row that one call-back is called with, after which the others have their turn.
const IN_A_ROW: usize = 16;

/// A call-back for each piece.
type PieceCall = Box<dyn FnMut(Completion)>;

/// Receipts that go to a call-back. The seat of their key holds them, and the ready queue when they
/// are to run.
pub(crate) struct Each {
    core: Weak<Core>,
    /// None once the last piece was taken, or none is wanted.
    key: Cell<Option<Key>>,
    refusal: Cell<Option<Completion>>,
    /// Empty while it is called, and when it was cancelled.
    call: RefCell<Option<PieceCall>>,
    is_paused: Cell<bool>,
    site: Site,
}

impl Each {
    pub(crate) fn new(
        core: &Rc<Core>,
        key: Option<Key>,
        refusal: Option<Completion>,
        call: PieceCall,
        site: Site,
    ) -> Rc<Self> {
        Rc::new(Self {
            core: Rc::downgrade(core),
            key: Cell::new(key),
            refusal: Cell::new(refusal),
            call: RefCell::new(Some(call)),
            is_paused: Cell::new(false),
            site,
        })
    }

    /// The next piece, if it is there and wanted.
    fn take(&self, core: &Core) -> Option<Completion> {
        if self.is_paused.get() {
            return None;
        }
        let Some(key) = self.key.get() else { return self.refusal.take() };
        let completion = core.driver.borrow_mut().take(key)?;
        if is_last(&completion) {
            self.key.set(None);
            let waiter = core.waiters.borrow_mut().leave(key);
            drop(waiter);
        }
        Some(completion)
    }
}

impl Job for Each {
    fn run(self: Rc<Self>, handle: &LoopHandle) {
        let (core, site) = (&*handle.core, self.site);
        let Some(mut call) = self.call.take() else { return };
        // A panic is the loop's to report; the rest is for the next turn then.
        let is_empty = catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..IN_A_ROW {
                match self.take(core) {
                    Some(completion) => call(completion),
                    None => return true,
                }
            }
            false
        }));
        // Neither over, nor cancelled by the call-back itself.
        if self.key.get().is_some() {
            self.call.replace(Some(call));
            if !matches!(is_empty, Ok(true)) {
                core.ready.borrow_mut().push(|| Work::Job(self, site));
            }
        } else {
            drop(call);
        }
        if let Err(payload) = is_empty {
            resume_unwind(payload);
        }
    }
}

/// Receipts whose pieces go to a call-back. Dropping it does not cancel.
pub struct ReceiptsHandle {
    each: Weak<Each>,
    site: Site,
}

impl ReceiptsHandle {
    pub(crate) fn new(each: &Rc<Each>) -> Self {
        Self { each: Rc::downgrade(each), site: each.site }
    }

    /// Gives the operation up; the call-back is dropped and will not be called again. False if it has
    /// been called for the last time.
    pub fn cancel(&self) -> bool {
        let Some(each) = self.each.upgrade() else { return false };
        let (key, refusal, call) = (each.key.take(), each.refusal.take(), each.call.take());
        if let (Some(key), Some(core)) = (key, each.core.upgrade()) {
            give_up(&core, key);
        }
        drop(call);
        key.is_some() || refusal.is_some()
    }

    /// Lets what comes wait with the peer, or in the driver: the call-back is not called until
    /// [`resume`](Self::resume). No effect if it is paused.
    pub fn pause(&self) {
        if let Some(each) = self.each.upgrade() {
            each.is_paused.set(true);
        }
    }

    /// Goes on, with what has come meanwhile first. No effect unless it was paused.
    pub fn resume(&self) {
        if let Some(each) = self.each.upgrade()
            && each.is_paused.replace(false)
            && let Some(core) = each.core.upgrade()
        {
            // Nobody is told a second time of what was there.
            let site = each.site;
            core.ready.borrow_mut().push(|| Work::Job(each, site));
        }
    }

    /// Where the call-back was given.
    pub fn site(&self) -> Site {
        self.site
    }
}

impl fmt::Debug for ReceiptsHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptsHandle").field("site", &format_args!("{}", self.site)).finish()
    }
}
