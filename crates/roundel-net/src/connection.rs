//! `Connection`: a connected stream socket on the running loop, and who is at its other end.

use std::{fmt, rc::Rc};

use roundel_loop::{Address, Attached, Credentials, LoopHandle, Socket, SocketError};
use roundel_stream::{Carrier, StreamReader, StreamWriter};

use crate::group::Place;

/// A connection, as [`connect`](crate::connect) and [`Listener::accept`](crate::Listener::accept)
/// give it. Dropping it closes it.
pub struct Connection {
    socket: Attached<Socket>,
    peer: Address,
    /// With the server that has accepted it; given up behind the socket.
    place: Option<Rc<Place>>,
}

impl Connection {
    pub(crate) fn of(socket: Attached<Socket>, peer: Address) -> Self {
        Self { socket, peer, place: None }
    }

    /// A connection that was made elsewhere: accepted by another program, inherited, one of a pair.
    ///
    /// ```
    /// use std::os::unix::net::UnixStream;
    /// use roundel_executor::spawn_on;
    /// use roundel_loop::Socket;
    /// use roundel_net::Connection;
    ///
    /// let (ours, theirs) = UnixStream::pair()?;
    /// let mut event_loop = roundel_loop::EventLoop::new()?;
    /// let task = spawn_on(&event_loop.handle(), async {
    ///     let connection = Connection::new(Socket::new(ours))?;
    ///     connection.socket().send(b"hello").await?;
    ///     Ok::<_, Box<dyn std::error::Error>>(())
    /// });
    /// event_loop.run_until_complete(task)???;
    /// let mut hello = [0; 5];
    /// std::io::Read::read_exact(&mut &theirs, &mut hello)?;
    /// assert_eq!(&hello, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The socket is not connected.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    #[doc(alias = "connect_accepted_socket")]
    pub fn new(socket: Socket) -> Result<Self, SocketError> {
        let peer = socket.peer_address()?;
        Ok(Self::of(LoopHandle::current().attach(socket), peer))
    }

    /// Gives it a place at its server.
    pub(crate) fn at(self, place: Rc<Place>) -> Self {
        Self { place: Some(place), ..self }
    }

    /// The address of the other end, as it was when the connection came about.
    #[doc(alias = "peername")]
    pub fn peer(&self) -> &Address {
        &self.peer
    }

    /// The address of this end.
    ///
    /// # Panics
    /// If the socket cannot be asked, which it can as long as it is open.
    #[doc(alias = "sockname")]
    #[track_caller]
    pub fn local(&self) -> Address {
        self.socket.socket().local_address().expect("an open socket has an address")
    }

    /// Who is at the other end of a Unix connection.
    ///
    /// # Errors
    /// It is of another family, or the system does not tell.
    #[doc(alias = "SO_PEERCRED")]
    pub fn credentials(&self) -> Result<Credentials, SocketError> {
        self.socket.socket().peer_credentials()
    }

    /// Its two ends, buffered: what most programs go on with. It closes when both are dropped.
    ///
    /// ```
    /// use roundel_executor::spawn_on;
    /// use roundel_net::{Listener, connect};
    ///
    /// let mut event_loop = roundel_loop::EventLoop::new()?;
    /// let task = spawn_on(&event_loop.handle(), async {
    ///     let listener = Listener::bind("127.0.0.1:0").await?;
    ///     let address = listener.local_addresses()[0].inet().unwrap();
    ///     let (_, mut writer) = connect(address).await?.open();
    ///     let (mut reader, _) = listener.accept().await?.open();
    ///     writer.write(b"hello\n").await?;
    ///     assert_eq!(reader.read_line().await?, b"hello\n");
    ///     Ok::<_, Box<dyn std::error::Error>>(())
    /// });
    /// event_loop.run_until_complete(task)???;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "split")]
    pub fn open(self) -> (StreamReader, StreamWriter) {
        roundel_stream::open(self)
    }

    /// The socket, for operations.
    pub fn socket(&self) -> &Attached<Socket> {
        &self.socket
    }

    /// The socket by itself. A server that has accepted the connection counts it no longer than its
    /// handler runs, and leaves the socket to whoever has it.
    pub fn into_socket(self) -> Attached<Socket> {
        self.socket
    }
}

/// For whatever runs over a carrier, such as a [`Transport`](roundel_stream::Transport). A server that
/// has accepted the connection counts it until the carrier is closed, and can abort what runs over it.
impl From<Connection> for Carrier {
    fn from(connection: Connection) -> Self {
        let carrier = Self::from(connection.socket);
        match connection.place {
            Some(place) => carrier.lent_by(place),
            None => carrier,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("peer", &format_args!("{}", self.peer))
            .finish_non_exhaustive()
    }
}
