//! The crate's only unsafe code: two calls that trust their caller to keep descriptors open.
//!
//! Each is wrapped in a type that does keep them open, so nothing outside this file can break the
//! promise: [`Watched`] owns what it watches, `FdSet` borrows what it holds.
#![allow(unsafe_code)]
use std::{io, sync::Arc};

use polling::{Event, PollMode, Poller};
use rustix::fd::AsFd;

use crate::{
    SelectorError, Source,
    registry::{Registry, Request},
};

/// A `Poller` and the sources it watches, each open for as long as the poller knows it.
#[derive(Debug)]
pub(crate) struct Watched {
    poller: Arc<Poller>,
    registry: Registry,
}

impl Watched {
    pub(crate) fn new(poller: Arc<Poller>) -> Self {
        Self { poller, registry: Registry::default() }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Watches a source that [`Registry::check_new`] let through.
    pub(crate) fn add(
        &mut self,
        source: &Source,
        request: Request,
        event: Event,
        mode: PollMode,
    ) -> io::Result<()> {
        // SAFETY: `add_with_mode` asks that the descriptor be open and stay so until it is deleted
        // from the poller. It is open, since a `Source` owns it; it stays so, since on success the
        // registry holds a clone of that `Source`, and both ways out of the registry, `remove` and
        // `drop`, delete it from the poller first. A third way out would break this; `registry`
        // lends the registry unchangeably, so it would have to be written here.
        unsafe { self.poller.add_with_mode(&source.as_fd(), event, mode) }?;
        self.registry.insert(source, request);
        Ok(())
    }

    /// Changes what a source is watched for that [`Registry::check_known`] let through.
    pub(crate) fn modify(
        &mut self,
        source: &Source,
        request: Request,
        event: Event,
        mode: PollMode,
    ) -> io::Result<()> {
        self.poller.modify_with_mode(source.as_fd(), event, mode)?;
        self.registry.amend(source, request);
        Ok(())
    }

    /// Stops watching a source.
    pub(crate) fn remove(&mut self, source: &Source) -> Result<(), SelectorError> {
        // Fails only for a descriptor that somebody who does not own it closed or reused, and then
        // the kernel has nothing left to forget.
        let _ = self.poller.delete(source.as_fd());
        self.registry.remove(source).map(drop)
    }
}

impl Drop for Watched {
    /// Deletes every source before it may close, for a notifier can keep the poller alive.
    fn drop(&mut self) {
        for (_, watched) in self.registry.iter_from(0) {
            let _ = self.poller.delete(watched.source.as_fd());
        }
    }
}

#[cfg(all(unix, not(any(target_os = "illumos", target_os = "solaris"))))]
pub(crate) mod fd_set {
    //! select(2) on sets that borrow their descriptors.
    use std::{io, marker::PhantomData};

    use rustix::{
        event::{FdSetElement, FdSetIter, Timespec, fd_set_bound, fd_set_insert},
        fd::{AsRawFd, BorrowedFd, RawFd},
    };

    /// `FD_SETSIZE`: 1024 on every Unix that this module is built for.
    pub(crate) const LIMIT: RawFd = 1024;
    const ELEMENTS: usize = LIMIT as usize / (8 * size_of::<FdSetElement>());

    /// A set of descriptors below [`LIMIT`], all open while it is borrowed from them.
    pub(crate) struct FdSet<'fd> {
        bits: [FdSetElement; ELEMENTS],
        borrowed: PhantomData<BorrowedFd<'fd>>,
    }

    impl<'fd> FdSet<'fd> {
        pub(crate) fn new() -> Self {
            Self { bits: [FdSetElement::default(); ELEMENTS], borrowed: PhantomData }
        }

        /// Adds a descriptor.
        ///
        /// # Panics
        ///
        /// If it is not below [`LIMIT`].
        #[track_caller]
        pub(crate) fn insert(&mut self, descriptor: BorrowedFd<'fd>) {
            fd_set_insert(&mut self.bits, descriptor.as_raw_fd());
        }

        /// The members, in ascending order.
        pub(crate) fn to_vec(&self) -> Vec<RawFd> {
            FdSetIter::new(&self.bits).collect()
        }
    }

    /// Waits until a member is ready and leaves the ready ones in the sets; answers how many.
    pub(crate) fn select(
        readers: &mut FdSet<'_>,
        writers: &mut FdSet<'_>,
        timeout: Option<&Timespec>,
    ) -> io::Result<usize> {
        let bound = fd_set_bound(&readers.bits).max(fd_set_bound(&writers.bits));
        // SAFETY: `select` asks that all members be open. They are, since a set's lifetime borrows
        // each of them and only `insert` adds any. A second way to add one would break this.
        let found = unsafe {
            rustix::event::select(
                bound,
                Some(&mut readers.bits),
                Some(&mut writers.bits),
                None,
                timeout,
            )
        }?;
        Ok(found as usize)
    }
}
