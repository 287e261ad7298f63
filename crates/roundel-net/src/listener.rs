//! `Listener`: sockets that take connections, one for each address of a host.

use std::{
    collections::HashSet,
    fmt,
    future::poll_fn,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    pin::Pin,
    task::Poll,
};

use roundel_loop::{
    Address, Attached, Family, KeepAlive, LoopHandle, OperationError, Outcome, Socket, SocketError,
    SocketKind, SocketOption,
};

use crate::{
    BindError, Connection, Target, resolve::look_up, socket_file::SocketFile, target::Step,
    unix_address::bind_path,
};

/// How to listen. [`Listener::bind`] and [`Listener::bind_unix`] do it with the defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListenOptions {
    /// How many connections may wait for being accepted: 100 unless changed, as in asyncio.
    pub backlog: u32,
    /// Listen although connections of an earlier socket linger: yes, unless changed.
    pub reuse_address: bool,
    /// Share the port with other processes that do so too: no, unless changed.
    pub reuse_port: bool,
    /// Probes of silent connections, which these inherit: none unless changed.
    pub keep_alive: Option<KeepAlive>,
    /// Small segments of the connections are sent at once: yes, unless changed.
    pub no_delay: bool,
    /// The file of a Unix listener stays when the listener goes: no, unless changed.
    #[doc(alias = "cleanup_socket")]
    pub keep_path: bool,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            backlog: 100,
            reuse_address: true,
            reuse_port: false,
            keep_alive: None,
            no_delay: true,
            keep_path: false,
        }
    }
}

/// Sockets that listen: all addresses of a host, or one path. Dropping it stops that.
///
/// To have connections handled, there is [`serve`](crate::serve); to take them one by one,
/// [`accept`](Self::accept).
///
/// ```
/// use roundel_executor::spawn_on;
/// use roundel_net::Listener;
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let listener = Listener::bind("127.0.0.1:0").await?;
///     let address = listener.local_addresses()[0].inet().unwrap();
///     let client = std::net::TcpStream::connect(address)?;
///     let connection = listener.accept().await?;
///     assert_eq!(connection.peer().inet(), Some(client.local_addr()?));
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Listener {
    sockets: Vec<Attached<Socket>>,
    /// Held for its drop, which comes behind that of the sockets.
    _file: Option<SocketFile>,
    options: ListenOptions,
}

impl Listener {
    /// Listens for TCP connections at every address of the host; an empty host is every interface.
    /// With port 0 the system chooses one, for each address its own.
    ///
    /// # Errors
    /// The name has no addresses, or one of them cannot be bound. Those of a family that the system
    /// does not have are left out.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// Everything is closed.
    #[doc(alias = "create_server")]
    pub async fn bind(target: impl Into<Target>) -> Result<Self, BindError> {
        ListenOptions::default().bind(target).await
    }

    /// Listens at a Unix socket's path. A socket file that is there is taken for that of a dead
    /// server, and removed; the new one is removed with the listener, unless it was replaced. A path
    /// that begins with a NUL is a name in Linux's abstract namespace, which has no file.
    ///
    /// # Errors
    /// The path is too long, is not to be written to, or is that of another kind of file.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[doc(alias = "create_unix_server")]
    #[track_caller]
    pub fn bind_unix(path: impl AsRef<Path>) -> Result<Self, BindError> {
        ListenOptions::default().bind_unix(path)
    }

