//! What the tests of TLS share: loops on every driver, on virtual time; certificates; both ends of
//! a connection.
#![allow(dead_code)] // each test file uses its own part

use std::{
    cell::RefCell,
    future::Future,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, LazyLock},
    time::Duration,
};

use roundel_executor::{spawn, spawn_on, statistics};
use roundel_loop::{
    Driver, EventLoop, LoopConfig, LoopHandle, SelectorDriver, SharedClock, Verdict, VirtualClock,
};
use roundel_net::{Connection, Listener, Server, connect};
use roundel_sim::{AutoJump, Network};
use roundel_tls::{
    TlsAcceptor, TlsConnector, TlsStream,
    rustls::{
        ALL_VERSIONS, ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName},
        version::{TLS12, TLS13},
    },
};

pub(crate) const MS: Duration = Duration::from_millis(1);

/// How long the kernel may take for what it does on its own, before the clock jumps over it.
const PATIENCE: Duration = Duration::from_millis(20);

pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A loop on each driver that there is here, with its name.
fn kernel_loops() -> Vec<(&'static str, EventLoop)> {
    let mut drivers: Vec<(&str, Box<dyn Driver>)> = Vec::new();
    for name in ["default", "poll"] {
        drivers.push((name, Box::new(SelectorDriver::by_name(name).unwrap())));
    }
    #[cfg(target_os = "linux")]
    match roundel_uring::UringDriver::new() {
        Ok(driver) => drivers.push(("io_uring", Box::new(driver))),
        Err(why) => eprintln!("not on io_uring: {why}"),
    }
    let on = |(name, driver)| {
        let clock = VirtualClock::new();
        let driver = AutoJump::new(driver, clock.clone()).with_patience(PATIENCE);
        (name, loop_on(driver, clock.into()))
    };
    drivers.into_iter().map(on).collect()
}

/// A loop with the stall watch off: a busy machine is not what is tested.
fn loop_on(driver: impl Driver + 'static, clock: SharedClock) -> EventLoop {
    let mut config = LoopConfig::with_driver(Box::new(driver));
    config.clock = clock;
    config.slow_callback = None;
    EventLoop::with_config(config)
}

/// Says on which driver a test was when it failed.
struct On(&'static str);

impl Drop for On {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was on {}", self.0);
        }
    }
}

/// Runs a future as the first task of a loop; when it has ended, no task, timer, operation or source
/// may be left, but for what closes in call-backs.
fn run_on<F>(event_loop: &mut EventLoop, future: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    let handle = event_loop.handle();
    let task = spawn_on(&handle, future);
    let output = event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(statistics(&handle).tasks, 0, "tasks are left");
    let turns = spawn_on(&handle, async {
        for _ in 0..20 {
            roundel_executor::yield_now().await;
        }
    });
    event_loop.run_until_complete(turns).unwrap().unwrap();
    assert_eq!(handle.statistics().pending_timers, 0, "timers are left");
    let left = event_loop.driver_statistics();
    assert_eq!((left.operations, left.sources, left.buffers), (0, 0, 0), "{left:?}");
    output
}

/// Runs `body` on a loop of every driver.
pub(crate) fn run<F: Future<Output = ()> + 'static>(body: impl Fn() -> F) {
    for (name, mut event_loop) in kernel_loops() {
        let _on = On(name);
        run_on(&mut event_loop, body());
    }
    let _on = On("simulation");
    run_simulated(7, body());
}

/// Runs a future over a network of one host, where no socket may be left open. Returns the hash of
/// all that happened.
pub(crate) fn run_simulated<F: Future + 'static>(seed: u64, body: F) -> u64
where
    F::Output: 'static,
{
    let network = Network::new(seed);
    let host = network.add_host("host");
    let mut event_loop = loop_on(network.driver(host), network.clock().clone().into());
    run_on(&mut event_loop, body);
    assert_eq!(network.open_sockets(), 0, "sockets are left open");
    network.trace_hash()
}

/// A certificate of our own making, and its key.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        Self { certificate: made.cert.der().clone(), key }
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }

    /// Trust in this one and nobody else.
    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }
}

pub(crate) static LOCALHOST: LazyLock<Identity> = LazyLock::new(|| Identity::new("localhost"));
pub(crate) static SOMEBODY: LazyLock<Identity> =
    LazyLock::new(|| Identity::new("somebody.example"));

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

pub(crate) fn server_config(versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    ServerConfig::builder_with_protocol_versions(versions)
        .with_no_client_auth()
        .with_single_cert(vec![LOCALHOST.certificate.clone()], LOCALHOST.key())
        .unwrap()
}

pub(crate) fn client_config() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(LOCALHOST.roots()).with_no_client_auth()
}

/// Localhost, of either version.
pub(crate) fn acceptor() -> TlsAcceptor {
    TlsAcceptor::new(Arc::new(server_config(ALL_VERSIONS)))
}

/// One that trusts localhost.
pub(crate) fn connector() -> TlsConnector {
    TlsConnector::new(Arc::new(client_config()))
}

/// A listener at a port of the system's choice.
pub(crate) async fn listen() -> Listener {
    Listener::bind("127.0.0.1:0").await.unwrap()
}

pub(crate) fn address(server: &Server) -> SocketAddr {
    server.addresses()[0].inet().unwrap()
}

/// Both ends of a connection, without TLS.
pub(crate) async fn connections() -> (Connection, Connection) {
    let listener = listen().await;
    let ours = connect(listener.local_addresses()[0].inet().unwrap()).await.unwrap();
    (ours, listener.accept().await.unwrap())
}

/// Both ends of a connection over TLS: the client's and the server's.
pub(crate) async fn secured(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
) -> (TlsStream, TlsStream) {
    let (ours, theirs) = connections().await;
    let acceptor = acceptor.clone();
    let theirs = spawn(async move { acceptor.accept(theirs).await.unwrap() });
    let ours = connector.open(localhost(), ours).await.unwrap();
    (ours, theirs.await.unwrap())
}

pub(crate) async fn streams() -> (TlsStream, TlsStream) {
    secured(&connector(), &acceptor()).await
}

/// Closes both, at the same time.
pub(crate) async fn close(ours: TlsStream, theirs: TlsStream) {
    let mut theirs = theirs;
    let theirs = spawn(async move { theirs.writer.closed().await });
    let mut ours = ours;
    ours.writer.closed().await.unwrap();
    theirs.await.unwrap().unwrap();
}

/// Collects what the running loop's handler of unhandled failures is told from now on.
pub(crate) fn reports() -> Rc<RefCell<Vec<String>>> {
    let told = Rc::new(RefCell::new(Vec::new()));
    let reports = Rc::clone(&told);
    LoopHandle::current().set_unhandled_handler(Some(Rc::new(move |report| {
        reports.borrow_mut().push(report.to_string());
        Verdict::Continue
    })));
    told
}
