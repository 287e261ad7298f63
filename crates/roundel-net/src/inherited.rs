//! Sockets that the program was started with: systemd's socket activation, and whoever else follows
//! it. Source: sd_listen_fds(3).

use std::{env, io};

use listenfd::ListenFd;
use roundel_loop::{Socket, SocketKind};

/// A socket that the program was started with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inherited {
    /// What whoever began the program calls it (systemd's `FileDescriptorName=`); "unknown", if
    /// that was not said.
    pub name: String,
    /// What it carries.
    pub kind: SocketKind,
    /// The socket.
    pub socket: Socket,
}

/// A descriptor that the program was started with is no socket for streams or datagrams.
#[derive(Debug, thiserror::Error)]
#[error("inheriting descriptor {position}, called {name:?}")]
pub struct InheritError {
    position: usize,
    name: String,
    source: io::Error,
}

impl InheritError {
    /// Its place among those that were inherited, from 0 on; the first has the number 3.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<InheritError> for io::Error {
    fn from(error: InheritError) -> Self {
        Self::new(error.source.kind(), error)
    }
}

/// Takes the sockets that the program was started with, as `LISTEN_FDS`, `LISTEN_PID` and
/// `LISTEN_FDNAMES` tell; none if it was started without, or if they are for another process. The
/// first two are removed, so that no child takes them for its own and a second call finds none.
///
/// As it changes the environment, it belongs into the begin of `main`, before there are threads.
///
/// ```
/// use roundel_loop::SocketKind;
/// use roundel_net::{Listener, inherited};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let given = inherited()?;
/// # use roundel_executor::spawn_on;
/// # let mut event_loop = roundel_loop::EventLoop::new()?;
/// # let task = spawn_on(&event_loop.handle(), async move {
/// // In the loop: listen there, or where the program likes.
/// let streams = given.into_iter().filter(|it| it.kind == SocketKind::Stream);
/// let mut listener = Listener::from_sockets(streams.map(|it| it.socket));
/// if listener.sockets().is_empty() {
///     listener = Listener::bind("127.0.0.1:0").await?;
/// }
/// # Ok::<_, roundel_net::BindError>(()) });
/// # event_loop.run_until_complete(task)???;
/// # Ok(()) }
/// ```
///
/// # Errors
/// One of them is no such socket, but a pipe or a file for instance. All that were taken are closed.
#[doc(alias = "LISTEN_FDS")]
#[doc(alias = "sd_listen_fds")]
pub fn inherited() -> Result<Vec<Inherited>, InheritError> {
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':').filter(|name| !name.is_empty()).map(str::to_owned);
    let mut given = ListenFd::from_env();
    (0..given.len())
        .map(|position| {
            let name = names.next().unwrap_or_else(|| "unknown".to_owned());
            match take(&mut given, position) {
                Ok((kind, socket)) => Ok(Inherited { name, kind, socket }),
                Err(source) => Err(InheritError { position, name, source }),
            }
        })
        .collect()
}

/// The socket at a place, whatever it is: what it is not, it is not taken for.
fn take(given: &mut ListenFd, position: usize) -> io::Result<(SocketKind, Socket)> {
    let (stream, datagram) = (SocketKind::Stream, SocketKind::Datagram);
    if let Ok(Some(tcp)) = given.take_tcp_listener(position) {
        return Ok((stream, Socket::new(tcp)));
    }
    if let Ok(Some(unix)) = given.take_unix_listener(position) {
        return Ok((stream, Socket::new(unix)));
    }
    if let Ok(Some(udp)) = given.take_udp_socket(position) {
        return Ok((datagram, Socket::new(udp)));
    }
    match given.take_unix_datagram(position) {
        Ok(Some(unix)) => Ok((datagram, Socket::new(unix))),
        Ok(None) => unreachable!("each place is looked at once"),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is no socket for streams or datagrams",
        )),
    }
}
