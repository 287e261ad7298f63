//! `TaskCell`: a task in one block of memory, and its waker. The only unsafe code of this crate.
//!
//! ```text
//!   TaskRef ──▶ ┌────────┐
//!   TaskRef ──▶ │ Head   │  the table of what depends on the future's type, and the header
//!               ├────────┤
//!               │ Stage  │  the future, then its outcome, then nothing
//!               ├────────┤
//!               │ Heir   │  who gets the outcome if no handle does
//!               └────────┘
//! ```
//!
//! A reference is one word and knows no type; the table leads to the functions that do. A block
//! belongs to its references, which are counted in the header, and never leaves its thread.
//!
//! # What the safety rests on
//!
//! - Blocks are made by [`TaskCell::make`] alone, which pairs each with the table of its own types,
//!   and freed by the last `TaskRef` alone. So whoever holds a `TaskRef` may call its table.
//! - **Who touches the stage** is decided by flags of the header. While RUNNING is set, only the
//!   step or the `close` that set it does. While DONE is set, only those who take or put back the
//!   outcome, which run no user code meanwhile. Otherwise nobody does, but for the last reference.
//! - The future is never moved out of its stage: it is polled where it lies and dropped where it
//!   lies. That is what pinning asks for.
//!
//! The waker is a number (see `ticket.rs`), so its functions have no memory to mishandle.
#![allow(unsafe_code)]

use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    cell::{RefCell, UnsafeCell},
    fmt,
    future::Future,
    marker::PhantomData,
    mem::{self, MaybeUninit},
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    ptr::{self, NonNull},
    task::{Context, Poll, RawWaker, RawWakerVTable, Waker},
};

use roundel_loop::LoopHandle;

use crate::{
    JoinError,
    blocks::{Blocks, Shelf},
    executor::Executor,
    header::{Birth, Flags, Header},
    life::{self, Life, Outcome, Step},
    seats::{Seats, Sitting},
    ticket::{Ticket, wake},
    unread::report_panic,
};

/// What is left of a task.
enum Stage<F: Future> {
    Future(F),
    /// The future has ended so. The flags say whether its clean-up has, too.
    Outcome(Outcome<F::Output>),
    Taken,
}

/// What all blocks begin with, whatever their types.
struct Head {
    table: &'static Table,
    header: Header,
}

#[repr(C)]
struct TaskCell<F: Future, H> {
    head: Head,
    stage: UnsafeCell<Stage<F>>,
    heir: H,
}

/// The functions of a block that depend on its types. Each may be called with a living block that
/// was made with this table, by a pointer to all of it, and with nothing else.
struct Table {
    step: unsafe fn(NonNull<Head>, &LoopHandle, &Executor),
    close: unsafe fn(NonNull<Head>, &Executor),
    /// Moves the outcome to where the pointer leads: room for an `Outcome<T>`. For whoever has just
    /// set TAKEN on a task that is DONE.
    take: unsafe fn(NonNull<Head>, NonNull<()>),
    /// Moves the outcome back from there: an `Outcome<T>`.
    put_back: unsafe fn(NonNull<Head>, NonNull<()>),
    free: unsafe fn(NonNull<Head>),
}

/// Who gets a task's outcome if not its handle, and may call the task off.
pub(crate) trait Heir<T>: 'static {
    /// Whether there is one.
    const EXISTS: bool;

    /// Whether nobody wants the outcome any more, and the task is to be cancelled.
    /// A later call-off wakes the task.
    fn has_called_off(&self, context: &mut Context<'_>) -> bool;

    /// The task has ended, its clean-up included.
    fn inherit(&self, outcome: Outcome<T>);
}

/// The outcome stays in the task, for its handle.
pub(crate) struct NoHeir;

impl<T> Heir<T> for NoHeir {
    const EXISTS: bool = false;

    fn has_called_off(&self, _context: &mut Context<'_>) -> bool {
        false
    }

