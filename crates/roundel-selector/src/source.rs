//! `Source`: what a selector watches, a shared descriptor that a registration keeps open.
use std::{fmt, sync::Arc};

use rustix::fd::{AsFd, BorrowedFd};

/// A descriptor that can be watched, shared between its owner and whoever watches it.
///
/// Clones are cheap and refer to the same open descriptor, which closes with the last of them. Its
/// owner has to lend the same descriptor every time, as every type of the standard library does.
///
/// # Examples
///
/// ```
/// use std::{io, net::TcpListener, sync::Arc};
/// use roundel_selector::Source;
///
/// # #[cfg(unix)]
/// let keyboard = Source::new(io::stdin());
///
/// let listener = Arc::new(TcpListener::bind("127.0.0.1:0")?);
/// let watched = Source::shared(listener.clone());
/// listener.set_nonblocking(true)?; // the listener stays in use
/// # Ok::<(), io::Error>(())
/// ```
#[doc(alias = "fileobj")]
#[derive(Clone)]
pub struct Source(Arc<dyn AsFd + Send + Sync>);

impl Source {
    /// Takes over anything that owns a descriptor: a socket, a pipe, a file, standard input.
    pub fn new(owner: impl AsFd + Send + Sync + 'static) -> Self {
        Self(Arc::new(owner))
    }

    /// Watches a descriptor whose owner stays in use elsewhere.
    pub fn shared(owner: Arc<impl AsFd + Send + Sync + 'static>) -> Self {
        Self(owner)
    }
}

impl AsFd for Source {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.0.as_fd()).finish()
    }
}
