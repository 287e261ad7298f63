//! `Lender` and `Lease`: who has lent a carrier to a stream, and can take it back.

use std::{
    fmt,
    rc::{Rc, Weak},
};

use crate::connection::Connection;

/// Who lends a [`Carrier`](crate::Carrier) to a stream, such as a server its connections: keeps count
/// of those that are open, whoever holds their ends, and can close them.
///
/// The carrier holds its lender, behind what is unsent too, until it is closed: the lender's drop
/// says so.
///
/// ```
/// use std::{cell::RefCell, os::unix::net::UnixStream, rc::Rc};
/// use roundel_loop::{EventLoop, Socket};
/// use roundel_stream::{Carrier, Lease, Lender, open};
///
/// #[derive(Default)]
/// struct Library(RefCell<Vec<Lease>>);
///
/// impl Lender for Library {
///     fn lent(&self, lease: Lease) {
///         self.0.borrow_mut().push(lease);
///     }
/// }
///
/// let mut event_loop = EventLoop::new()?;
/// let (ours, _theirs) = UnixStream::pair()?;
/// let library = Rc::new(Library::default());
/// let carrier = Carrier::from(event_loop.handle().attach(Socket::new(ours)));
/// let (_reader, mut writer) = open(carrier.lent_by(library.clone()));
/// event_loop.run_until_complete(async {
///     // More than the kernel takes, to somebody who never reads.
///     writer.set_limits(roundel_stream::WaterMarks::high_at(usize::MAX));
///     writer.write(vec![0; 4 << 20]).await?;
///     drop(writer);
///     assert_eq!(Rc::strong_count(&library), 2, "it is being sent");
///     library.0.borrow()[0].abort();
///     assert_eq!(Rc::strong_count(&library), 1, "it is closed");
///     Ok::<_, std::io::Error>(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Lender {
    /// A stream has the carrier now.
    fn lent(&self, lease: Lease);
}

/// A carrier that is lent to a stream. Dropping it changes nothing.
#[derive(Clone)]
pub struct Lease(Weak<Connection>);

impl Lease {
    pub(crate) fn of(connection: &Rc<Connection>) -> Self {
        Self(Rc::downgrade(connection))
    }

    /// Drops what the stream has not sent and closes it now, as
    /// [`StreamWriter::abort`](crate::StreamWriter::abort) does, whoever has its ends. No effect if
    /// it is closed.
    pub fn abort(&self) {
        if let Some(connection) = self.0.upgrade() {
            connection.abort();
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_open = self.0.upgrade().is_some_and(|connection| !connection.is_closed());
        f.debug_struct("Lease").field("is_open", &is_open).finish_non_exhaustive()
    }
}