    fn inherit(&self, _outcome: Outcome<T>) {}
}

impl<F, H> TaskCell<F, H>
where
    F: Future + 'static,
    F::Output: 'static,
    H: Heir<F::Output>,
{
    const TABLE: Table = Table {
        step: Self::step,
        close: Self::close,
        take: Self::take,
        put_back: Self::put_back,
        free: Self::free,
    };

    /// Blocks of its size, if such are kept.
    const SHELF: Option<Shelf> = Shelf::of(Layout::new::<Self>());

    /// What its blocks are allocated as. Never empty: there is a head.
    const LAYOUT: Layout = match Self::SHELF {
        Some(shelf) => shelf.layout(),
        None => Layout::new::<Self>(),
    };

    /// Makes the block of a task; the header counts its first reference.
    #[inline]
    fn make(blocks: &Blocks, birth: Birth, future: F, heir: H) -> TaskRef {
        let kept = Self::SHELF.and_then(|shelf| blocks.take(shelf));
        let block = kept.unwrap_or_else(|| allocate(Self::LAYOUT)).cast::<Self>();
        // SAFETY: the block is of `LAYOUT`, which has room for a cell, and nobody else's: either
        // new, or from the shelf of that layout, where `free` puts what it has emptied.
        unsafe {
            block.write(Self {
                head: Head { table: &Self::TABLE, header: Header::new(birth) },
                stage: UnsafeCell::new(Stage::Future(future)),
                heir,
            });
        }
        TaskRef(block.cast())
    }

    /// # Safety
    /// As for [`Table`].
    unsafe fn of<'a>(block: NonNull<Head>) -> &'a Self {
        // SAFETY: the head is the first field of its block, by `repr(C)`; that the block lives and
        // is a `Self` is the caller's word. It is only ever shared: what changes lies in cells.
        unsafe { block.cast::<Self>().as_ref() }
    }

    /// The task's step, and whatever follows from it.
    unsafe fn step(block: NonNull<Head>, handle: &LoopHandle, executor: &Executor) {
        // SAFETY: the caller's word, here and below.
        let cell = unsafe { Self::of(block) };
        let header = &cell.head.header;
        match life::step(cell, handle, executor) {
            Step::Waiting => {}
            Step::Again => {
                executor.count_wake();
                handle.queue_ticket(header.ticket.number());
            }
            Step::Done => {
                let _seated = life::finish(header, executor);
                cell.hand_over(handle);
            }
        }
    }

    /// The flags say DONE: the outcome goes to whoever is there for it.
    fn hand_over(&self, handle: &LoopHandle) {
        let header = &self.head.header;
        if H::EXISTS {
            if let Some(outcome) = self.take_outcome() {
                self.heir.inherit(outcome);
            }
        } else if !header.has(Flags::OWNED) {
            // Nobody is: a panic goes to the loop's handler, a value is dropped.
            if let Some(Err(error)) = self.take_outcome()
                && let Ok(payload) = error.try_into_panic()
            {
                report_panic(handle, header, "a task panicked", payload);
            }
        }
    }

    unsafe fn close(block: NonNull<Head>, executor: &Executor) {
        // SAFETY: as in `step`.
        let cell = unsafe { Self::of(block) };
        let header = &cell.head.header;
        if header.has(Flags::DONE | Flags::RUNNING) {
            return;
        }
        header.set(Flags::RUNNING);
        let dropped = {
            let _entered = executor.enter(header);
            catch_unwind(AssertUnwindSafe(|| {
                cell.end_future(Err(JoinError::cancelled(header.id, header.site)));
            }))
        };
        // Done only now: the future may have held the task itself, which must not look for an
        // outcome in a stage that is being replaced.
        header.clear(Flags::RUNNING);
        header.set(Flags::DONE | Flags::CANCELLED);
        header.wake_joiners(); // of other loops
        let left = header.strip();
        drop(left);
        if H::EXISTS
            && let Some(outcome) = cell.take_outcome()
        {
            drop(outcome); // whoever waits for the heir learns that it is gone
        }
        if let Err(payload) = dropped {
            resume_unwind(payload);
        }
    }

    unsafe fn take(block: NonNull<Head>, outcome: NonNull<()>) {
        // SAFETY: `Joinable` calls this with room for its own `T`, which `spawn` made equal to
        // `F::Output`, and has set TAKEN just now.
        unsafe { Self::of(block).move_outcome(outcome.cast()) };
    }

    unsafe fn put_back(block: NonNull<Head>, outcome: NonNull<()>) {
        // SAFETY: as in `take`. The value is moved out of its place, which the caller forgets.
        // TAKEN is set and no user code runs here, so nobody else is in the stage: what is
        // overwritten is `Taken`, which has nothing to drop.
        unsafe {
            let outcome = outcome.cast::<Outcome<F::Output>>().read();
            let cell = Self::of(block);
            cell.stage.get().write(Stage::Outcome(outcome));
            cell.head.header.clear(Flags::TAKEN);
        }
    }

    unsafe fn free(block: NonNull<Head>) {
        // Given back even if what is dropped panics.
        let _emptied = Emptied { block: block.cast(), shelf: Self::SHELF, layout: Self::LAYOUT };
        // SAFETY: the last reference calls this, so nobody else can reach the cell any more.
        unsafe { block.cast::<Self>().drop_in_place() };
    }
}

