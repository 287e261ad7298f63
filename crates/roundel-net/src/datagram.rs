//! `DatagramSocket`: messages, each by itself, over UDP or a Unix socket.

use std::{cell::Cell, fmt, net::SocketAddr, path::Path};

use roundel_executor::yield_now;
use roundel_loop::{
    Address, Attached, Buffer, Completion, Datagram, Family, LoopHandle, OperationError, Outcome,
    Socket, SocketError, SocketKind, SocketOption, Submission,
};

use crate::{
    BindError, ConnectError, ConnectFailure, Target,
    error::Failures,
    listener::bindable_addresses,
    resolve::look_up,
    socket_file::SocketFile,
    unix_address::{bind_path, parse},
};

/// How to make a socket for datagrams.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DatagramOptions {
    /// Share the port with other processes that do so too: no, unless changed.
    pub reuse_port: bool,
    /// Datagrams may be sent to broadcast addresses: no, unless changed. A connected socket then
    /// sends to its peer, and receives from anybody.
    #[doc(alias = "allow_broadcast")]
    pub broadcast: bool,
    /// Where to send from: the first address of the other end's family that can be bound. If
    /// empty, which is the default, the system chooses. For connected sockets.
    #[doc(alias = "local_addr")]
    pub local: Vec<SocketAddr>,
}

/// A socket for messages, each by itself. Dropping it closes it.
///
/// What is received comes in a buffer of the driver's, and while it waits there is none. Nothing is
/// queued here: what the system has no room for is waited with.
///
/// ```
/// use roundel_executor::spawn_on;
/// use roundel_net::DatagramSocket;
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let server = DatagramSocket::bind("127.0.0.1:0").await?;
///     let client = DatagramSocket::connect(server.local().inet().unwrap()).await?;
///     client.send(b"hello").await?;
///     let question = server.recv_from(1500).await?;
///     server.send_to(question.data, question.from).await?;
///     assert_eq!(&client.recv(1500).await?[..], b"hello");
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "UdpSocket")]
#[doc(alias = "UnixDatagram")]
#[doc(alias = "create_datagram_endpoint")]
#[doc(alias = "DatagramTransport")]
pub struct DatagramSocket {
    socket: Attached<Socket>,
    /// Where [`send`](Self::send) sends to, if the system does not know.
    peer: Option<Address>,
    /// Messages that came or went without a wait.
    in_a_row: Cell<usize>,
    /// Held for its drop, which comes behind the socket's.
    _file: Option<SocketFile>,
}

/// So many without a wait, and the others on the loop have their turn: who floods a socket must not
/// have the loop for himself.
const IN_A_ROW: usize = 64;

impl DatagramSocket {
    fn new(socket: Attached<Socket>, peer: Option<Address>, file: Option<SocketFile>) -> Self {
        Self { socket, peer, in_a_row: Cell::new(0), _file: file }
    }

    /// A socket at the first address of the host that can be bound; an empty host is every interface.
    ///
    /// # Errors
    /// The name has no addresses, or none can be bound: the first one's reason.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// Everything is closed.
    pub async fn bind(target: impl Into<Target>) -> Result<Self, BindError> {
        DatagramOptions::default().bind(target).await
    }

    /// A socket that sends to one address, and receives from there only.
    ///
    /// # Errors
    /// The name has no addresses, or none can be used.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// Everything is closed.
    pub async fn connect(target: impl Into<Target>) -> Result<Self, ConnectError> {
        DatagramOptions::default().connect(target).await
    }