    /// Sockets that listen already: made elsewhere, or inherited.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub fn from_sockets(sockets: impl IntoIterator<Item = Socket>) -> Self {
        let handle = LoopHandle::current();
        let sockets = sockets.into_iter().map(|socket| handle.attach(socket)).collect();
        Self { sockets, _file: None, options: ListenOptions::default() }
    }

    /// Takes the next connection, from whichever address has one.
    ///
    /// # Errors
    /// As accept(2)'s: there are too many open files, for one. The listener goes on.
    ///
    /// # Cancel safety
    /// No connection is lost: the next call gets it.
    pub async fn accept(&self) -> Result<Connection, OperationError> {
        loop {
            let accepted = self.accept_any().await?;
            // The peer may be gone again, and its address with it.
            if let Ok(connection) = self.welcome(accepted) {
                return Ok(connection);
            }
        }
    }

    async fn accept_any(&self) -> Result<Socket, OperationError> {
        let mut waiting = Vec::with_capacity(self.sockets.len());
        for socket in &self.sockets {
            // A connection that is there already is taken before another one is asked for: it
            // would be lost. What comes to those that wait, and is not taken, is kept.
            match socket.accept().try_now() {
                Ok(accepted) => return accepted.map(accepted_socket),
                Err(pending) => waiting.push(pending),
            }
        }
        poll_fn(|context| {
            for accept in &mut waiting {
                if let Poll::Ready(accepted) = Pin::new(accept).poll(context) {
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
        .map(accepted_socket)
    }

    /// Takes a connection in.
    pub(crate) fn welcome(&self, socket: Socket) -> Result<Connection, SocketError> {
        let connection = Connection::new(socket)?;
        if self.options.no_delay && connection.peer().inet().is_some() {
            connection.socket().socket().set(SocketOption::NoDelay(true))?;
        }
        Ok(connection)
    }

    /// Where it listens.
    #[doc(alias = "sockets")]
    pub fn local_addresses(&self) -> Vec<Address> {
        self.sockets.iter().filter_map(|socket| socket.socket().local_address().ok()).collect()
    }

    /// The sockets, for operations.
    pub fn sockets(&self) -> &[Attached<Socket>] {
        &self.sockets
    }

    pub(crate) fn backlog(&self) -> u32 {
        self.options.backlog
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for address in self.local_addresses() {
            list.entry(&format_args!("{address}"));
        }
        list.finish()
    }
}

/// What an accept brings.
pub(crate) fn accepted_socket(outcome: Outcome) -> Socket {
    match outcome {
        Outcome::Accepted(socket) => socket,
        other => unreachable!("an accept was answered with {other:?}"),
    }
}

impl ListenOptions {
    /// Listens for TCP connections; see [`Listener::bind`].
    ///
    /// # Errors
    /// As [`Listener::bind`]'s, and `reuse_port` where the system does not have it.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// Everything is closed.
    pub async fn bind(&self, target: impl Into<Target>) -> Result<Listener, BindError> {
        self.bind_all([target.into()]).await
    }

    /// Listens at every address of several hosts; those that are named twice are bound once.
    ///
    /// # Errors
    /// As [`bind`](Self::bind)'s.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// Everything is closed.
    pub async fn bind_all<T: Into<Target>>(
        &self,
        targets: impl IntoIterator<Item = T>,
    ) -> Result<Listener, BindError> {
        let mut sockets = Vec::new();
        let mut known = HashSet::new();
        for target in targets {
            let target = target.into();
            let mut addresses = bindable_addresses(&target).await?;
            addresses.retain(|address| known.insert(*address));
            let (before, mut left_out) = (sockets.len(), None);
            for address in addresses {
                match self.listen_at(address.into()) {
                    Ok(socket) => sockets.push(socket),
                    Err(error) if is_family_missing(&error) => left_out = Some(error),
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(error) = left_out.filter(|_| sockets.len() == before) {
                return Err(error.into());
            }
        }
        Ok(Listener { sockets, _file: None, options: self.clone() })
    }

    /// Listens at a Unix socket's path; see [`Listener::bind_unix`].
    ///
    /// # Errors
    /// As [`Listener::bind_unix`]'s.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub fn bind_unix(&self, path: impl AsRef<Path>) -> Result<Listener, BindError> {
        let handle = LoopHandle::current();
        let socket = handle.socket(Family::Unix, SocketKind::Stream)?;
        let file = bind_path(&socket, path.as_ref(), self.keep_path)?;
        socket.listen(self.backlog)?;
        Ok(Listener { sockets: vec![handle.attach(socket)], _file: file, options: self.clone() })
    }

    fn listen_at(&self, address: Address) -> Result<Attached<Socket>, SocketError> {
        let handle = LoopHandle::current();
        let socket = handle.socket(address.family(), SocketKind::Stream)?;
        if self.reuse_address {
            socket.set(SocketOption::ReuseAddress(true))?;
        }
        if self.reuse_port {
            socket.set(SocketOption::ReusePort(true))?;
        }
        if self.keep_alive.is_some() {
            socket.set(SocketOption::KeepAlive(self.keep_alive))?;
        }
        // So that both families can have the port, each with a socket of its own.
        if address.family() == Family::V6 {
            socket.set(SocketOption::OnlyV6(true))?;
        }
        socket.bind(&address)?;
        socket.listen(self.backlog)?;
        Ok(handle.attach(socket))
    }
}

/// What to bind. The empty host is every interface, of either family.
pub(crate) async fn bindable_addresses(target: &Target) -> Result<Vec<SocketAddr>, BindError> {
    match target.step() {
        Step::LookUp { host: "", port } => {
            let every = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
            Ok(every.map(|address| SocketAddr::new(address, port)).into())
        }
        _ => Ok(look_up(target).await?),
    }
}

/// The system has no sockets of the family, or no addresses: it was built or set up without IPv6.
fn is_family_missing(error: &SocketError) -> bool {
    let missing = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    error.raw_os_error() == Some(missing) || error.kind() == io::ErrorKind::AddrNotAvailable
}