/// The memory of a task that is gone: kept for tasks to come if there is room.
struct Emptied {
    block: NonNull<u8>,
    shelf: Option<Shelf>,
    layout: Layout,
}

impl Drop for Emptied {
    #[inline]
    fn drop(&mut self) {
        let kept = self.shelf.is_some_and(|shelf| {
            LoopHandle::with_current(|handle| {
                let executor = handle.and_then(LoopHandle::layer_ref::<Executor>);
                executor.is_some_and(|executor| executor.blocks.keep(shelf, self.block))
            })
        });
        if !kept {
            // SAFETY: `make` allocated it with this layout, and nobody has it.
            unsafe { dealloc(self.block.as_ptr(), self.layout) };
        }
    }
}

impl<F: Future, H> TaskCell<F, H> {
    /// The outcome, if the task is done and nobody has taken it.
    fn take_outcome(&self) -> Option<Outcome<F::Output>> {
        if !self.head.header.take_result() {
            return None;
        }
        let mut outcome = MaybeUninit::uninit();
        // SAFETY: it is ours to take, and there is room for it.
        unsafe {
            self.move_outcome(NonNull::from(&mut outcome).cast());
            Some(outcome.assume_init())
        }
    }

    /// Moves the outcome there. It goes as a whole, from memory to memory: whoever reads it next
    /// would wait for a value put together in parts.
    ///
    /// # Safety
    /// DONE is set, the caller has set TAKEN, and there is room for an outcome.
    unsafe fn move_outcome(&self, to: NonNull<Outcome<F::Output>>) {
        // SAFETY: with DONE set and TAKEN not set before, the stage holds an outcome, and nobody
        // else is in it, as nothing here runs user code. What was moved out is not dropped: the
        // stage is overwritten.
        unsafe {
            let stage = self.stage.get();
            if let Stage::Outcome(outcome) = &*stage {
                ptr::copy_nonoverlapping(outcome, to.as_ptr(), 1);
            } else {
                unreachable!("a task that is done has an outcome until it is taken");
            }
            stage.write(Stage::Taken);
        }
    }
}

