//! `Socket`: an open socket of the kernel's, or of a driver that has a network of its own.
//!
//! Drivers make sockets and take them in, so nothing above them knows whether there is a kernel
//! underneath. What can be answered at once is a method here; what may have to wait is an operation
//! of the driver.

use std::{any::Any, fmt, io, net::Shutdown, os::fd::OwnedFd, rc::Rc, sync::Arc};

use roundel_selector::Source;

use crate::{Address, SocketError, SocketOption, SocketOptionName};

/// Which addresses a socket understands.
#[doc(alias = "AddressFamily")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// IPv4.
    #[doc(alias = "AF_INET")]
    V4,
    /// IPv6; unless [`SocketOption::OnlyV6`] is set, IPv4 in its guise too.
    #[doc(alias = "AF_INET6")]
    V6,
    /// Sockets of this machine.
    #[doc(alias = "AF_UNIX")]
    Unix,
}

/// What a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketKind {
    /// Bytes in order: TCP and its Unix kin.
    #[doc(alias = "SOCK_STREAM")]
    Stream,
    /// Messages, each by itself: UDP and its Unix kin.
    #[doc(alias = "SOCK_DGRAM")]
    Datagram,
}

/// Who is at the other end of a Unix socket: what the kernel noted when it connected.
#[doc(alias = "SO_PEERCRED")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The process; it may have ended since.
    pub process: i32,
    /// Its effective user.
    pub user: u32,
    /// Its effective group.
    pub group: u32,
}

impl Credentials {
    /// For drivers.
    pub fn new(process: i32, user: u32, group: u32) -> Self {
        Self { process, user, group }
    }
}

/// The calls that a socket answers at once. The kernel's descriptors have them; a driver with a
/// network of its own implements them for its sockets.
pub trait SocketCalls: Any + fmt::Debug {
    /// Gives the socket its local address. Source: bind(2).
    ///
    /// # Errors
    /// As the kernel's: the address is taken, not ours, not permitted; the socket is bound.
    fn bind(&self, address: &Address) -> io::Result<()>;

    /// Lets others connect to the socket, up to `backlog` of them before they are accepted.
    /// Source: listen(2).
    ///
    /// # Errors
    /// As the kernel's: another socket listens there, or this one is connected.
    fn listen(&self, backlog: u32) -> io::Result<()>;

    /// The local address. Source: getsockname(2).
    ///
    /// # Errors
    /// As the kernel's.
    fn local_address(&self) -> io::Result<Address>;

    /// The address of the other end. Source: getpeername(2).
    ///
    /// # Errors
    /// As the kernel's: the socket is not connected.
    fn peer_address(&self) -> io::Result<Address>;

    /// Ends one direction or both, for all who share the socket. Source: shutdown(2).
    ///
    /// # Errors
    /// As the kernel's: the socket is not connected.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// Sets an option. Source: setsockopt(2).
    ///
    /// # Errors
    /// As the kernel's: the socket's protocol does not have the option.
    fn set(&self, option: SocketOption) -> io::Result<()>;

    /// An option's value. Source: getsockopt(2).
    ///
    /// # Errors
    /// As the kernel's: the socket's protocol does not have the option.
    fn get(&self, option: SocketOptionName) -> io::Result<SocketOption>;

    /// Who connected.
    ///
    /// # Errors
    /// Not a Unix socket, or the system does not tell.
    fn peer_credentials(&self) -> io::Result<Credentials>;

    /// The pending error, which is then no longer pending. Source: socket(7), `SO_ERROR`.
    ///
    /// # Errors
    /// The socket cannot be asked.
    fn take_error(&self) -> io::Result<Option<io::Error>>;
}

/// An open socket, shared by its clones and closed by the last one's drop.
///
/// A driver makes it ([`Driver::socket`](crate::Driver::socket)) or accepts it, and takes it in
/// for operations ([`Driver::attach_socket`](crate::Driver::attach_socket)).
///
/// ```
/// use roundel_driver::{Address, Driver, Family, SelectorDriver, SocketKind};
///
/// let mut driver = SelectorDriver::by_name("default")?;
/// let socket = driver.socket(Family::V4, SocketKind::Stream)?;
/// socket.bind(&Address::from(std::net::SocketAddr::from(([127, 0, 0, 1], 0))))?;
/// socket.listen(128)?;
/// let port = socket.local_address()?.inet().map(|address| address.port());
/// assert_ne!(port, Some(0));
/// let listener = driver.attach_socket(socket);
/// # let _ = listener;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Socket(Inner);

#[derive(Clone)]
enum Inner {
    Kernel(Arc<OwnedFd>),
    Foreign(Rc<dyn SocketCalls>),
}

impl Socket {
    /// A socket of the kernel's, made elsewhere: accepted, inherited, or the standard library's.
    pub fn new(socket: impl Into<OwnedFd>) -> Self {
        Self(Inner::Kernel(Arc::new(socket.into())))
    }

