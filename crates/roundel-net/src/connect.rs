//! `connect`: from a name to a connection, by whichever of its addresses answers first.

use std::{net::SocketAddr, path::Path, time::Duration};

use roundel_executor::timeout;
use roundel_loop::{
    Address, Family, KeepAlive, LoopHandle, Socket, SocketError, SocketKind, SocketOption,
};

use crate::{
    ConnectError, ConnectFailure, Connection, Target, error::Failures, resolve::look_up,
    staggered_race,
};

/// How to connect. [`connect`] does it with the defaults.
///
/// ```
/// use std::time::Duration;
/// use roundel_executor::spawn_on;
/// use roundel_net::{ConnectOptions, Listener};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let listener = Listener::bind("localhost:0").await?;
///     let mut options = ConnectOptions::default();
///     options.limit = Some(Duration::from_secs(30));
///     options.local = vec![([127, 0, 0, 1], 0).into()];
///     let port = listener.local_addresses()[0].inet().map_or(0, |address| address.port());
///     let connection = options.connect(("127.0.0.1", port)).await?;
///     assert_eq!(connection.local().inet().map(|address| address.ip()), Some([127, 0, 0, 1].into()));
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// How long an address has before the next one is tried beside it: 250 ms unless changed, as
    /// RFC 8305 has it. None: until it has failed.
    #[doc(alias = "happy_eyeballs_delay")]
    pub delay: Option<Duration>,
    /// How many addresses of the first family go first, before the families take turns: 1 unless
    /// changed. 0 leaves the resolver's order as it is.
    #[doc(alias = "first_address_family_count")]
    pub interleave: usize,
    /// Where to connect from: the first address of the other end's family that can be bound. If
    /// empty, which is the default, the system chooses.
    #[doc(alias = "local_addr")]
    pub local: Vec<SocketAddr>,
    /// Small segments are sent at once: yes, unless changed.
    pub no_delay: bool,
    /// Probes of a silent connection: none unless changed.
    pub keep_alive: Option<KeepAlive>,
    /// How long one address may take: as long as the system lets it, unless changed.
    pub attempt_limit: Option<Duration>,
    /// How long everything may take, the lookup included: no limit unless changed.
    pub limit: Option<Duration>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            delay: Some(Duration::from_millis(250)),
            interleave: 1,
            local: Vec::new(),
            no_delay: true,
            keep_alive: None,
            attempt_limit: None,
            limit: None,
        }
    }
}

/// Connects to a host over TCP, by name or by address.
///
/// A name's addresses are tried in the order of RFC 8305: families take turns, each address has a
/// quarter of a second before the next one is tried beside it, and the first to answer is taken.
///
/// ```
/// use roundel_executor::spawn_on;
/// use roundel_net::{Listener, connect};
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let listener = Listener::bind("127.0.0.1:0").await?;
///     let address = listener.local_addresses()[0].clone();
///     let ours = connect(address.inet().unwrap()).await?;
///     let theirs = listener.accept().await?;
///     assert_eq!((ours.peer(), theirs.peer()), (&address, &ours.local()));
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The name has no addresses, or each of them failed; the error has all of them.
///
/// # Panics
/// If no loop runs in this thread.
///
/// # Cancel safety
/// Every socket of every attempt is closed.
#[doc(alias = "create_connection")]
#[doc(alias = "open_connection")]
pub async fn connect(target: impl Into<Target>) -> Result<Connection, ConnectError> {
    ConnectOptions::default().connect(target).await
}

/// Connects to the Unix socket at `path`. A path that begins with a NUL is a name in Linux's
/// abstract namespace.
///
/// # Errors
/// Nobody listens there, or it is no socket's path.
///
/// # Panics
/// If no loop runs in this thread.
///
/// # Cancel safety
/// The socket is closed.
#[doc(alias = "create_unix_connection")]
#[doc(alias = "open_unix_connection")]
pub async fn connect_unix(path: impl AsRef<Path>) -> Result<Connection, ConnectError> {
    let path = path.as_ref();
    let address = crate::unix_address::parse(path)
        .map_err(|source| ConnectError::Name { path: path.into(), source })?;
    let connected = async {
        let socket = LoopHandle::current().socket(Family::Unix, SocketKind::Stream)?;
        let socket = LoopHandle::current().attach(socket);
        socket.connect(address.clone()).await?;
        Ok(Connection::of(socket, address))
    };
    connected.await.map_err(ConnectError::Unix)
}

