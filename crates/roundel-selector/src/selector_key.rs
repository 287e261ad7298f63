//! `SelectorKey`: one registration of a `SelectorMap`.
use rustix::fd::{AsFd, BorrowedFd};

use crate::{Interest, Source};

/// A registered source, what it is watched for, and the caller's data.
///
/// Its descriptor is [`as_fd`](AsFd::as_fd).
///
/// # Examples
///
/// ```
/// use std::os::unix::net::UnixStream;
/// use roundel_selector::{Interest, SelectorMap, Source};
///
/// let (ours, _theirs) = UnixStream::pair()?;
/// let mut map = SelectorMap::new()?;
/// let key = map.register(Source::new(ours), Interest::WRITE, 42)?;
/// assert_eq!((key.interest(), *key.data()), (Interest::WRITE, 42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SelectorKey<D> {
    source: Source,
    interest: Interest,
    data: D,
}

impl<D> SelectorKey<D> {
    pub(crate) fn new(source: Source, interest: Interest, data: D) -> Self {
        Self { source, interest, data }
    }

    pub(crate) fn replace(&mut self, interest: Interest, data: D) {
        (self.interest, self.data) = (interest, data);
    }

    pub(crate) fn data_mut(&mut self) -> &mut D {
        &mut self.data
    }

    /// What was registered.
    #[doc(alias = "fileobj")]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What it is watched for.
    #[doc(alias = "events")]
    pub fn interest(&self) -> Interest {
        self.interest
    }

    /// What the caller keeps with it.
    pub fn data(&self) -> &D {
        &self.data
    }

    /// Takes the data out.
    pub fn into_data(self) -> D {
        self.data
    }
}

impl<D> AsFd for SelectorKey<D> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.source.as_fd()
    }
}
