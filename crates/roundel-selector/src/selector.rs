//! `Selector`: the trait every mechanism implements.
use std::{fmt, time::Duration};

use rustix::fd::BorrowedFd;

use crate::{
    Events, Interest, Notifier, SelectorError, Source, Token, Trigger, delegate::delegate,
};

/// Tells which of the registered sources are ready.
///
/// A selector belongs to one thread at a time; only its [`Notifier`] is for all of them. It holds a
/// clone of every registered [`Source`], so that none closes while it is watched.
///
/// # Examples
///
/// ```
/// use std::{io::Write, net::{TcpListener, TcpStream}, time::Duration};
/// use roundel_selector::{
///     DefaultSelector, Events, Interest, Readiness, Selector, Source, Token, Trigger,
/// };
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut peer = TcpStream::connect(listener.local_addr()?)?;
/// let source = Source::new(listener.accept()?.0);
///
/// let mut selector = DefaultSelector::new()?;
/// selector.register(&source, Token(1), Interest::READ, Trigger::Level)?;
///
/// peer.write_all(b"hello")?;
/// let mut events = Events::with_capacity(64);
/// selector.select(&mut events, Some(Duration::from_secs(10)))?;
/// assert!(events.iter().any(|event| {
///     event.token == Token(1) && event.readiness.contains(Readiness::READABLE)
/// }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Selector: fmt::Debug {
    /// Starts watching `source`; its events will carry `token`.
    ///
    /// # Errors
    ///
    /// [`AlreadyRegistered`](SelectorError::AlreadyRegistered) if the descriptor is, through
    /// whatever source; [`ReservedToken`](SelectorError::ReservedToken) for [`Token::NOTIFIER`];
    /// [`EdgeUnsupported`](SelectorError::EdgeUnsupported) where
    /// [`supports_edge`](Self::supports_edge) is false;
    /// [`DescriptorTooLarge`](SelectorError::DescriptorTooLarge) from select(2);
    /// [`Unwatchable`](SelectorError::Unwatchable) for a regular file where the kernel refuses one
    /// (poll and select find it always ready); [`Os`](SelectorError::Os) for the rest. A refused
    /// source is not kept.
    fn register(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError>;

    /// Changes what a registered source is watched for. An edge that is pending is reported again.
    ///
    /// # Errors
    ///
    /// [`NotRegistered`](SelectorError::NotRegistered) if the source is unknown, and what
    /// [`register`](Self::register) refuses in a token or a trigger: all these change nothing.
    /// [`Os`](SelectorError::Os) if the kernel fails the change; the source is then registered no
    /// longer.
    fn modify(
        &mut self,
        source: &Source,
        token: Token,
        interest: Interest,
        trigger: Trigger,
    ) -> Result<(), SelectorError>;

    /// Stops watching `source` and lets go of it.
    ///
    /// Succeeds also if somebody who does not own the descriptor closed it, or closed and reused
    /// it, meanwhile.
    ///
    /// # Errors
    ///
    /// [`NotRegistered`](SelectorError::NotRegistered) if the source is unknown.
    fn unregister(&mut self, source: &Source) -> Result<(), SelectorError>;

    /// Waits until something is ready, a notifier fires or `timeout` passes (`None`: no limit;
    /// zero: does not wait), and replaces `events` with what is ready.
    ///
    /// After a timeout or a notification `events` is empty, or holds what happened to be ready. A
    /// timeout is never cut short, neither by rounding nor by a signal: the handler runs and the
    /// wait goes on.
    ///
    /// # Errors
    ///
    /// [`Os`](SelectorError::Os) if the kernel fails the wait.
    fn select(
        &mut self,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> Result<(), SelectorError>;

    /// What ends a blocked `select` from any thread.
    fn notifier(&self) -> Notifier;

    /// The mechanism's name, as [`by_name`](crate::by_name) takes it.
    fn name(&self) -> &'static str;

    /// Whether the events of edge-triggered registrations tell what else than emptiness can cut a
    /// read short: a peer's close, as [`READ_CLOSED`](crate::Readiness::READ_CLOSED) and
    /// [`WRITE_CLOSED`](crate::Readiness::WRITE_CLOSED), and urgent data, as
    /// [`URGENT`](crate::Readiness::URGENT). Who stops reading at a short read depends on it: no
    /// further edge announces what came with the data.
    fn reports_close(&self) -> bool {
        false
    }

    /// Whether registrations may ask for [`Trigger::Edge`].
    fn supports_edge(&self) -> bool {
        false
    }

    /// The selector's own descriptor, readable when `select` has something to report;
    /// for waiting on it from a foreign loop.
    #[doc(alias = "fileno")]
    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

delegate!(impl[S: Selector + ?Sized] Selector for Box<S>, self => (**self));
