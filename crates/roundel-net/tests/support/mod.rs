//! What the tests of networks share: loops on the kernel's sockets and on simulated ones, both on
//! virtual time, and the reports that reached the loop's handler.
#![allow(dead_code)] // each test file uses its own part

use std::{cell::RefCell, future::Future, net::SocketAddr, rc::Rc, time::Duration};

use roundel_executor::{spawn_on, statistics};
use roundel_loop::{
    Address, Driver, EventLoop, LoopConfig, LoopHandle, Outcome, SelectorDriver, SharedClock,
    Verdict, VirtualClock,
};
use roundel_net::{Connection, Listener, Server};
use roundel_sim::{AutoJump, Network};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const AGES: Duration = Duration::from_secs(3600);

/// How long the kernel may take for what it does on its own, before the clock jumps over it.
const PATIENCE: Duration = Duration::from_millis(20);

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl ToString) {
        self.0.borrow_mut().push(line.to_string());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// The driver that a run of the tests is for, as `cargo xtask test` says.
fn chosen_driver() -> Box<dyn Driver> {
    match std::env::var("ROUNDEL_DRIVER").as_deref() {
        #[cfg(target_os = "linux")]
        Ok("uring") => Box::new(roundel_uring::UringDriver::new().unwrap()),
        Ok(selector) => Box::new(SelectorDriver::by_name(selector).unwrap()),
        Err(_) => Box::new(SelectorDriver::by_name("default").unwrap()),
    }
}

/// A loop with the stall watch off: a busy machine is not what is tested.
fn loop_on(driver: impl Driver + 'static, clock: SharedClock) -> EventLoop {
    let mut config = LoopConfig::with_driver(Box::new(driver));
    config.clock = clock;
    config.slow_callback = None;
    EventLoop::with_config(config)
}

/// Over the kernel's sockets.
pub(crate) fn kernel_loop() -> EventLoop {
    let clock = VirtualClock::new();
    let driver = AutoJump::new(chosen_driver(), clock.clone()).with_patience(PATIENCE);
    loop_on(driver, clock.into())
}

/// Over a network of one host.
pub(crate) fn simulated_loop() -> (EventLoop, Network) {
    let network = Network::new(1);
    let host = network.add_host("host");
    (loop_on(network.driver(host), network.clock().clone().into()), network)
}

/// Runs a future as the first task of a loop; when it has ended, no task and no timer may be left.
pub(crate) fn run_on<F>(event_loop: &mut EventLoop, future: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    let handle = event_loop.handle();
    let task = spawn_on(&handle, future);
    let output = event_loop.run_until_complete(task).unwrap().unwrap();
    assert_eq!(statistics(&handle).tasks, 0, "tasks are left");
    assert_eq!(handle.statistics().pending_timers, 0, "timers are left");
    output
}

/// As [`run_on`] a fresh loop over the kernel's sockets.
pub(crate) fn run<F>(future: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    run_on(&mut kernel_loop(), future)
}

/// Runs a body over the kernel's sockets, and over simulated ones, where none may be left open.
pub(crate) fn on_both<F>(body: impl Fn() -> F)
where
    F: Future<Output = ()> + 'static,
{
    run(body());
    let (mut event_loop, network) = simulated_loop();
    run_on(&mut event_loop, body());
    assert_eq!(network.open_sockets(), 0, "sockets are left open");
}

/// Collects what the running loop's handler of unhandled failures is told from now on.
pub(crate) fn reports() -> Log {
    let log = Log::default();
    let told = log.clone();
    LoopHandle::current().set_unhandled_handler(Some(Rc::new(move |report| {
        told.add(report);
        Verdict::Continue
    })));
    log
}

/// A listener at a port of the system's choice.
pub(crate) async fn listen() -> Listener {
    Listener::bind("127.0.0.1:0").await.unwrap()
}

pub(crate) fn address_of(listener: &Listener) -> SocketAddr {
    only_address(listener.local_addresses())
}

pub(crate) fn address(server: &Server) -> SocketAddr {
    only_address(server.addresses())
}

fn only_address(addresses: Vec<Address>) -> SocketAddr {
    let [address] = &addresses[..] else { panic!("one address, not {addresses:?}") };
    address.inet().unwrap()
}

/// What comes next; empty at the end of the stream.
pub(crate) async fn receive(connection: &Connection) -> Vec<u8> {
    match connection.socket().recv(1000).await.unwrap() {
        Outcome::Received(data) => data.to_vec(),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn send(connection: &Connection, text: &str) {
    let _ = connection.socket().send(text.as_bytes()).await.unwrap();
}

/// Milliseconds of the loop's time since `start`.
pub(crate) fn millis_since(start: std::time::Instant) -> u128 {
    (LoopHandle::current().now() - start).as_millis()
}