impl<F, H> Life for TaskCell<F, H>
where
    F: Future + 'static,
    F::Output: 'static,
    H: Heir<F::Output>,
{
    type Value = F::Output;

    const DROPS: bool = mem::needs_drop::<F>();

    #[inline]
    fn header(&self) -> &Header {
        &self.head.header
    }

    #[inline]
    fn has_been_called_off(&self, context: &mut Context<'_>) -> bool {
        H::EXISTS && self.heir.has_called_off(context)
    }

    #[inline]
    fn poll_future(&self, context: &mut Context<'_>) -> Poll<F::Output> {
        debug_assert!(self.head.header.has(Flags::RUNNING));
        // SAFETY: only a step polls, and while it does RUNNING is set, so nobody else touches the
        // stage. The future lies in a block that is never moved, in a stage that is replaced, and
        // so dropped in place, when the future has ended: it is pinned.
        unsafe {
            match &mut *self.stage.get() {
                Stage::Future(future) => Pin::new_unchecked(future).poll(context),
                _ => Poll::Pending,
            }
        }
    }

    fn end_future(&self, outcome: Outcome<F::Output>) {
        debug_assert!(self.head.header.has(Flags::RUNNING));
        // SAFETY: as above; `close` has set RUNNING, too. Dropping the future is user code, which
        // does not reach the stage: RUNNING is set and DONE is not. The assignment puts the outcome in place even while
        // the drop of the future unwinds.
        unsafe { *self.stage.get() = Stage::Outcome(outcome) };
    }
}

#[cold]
fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: no layout of a block is empty, as there is a head in each.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives all that is kept back to the allocator.
pub(crate) fn free_all(blocks: &Blocks) {
    for (shelf, block) in blocks.take_all() {
        // SAFETY: `free` put it on the shelf of the layout that it was allocated with, and it has
        // just been taken away from there.
        unsafe { dealloc(block.as_ptr(), shelf.layout()) };
    }
}

/// A task, whatever its future is. Counts.
pub(crate) struct TaskRef(NonNull<Head>);

impl TaskRef {
    fn head(&self) -> &Head {
        // SAFETY: a reference keeps its block.
        unsafe { self.0.as_ref() }
    }

    /// Makes the task's step.
    pub(crate) fn step(&self, handle: &LoopHandle, executor: &Executor) {
        // SAFETY: the table is the block's own, here and below, and the reference keeps the block.
        unsafe { (self.head().table.step)(self.0, handle, executor) }
    }

    /// Makes the step of the task that sits there.
    #[inline]
    pub(crate) fn step_of(
        ticket: Ticket,
        seats: &RefCell<Seats>,
        handle: &LoopHandle,
        executor: &Executor,
    ) {
        let seated = match seats.borrow().get(ticket) {
            Some(Sitting::Spawned(task)) => task.0,
            _ => return, // it has ended, or is a child, which gets its turns from its owner
        };
        // SAFETY: the reference in the seat keeps the block. A task that runs leaves its seat only
        // in its own step, which takes that reference along until it has ended (`life::finish`);
        // closing the executor passes by tasks that run. One that does not run, as its step has
        // been refused, is not touched any more.
        unsafe {
            let Head { table, header } = seated.as_ref();
            handle.begins(header.site, header.id);
            (table.step)(seated, handle, executor);
        }
    }

    /// The loop is closed: drops the future and whatever else may hold the task in a circle.
    pub(crate) fn close(&self, executor: &Executor) {
        // SAFETY: as in `step`.
        unsafe { (self.head().table.close)(self.0, executor) };
    }
}

impl Deref for TaskRef {
    type Target = Header;

    #[inline]
    fn deref(&self) -> &Header {
        &self.head().header
    }
}

impl Clone for TaskRef {
    #[inline]
    fn clone(&self) -> Self {
        self.head().header.count_reference();
        Self(self.0)
    }
}

impl Drop for TaskRef {
    #[inline]
    fn drop(&mut self) {
        if self.head().header.discount_reference() {
            // SAFETY: it was the last one, and the table is the block's own.
            unsafe { (self.head().table.free)(self.0) };
        }
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskRef").field(&self.id).finish()
    }
}

