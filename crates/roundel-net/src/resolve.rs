//! `resolve`: from a name to its addresses; and who else may answer.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    pin::Pin,
    rc::Rc,
};

use roundel_executor::ContextVar;
use roundel_promise::{Promised, promise};

use crate::{ResolveError, Target, lookup_threads, target::Step};

/// The addresses of a host, in the order in which they should be tried.
///
/// Addresses are not looked up. Names are, by the system's resolver ([`SystemResolver`]) unless the
/// program has chosen [another](RESOLVER). Nothing is remembered: who asks twice is answered twice.
///
/// ```
/// use roundel_executor::spawn_on;
/// use roundel_net::resolve;
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), resolve(("localhost", 80)));
/// let addresses = event_loop.run_until_complete(task)???;
/// assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The name cannot be looked up, or has no addresses.
///
/// # Cancel safety
/// Nothing is lost. A lookup that has begun goes on in its thread, and its answer is dropped.
#[doc(alias = "getaddrinfo")]
pub async fn resolve(target: impl Into<Target>) -> Result<Vec<SocketAddr>, ResolveError> {
    look_up(&target.into()).await
}

pub(crate) async fn look_up(target: &Target) -> Result<Vec<SocketAddr>, ResolveError> {
    let (host, port) = match target.step() {
        Step::Nothing(address) => return Ok(vec![address]),
        Step::LookUp { host, port } => (host, port),
        Step::GiveUp(text) => return Err(ResolveError::Malformed { text: text.to_owned() }),
    };
    // The empty host is this machine; its listeners have been told every interface before.
    if host.is_empty() {
        let loopback = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
        return Ok(loopback.map(|address| SocketAddr::new(address, port)).into());
    }
    let answer = match RESOLVER.get() {
        Some(resolver) => resolver.look_up(host, port).await,
        None => SystemResolver.look_up(host, port).await,
    };
    let addresses =
        answer.map_err(|source| ResolveError::LookUp { host: host.to_owned(), source })?;
    if addresses.is_empty() {
        return Err(ResolveError::NoAddress { host: host.to_owned() });
    }
    Ok(addresses)
}

/// A lookup's answer, awaited.
pub type Answer<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + 'a>>;

/// Who knows names: the system, a simulated network, a test.
pub trait Resolver: fmt::Debug {
    /// Looks a name up. It is neither empty nor an address.
    fn look_up<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a>;
}

/// The resolver of the current task and of those it begins; without one, the system's.
///
/// ```
/// use std::{io, net::SocketAddr, rc::Rc};
/// use roundel_executor::spawn_on;
/// use roundel_net::{Answer, RESOLVER, Resolver, resolve};
///
/// /// Knows one name.
/// #[derive(Debug)]
/// struct Single(&'static str, SocketAddr);
///
/// impl Resolver for Single {
///     fn look_up<'a>(&'a self, host: &'a str, _port: u16) -> Answer<'a> {
///         Box::pin(async move {
///             if host == self.0 { Ok(vec![self.1]) } else { Err(io::ErrorKind::NotFound.into()) }
///         })
///     }
/// }
///
/// let address = SocketAddr::from(([192, 0, 2, 1], 80));
/// let single: Rc<dyn Resolver> = Rc::new(Single("example.org", address));
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), RESOLVER.scope(single, async {
///     resolve("example.org:80").await
/// }));
/// assert_eq!(event_loop.run_until_complete(task)???, [address]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub static RESOLVER: ContextVar<Rc<dyn Resolver>> = ContextVar::new("RESOLVER");

/// The system's resolver: getaddrinfo(3), in threads of its own, at most eight for the whole process.
/// A slow one holds up neither other blocking jobs nor the program's exit.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a> {
        Box::pin(async move {
            let (mut asked, answer) = promise();
            let mut answer = CancelledByDrop(answer);
            let host = host.to_owned();
            lookup_threads::have_made(move || {
                if asked.start().is_err() {
                    return;
                }
                let found = (&*host, port).to_socket_addrs().map(Vec::from_iter);
                let _ = asked.set(found);
            })?;
            (&mut answer.0).await.map_err(|_| io::Error::other("the lookup was lost"))?
        })
    }
}

/// A question that nobody waits for any more need not be put to the network.
struct CancelledByDrop<T>(Promised<T>);

impl<T> Drop for CancelledByDrop<T> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