    /// A Unix socket at a path, under the rules of
    /// [`Listener::bind_unix`](crate::Listener::bind_unix).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub fn bind_unix(path: impl AsRef<Path>) -> Result<Self, BindError> {
        let handle = LoopHandle::current();
        let socket = handle.socket(Family::Unix, SocketKind::Datagram)?;
        let file = bind_path(&socket, path.as_ref(), false)?;
        Ok(Self::new(handle.attach(socket), None, file))
    }

    /// A socket without an address, connected to the Unix socket at a path. The other end cannot
    /// answer it.
    ///
    /// # Errors
    /// Nobody is bound there, or it is no such socket's path.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// The socket is closed.
    pub async fn connect_unix(path: impl AsRef<Path>) -> Result<Self, ConnectError> {
        let path = path.as_ref();
        let address =
            parse(path).map_err(|source| ConnectError::Name { path: path.into(), source })?;
        let connected = async {
            let socket = Self::unix()?;
            socket.socket.connect(address).await?;
            Ok(socket)
        };
        connected.await.map_err(ConnectError::Unix)
    }

    /// A socket without an address, for sending to Unix sockets.
    ///
    /// # Errors
    /// There are too many open files.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub fn unix() -> Result<Self, SocketError> {
        let handle = LoopHandle::current();
        let socket = handle.socket(Family::Unix, SocketKind::Datagram)?;
        Ok(Self::new(handle.attach(socket), None, None))
    }

    /// A socket that was made elsewhere.
    ///
    /// # Errors
    /// It is no socket for datagrams; it comes back.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[track_caller]
    pub fn from_socket(socket: Socket) -> Result<Self, Socket> {
        // The simulated kernel tells when it is used.
        if let Some(source) = socket.source()
            && rustix::net::sockopt::socket_type(&source) != Ok(rustix::net::SocketType::DGRAM)
        {
            return Err(socket);
        }
        Ok(Self::new(LoopHandle::current().attach(socket), None, None))
    }

    /// Receives one message, of up to `at_most` bytes, and who sent it.
    ///
    /// # Errors
    /// Of a connected socket: what became of an earlier message, as that nobody receives it.
    ///
    /// # Cancel safety
    /// No message is lost: the next call gets it.
    #[doc(alias = "sock_recvfrom")]
    #[doc(alias = "datagram_received")]
    #[doc(alias = "error_received")]
    pub async fn recv_from(&self, at_most: usize) -> Result<Datagram, OperationError> {
        self.rest().await;
        self.wait_for(self.socket.recv_from(at_most)).await.map(received_datagram)
    }

    /// Receives one message, of up to `at_most` bytes; what is longer loses its end.
    ///
    /// # Errors
    /// As [`recv_from`](Self::recv_from)'s.
    ///
    /// # Cancel safety
    /// No message is lost: the next call gets it.
    pub async fn recv(&self, at_most: usize) -> Result<Buffer, OperationError> {
        self.rest().await;
        match self.wait_for(self.socket.recv(at_most)).await? {
            Outcome::Received(data) => Ok(data),
            other => unreachable!("a receive was answered with {other:?}"),
        }
    }

    /// Sends one message; its buffer comes back.
    ///
    /// # Errors
    /// It is too long, or the system cannot send it there. The error has the bytes.
    ///
    /// # Cancel safety
    /// The message has been sent whole, or not at all.
    #[doc(alias = "sendto")]
    pub async fn send_to(
        &self,
        data: impl Into<Buffer>,
        to: impl Into<Address>,
    ) -> Result<Buffer, OperationError> {
        self.rest().await;
        self.wait_for(self.submit(data.into(), Some(to.into()))).await.map(sent)
    }

    /// Sends one message to where the socket is connected; its buffer comes back.
    ///
    /// # Errors
    /// It is not connected, or as [`send_to`](Self::send_to)'s.
    ///
    /// # Cancel safety
    /// The message has been sent whole, or not at all.
    pub async fn send(&self, data: impl Into<Buffer>) -> Result<Buffer, OperationError> {
        self.rest().await;
        self.wait_for(self.submit(data.into(), None)).await.map(sent)
    }

    /// Lets the others on the loop have their turn, now and then. Comes before an operation: behind
    /// a receive, whoever gives up here would lose the message.
    pub(crate) async fn rest(&self) {
        if self.in_a_row.get() >= IN_A_ROW {
            self.in_a_row.set(0);
            yield_now().await;
        }
    }

    /// So many need not be waited for.
    pub(crate) fn count(&self, messages: usize) {
        self.in_a_row.set(self.in_a_row.get() + messages);
    }

    pub(crate) async fn wait_for(&self, submission: Submission) -> Completion {
        match submission.try_now() {
            Ok(completion) => {
                self.count(1);
                completion
            }
            Err(pending) => {
                self.in_a_row.set(0);
                pending.await
            }
        }
    }

    /// Begins to send a message, to where the socket is connected if no address is given.
    pub(crate) fn submit(&self, data: Buffer, to: Option<Address>) -> Submission {
        match self.destination(to) {
            Some(to) => self.socket.send_to(data, to),
            None => self.socket.send(data),
        }
    }

    /// Where a message is sent to; none, if the system knows.
    pub(crate) fn destination(&self, to: Option<Address>) -> Option<Address> {
        to.or_else(|| self.peer.clone())
    }

    /// The address of this end.
    ///
    /// # Panics
    /// If the socket cannot be asked, which it can as long as it is open.
    #[track_caller]
    pub fn local(&self) -> Address {
        self.socket.socket().local_address().expect("an open socket has an address")
    }

    /// Where it is connected to.
    pub fn peer(&self) -> Option<Address> {
        self.peer.clone().or_else(|| self.socket.socket().peer_address().ok())
    }

    /// The socket, for operations.
    pub fn socket(&self) -> &Attached<Socket> {
        &self.socket
    }
}