    /// For drivers with a network of their own: one of its sockets. Its last clone drops `calls`,
    /// which closes it.
    pub fn foreign(calls: Rc<dyn SocketCalls>) -> Self {
        Self(Inner::Foreign(calls))
    }

    /// The kernel's descriptor, which then stays open as long as the source does; none for a
    /// socket that only its driver knows.
    pub fn source(&self) -> Option<Source> {
        match &self.0 {
            Inner::Kernel(descriptor) => Some(Source::shared(Arc::clone(descriptor))),
            Inner::Foreign(_) => None,
        }
    }

    /// For drivers: what was given to [`foreign`](Self::foreign), if it was a `T`.
    pub fn downcast<T: SocketCalls>(&self) -> Option<Rc<T>> {
        match &self.0 {
            Inner::Kernel(_) => None,
            Inner::Foreign(calls) => (Rc::clone(calls) as Rc<dyn Any>).downcast().ok(),
        }
    }

    /// The descriptor, for other libraries and other threads.
    ///
    /// # Errors
    /// Gives the socket back: it is shared, attached, or has no descriptor.
    pub fn try_into_fd(self) -> Result<OwnedFd, Self> {
        match self.0 {
            Inner::Kernel(descriptor) => {
                Arc::try_unwrap(descriptor).map_err(|shared| Self(Inner::Kernel(shared)))
            }
            foreign => Err(Self(foreign)),
        }
    }

    /// Gives the socket its local address. Source: bind(2).
    ///
    /// # Errors
    /// The address is taken, not this machine's or not permitted; or the socket is bound already.
    pub fn bind(&self, address: &Address) -> Result<(), SocketError> {
        let bound = self.calls().bind(address);
        bound.map_err(|cause| SocketError::with("binding a socket", address.clone(), cause))
    }

    /// Lets others connect to the socket, up to `backlog` of them before they are accepted.
    /// Source: listen(2).
    ///
    /// # Errors
    /// Another socket listens there, or this one is connected.
    pub fn listen(&self, backlog: u32) -> Result<(), SocketError> {
        self.calls().listen(backlog).map_err(SocketError::of("listening on a socket"))
    }

    /// The local address. Source: getsockname(2).
    ///
    /// # Errors
    /// The socket cannot be asked.
    #[doc(alias = "getsockname")]
    pub fn local_address(&self) -> Result<Address, SocketError> {
        self.calls().local_address().map_err(SocketError::of("reading a socket's address"))
    }

    /// The address of the other end. Source: getpeername(2).
    ///
    /// # Errors
    /// The socket is not connected, or no longer.
    #[doc(alias = "getpeername")]
    pub fn peer_address(&self) -> Result<Address, SocketError> {
        self.calls().peer_address().map_err(SocketError::of("reading a socket's peer address"))
    }

    /// Ends one direction or both, for all who share the socket. Source: shutdown(2).
    ///
    /// # Errors
    /// The socket is not connected.
    pub fn shutdown(&self, how: Shutdown) -> Result<(), SocketError> {
        self.calls().shutdown(how).map_err(SocketError::of("shutting a socket down"))
    }

    /// Sets an option. Source: setsockopt(2).
    ///
    /// # Errors
    /// The socket's protocol does not have the option, or the value is out of range.
    #[doc(alias = "setsockopt")]
    pub fn set(&self, option: SocketOption) -> Result<(), SocketError> {
        self.calls().set(option).map_err(SocketError::of("setting a socket's option"))
    }

    /// An option's value. Source: getsockopt(2).
    ///
    /// # Errors
    /// The socket's protocol does not have the option.
    #[doc(alias = "getsockopt")]
    pub fn get(&self, option: SocketOptionName) -> Result<SocketOption, SocketError> {
        self.calls().get(option).map_err(SocketError::of("reading a socket's option"))
    }

    /// Who is at the other end of a Unix socket.
    ///
    /// # Errors
    /// The socket is of another family, or the system does not tell.
    pub fn peer_credentials(&self) -> Result<Credentials, SocketError> {
        self.calls().peer_credentials().map_err(SocketError::of("reading a peer's credentials"))
    }

    /// The pending error, which is then no longer pending. Source: socket(7), `SO_ERROR`.
    ///
    /// # Errors
    /// The socket cannot be asked.
    pub fn take_error(&self) -> Result<Option<io::Error>, SocketError> {
        self.calls().take_error().map_err(SocketError::of("reading a socket's pending error"))
    }

    fn calls(&self) -> &dyn SocketCalls {
        match &self.0 {
            Inner::Kernel(descriptor) => &**descriptor,
            Inner::Foreign(calls) => &**calls,
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Socket").field(&self.calls()).finish()
    }
}