/// A task whose outcome is a `T`.
pub(crate) struct Joinable<T> {
    task: TaskRef,
    /// Taken and put back, so exactly a `T`.
    outcome: PhantomData<*mut T>,
}

impl<T: 'static> Joinable<T> {
    /// Makes a task of a future; the header counts its first reference.
    #[inline]
    pub(crate) fn new(
        blocks: &Blocks,
        birth: Birth,
        future: impl Future<Output = T> + 'static,
    ) -> Self {
        Self { task: TaskCell::make(blocks, birth, future, NoHeir), outcome: PhantomData }
    }
}

/// Makes a task whose outcome goes to an heir.
pub(crate) fn bequeathed<F>(
    blocks: &Blocks,
    birth: Birth,
    future: F,
    heir: impl Heir<F::Output>,
) -> TaskRef
where
    F: Future + 'static,
    F::Output: 'static,
{
    TaskCell::make(blocks, birth, future, heir)
}

impl<T> Joinable<T> {
    pub(crate) fn task(&self) -> &TaskRef {
        &self.task
    }

    /// The outcome, once.
    #[inline]
    pub(crate) fn take(&self) -> Option<Outcome<T>> {
        if !self.task.take_result() {
            return None;
        }
        let mut outcome = MaybeUninit::<Outcome<T>>::uninit();
        // SAFETY: the table is the block's own, TAKEN has been set just now, and the pointer leads
        // to room for the block's `T`, which is filled.
        unsafe {
            (self.task.head().table.take)(self.task.0, NonNull::from(&mut outcome).cast());
            Some(outcome.assume_init())
        }
    }

    /// Gives the outcome that was taken back to whoever takes it next.
    pub(crate) fn put_back(&self, outcome: Outcome<T>) {
        assert!(self.task.has(Flags::TAKEN), "what is put back was taken");
        let mut outcome = mem::ManuallyDrop::new(outcome);
        let place = NonNull::from(&mut outcome).cast();
        // SAFETY: as in `take`; the value is moved from here and forgotten.
        unsafe { (self.task.head().table.put_back)(self.task.0, place) };
    }
}

/// The waker of a ticket.
#[inline]
pub(crate) fn waker(ticket: Ticket) -> Waker {
    // SAFETY: the functions of the table treat the data as a number and never as an address, keep
    // no count and hand on what they get, so they hold for any number, any number of times and in
    // any thread. Whoever lets them look behind the pointer would break this.
    unsafe { Waker::new(ptr::without_provenance(ticket.number()), &TICKET) }
}

/// The ticket of a waker, if that is one of ours.
#[inline]
pub(crate) fn ticket(waker: &Waker) -> Option<Ticket> {
    ptr::eq(waker.vtable(), &raw const TICKET).then(|| Ticket::from_number(waker.data().addr()))?
}

static TICKET: RawWakerVTable = RawWakerVTable::new(copy, wake_data, wake_data, |_| ());

fn copy(data: *const ()) -> RawWaker {
    RawWaker::new(data, &TICKET)
}

fn wake_data(data: *const ()) {
    wake(data.addr());
}

#[cfg(test)]
mod tests {
    use super::{Ticket, ticket, waker};
    use crate::ticket::Generation;

    #[test]
    fn wakers_of_one_task_are_known_as_such_and_cost_nothing_to_copy() {
        let one = waker(Ticket::new(0, Generation::FIRST, 7));
        let copy = one.clone();
        assert!(one.will_wake(&copy));
        assert!(!one.will_wake(&waker(Ticket::new(0, Generation::FIRST, 8))));
        assert_eq!(ticket(&copy), Some(Ticket::new(0, Generation::FIRST, 7)));
        assert_eq!(ticket(std::task::Waker::noop()), None);
        drop(one);
        copy.wake_by_ref(); // reaches nobody, and harms nobody
    }
}