/// What a receive with its sender brings.
fn received_datagram(outcome: Outcome) -> Datagram {
    match outcome {
        Outcome::Datagram(datagram) => *datagram,
        other => unreachable!("a receive was answered with {other:?}"),
    }
}

/// What a send brings.
fn sent(outcome: Outcome) -> Buffer {
    match outcome {
        Outcome::Sent(data) => data,
        other => unreachable!("a send was answered with {other:?}"),
    }
}

impl DatagramOptions {
    /// A socket at a host's address; see [`DatagramSocket::bind`].
    ///
    /// # Errors
    /// As there.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// Everything is closed.
    pub async fn bind(&self, target: impl Into<Target>) -> Result<DatagramSocket, BindError> {
        let addresses = bindable_addresses(&target.into()).await?;
        let mut refused = None;
        for address in addresses {
            match self.bind_at(address) {
                Ok(socket) => return Ok(DatagramSocket::new(socket, None, None)),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.expect("a name has addresses").into())
    }

    /// A socket that sends to one address; see [`DatagramSocket::connect`].
    ///
    /// # Errors
    /// As there; also if no local address is of the other end's family.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// Everything is closed.
    pub async fn connect(&self, target: impl Into<Target>) -> Result<DatagramSocket, ConnectError> {
        let target = target.into();
        let addresses = look_up(&target)
            .await
            .map_err(|source| ConnectError::Resolve { target: target.clone(), source })?;
        let mut failures = Vec::new();
        for address in addresses {
            match self.connect_to(address).await {
                Ok(socket) => return Ok(socket),
                Err(failure) => failures.push(failure),
            }
        }
        Err(ConnectError::Failed { target, source: Failures::new(failures) })
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<DatagramSocket, ConnectFailure> {
        let socket = self.open_towards(address)?;
        let peer = Address::from(address);
        if self.broadcast {
            // Connected, it would not hear the answers, which come from other addresses.
            return Ok(DatagramSocket::new(socket, Some(peer), None));
        }
        socket.connect(peer).await?;
        Ok(DatagramSocket::new(socket, None, None))
    }

    /// A socket from which the address can be reached.
    fn open_towards(&self, to: SocketAddr) -> Result<Attached<Socket>, ConnectFailure> {
        if self.local.is_empty() {
            let socket = self.open(Address::from(to).family())?;
            return Ok(LoopHandle::current().attach(socket));
        }
        let mut refused: Option<SocketError> = None;
        for local in self.local.iter().filter(|local| local.is_ipv4() == to.is_ipv4()) {
            match self.bind_at(*local) {
                Ok(socket) => return Ok(socket),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(match refused {
            Some(error) => error.into(),
            None => ConnectFailure::NoLocalAddress { address: to.into() },
        })
    }

    fn bind_at(&self, local: SocketAddr) -> Result<Attached<Socket>, SocketError> {
        let local = Address::from(local);
        let socket = self.open(local.family())?;
        socket.bind(&local)?;
        Ok(LoopHandle::current().attach(socket))
    }

    fn open(&self, family: Family) -> Result<Socket, SocketError> {
        let socket = LoopHandle::current().socket(family, SocketKind::Datagram)?;
        if self.reuse_port {
            socket.set(SocketOption::ReusePort(true))?;
        }
        if self.broadcast {
            socket.set(SocketOption::Broadcast(true))?;
        }
        Ok(socket)
    }
}

impl fmt::Debug for DatagramSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = self.peer().map(|peer| peer.to_string());
        f.debug_struct("DatagramSocket")
            .field("local", &format_args!("{}", self.local()))
            .field("peer", &peer)
            .finish_non_exhaustive()
    }
}