impl ConnectOptions {
    /// Connects to a host over TCP.
    ///
    /// # Errors
    /// The name has no addresses, each of them failed, or it took too long.
    ///
    /// # Panics
    /// If no loop runs in this thread.
    ///
    /// # Cancel safety
    /// Every socket of every attempt is closed.
    pub async fn connect(&self, target: impl Into<Target>) -> Result<Connection, ConnectError> {
        let target = target.into();
        let Some(limit) = self.limit else { return self.connect_to(&target).await };
        match timeout(limit, self.connect_to(&target)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ConnectError::Elapsed { target, limit }),
        }
    }

    async fn connect_to(&self, target: &Target) -> Result<Connection, ConnectError> {
        let mut addresses = look_up(target)
            .await
            .map_err(|source| ConnectError::Resolve { target: target.clone(), source })?;
        interleave(&mut addresses, self.interleave);
        let failures = match addresses[..] {
            // Nobody to race against.
            [address] => match self.attempt(address).await {
                Ok(connection) => return Ok(connection),
                Err(failure) => vec![failure],
            },
            _ => {
                let attempts = addresses.iter().map(|address| self.attempt(*address));
                let raced = staggered_race(attempts, self.delay).await;
                if let Some((_, connection)) = raced.winner {
                    return Ok(connection);
                }
                raced.errors.into_iter().flatten().collect()
            }
        };
        let source = Failures::new(failures);
        Err(ConnectError::Failed { target: target.clone(), source })
    }

    /// One address.
    async fn attempt(&self, address: SocketAddr) -> Result<Connection, ConnectFailure> {
        let socket = LoopHandle::current().attach(self.socket(address)?);
        let connecting = socket.connect(address);
        match self.attempt_limit {
            None => connecting.await?,
            Some(limit) => timeout(limit, connecting)
                .await
                .map_err(|_| ConnectFailure::Elapsed { address: address.into(), limit })??,
        };
        Ok(Connection::of(socket, address.into()))
    }

    /// A socket for the address, tuned and bound.
    fn socket(&self, address: SocketAddr) -> Result<Socket, ConnectFailure> {
        let family = Address::from(address).family();
        let socket = LoopHandle::current().socket(family, SocketKind::Stream)?;
        if self.no_delay {
            socket.set(SocketOption::NoDelay(true))?;
        }
        if self.keep_alive.is_some() {
            socket.set(SocketOption::KeepAlive(self.keep_alive))?;
        }
        if self.local.is_empty() {
            return Ok(socket);
        }
        let mut refused: Option<SocketError> = None;
        for local in self.local.iter().filter(|local| local.is_ipv4() == address.is_ipv4()) {
            match socket.bind(&(*local).into()) {
                Ok(()) => return Ok(socket),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(match refused {
            Some(error) => error.into(),
            None => ConnectFailure::NoLocalAddress { address: address.into() },
        })
    }
}

/// Puts `first` addresses of the first family in front, and lets the families take turns behind
/// them. Within a family the order stays.
fn interleave(addresses: &mut Vec<SocketAddr>, first: usize) {
    let (Some(leader), 1..) = (addresses.first(), first) else { return };
    let of_leader = leader.is_ipv4();
    let (leading, following): (Vec<_>, Vec<_>) =
        addresses.drain(..).partition(|address| address.is_ipv4() == of_leader);
    let (mut leading, mut following) = (leading.into_iter(), following.into_iter());
    addresses.extend(leading.by_ref().take(first - 1));
    loop {
        let turn = [leading.next(), following.next()];
        if turn == [None, None] {
            return;
        }
        addresses.extend(turn.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses by family and number, as `4a 4b 6a`.
    fn parse(text: &str) -> Vec<SocketAddr> {
        let one = |word: &str| {
            let number = u16::from(word.as_bytes()[1] - b'a');
            match word.as_bytes()[0] {
                b'4' => SocketAddr::from(([192, 0, 2, 1], number)),
                _ => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], number)),
            }
        };
        text.split_whitespace().map(one).collect()
    }

    // spec: NET-08
    #[test]
    fn families_take_turns_behind_the_first_few_of_the_first_one() {
        let rows = [
            (0, "4a 4b 4c 6a 6b", "4a 4b 4c 6a 6b"),
            (1, "4a 4b 4c 6a 6b", "4a 6a 4b 6b 4c"),
            (1, "6a 6b 4a 4b 4c", "6a 4a 6b 4b 4c"),
            (2, "4a 4b 4c 6a 6b", "4a 4b 6a 4c 6b"),
            (3, "6a 4a 6b 4b 6c 6d", "6a 6b 6c 4a 6d 4b"),
            (9, "6a 4a 6b", "6a 6b 4a"),
            (1, "4a", "4a"),
            (1, "", ""),
        ];
        for (first, before, after) in rows {
            let mut addresses = parse(before);
            interleave(&mut addresses, first);
            assert_eq!(addresses, parse(after), "{first} of {before}");
        }
        assert_eq!(ConnectOptions::default().interleave, 1);
    }
}
