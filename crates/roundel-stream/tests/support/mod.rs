//! What the stream tests share: one body, run on every driver, over connections that the driver
//! itself has made, so that the kernel's and the simulated ones are the same to it.
#![allow(dead_code)] // each test file uses its own part

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicUsize, Ordering},
};

use roundel_executor::yield_now;
use roundel_loop::{
    Attached, Driver, EventLoop, Family, File, LoopConfig, LoopHandle, OpenOptions, Outcome,
    SelectorDriver, Socket, SocketKind,
};
use roundel_sim::Network;
use roundel_stream::{StreamReader, StreamWriter, open};

/// A loop on each driver that there is here, with its name.
pub(crate) fn loops() -> Vec<(&'static str, EventLoop)> {
    let mut drivers: Vec<(&str, Box<dyn Driver>)> = Vec::new();
    for name in ["default", "poll"] {
        drivers.push((name, Box::new(SelectorDriver::by_name(name).unwrap())));
    }
    #[cfg(target_os = "linux")]
    match roundel_uring::UringDriver::new() {
        Ok(driver) => drivers.push(("io_uring", Box::new(driver))),
        Err(why) => eprintln!("not on io_uring: {why}"),
    }
    let mut loops: Vec<_> = drivers
        .into_iter()
        .map(|(name, driver)| {
            let mut config = LoopConfig::with_driver(driver);
            config.slow_callback = None;
            (name, EventLoop::with_config(config))
        })
        .collect();
    loops.push(("simulation", simulated(7)));
    loops
}

/// A loop on a host of a simulated network.
pub(crate) fn simulated(seed: u64) -> EventLoop {
    let network = Network::new(seed);
    let host = network.add_host("here");
    let mut config = LoopConfig::with_driver(Box::new(network.driver(host)));
    config.clock = network.clock().clone().into();
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

/// Runs `body` on a loop of every driver.
pub(crate) fn run<F: Future<Output = ()>>(body: impl Fn() -> F) {
    for (name, mut event_loop) in loops() {
        let _on = On(name);
        event_loop.run_until_complete(body()).unwrap();
        leaves_nothing(event_loop);
    }
}

/// Runs `body` on a loop of every driver with a kernel under it.
pub(crate) fn run_on_kernel<F: Future<Output = ()>>(body: impl Fn() -> F) {
    for (name, mut event_loop) in loops() {
        if name != "simulation" {
            let _on = On(name);
            event_loop.run_until_complete(body()).unwrap();
            leaves_nothing(event_loop);
        }
    }
}

/// Runs `body` on a loop of the simulated network, and hands out what it returns.
pub(crate) fn run_simulated<F: Future>(seed: u64, body: F) -> F::Output {
    let mut event_loop = simulated(seed);
    let output = event_loop.run_until_complete(body).unwrap();
    leaves_nothing(event_loop);
    output
}

/// What streams leave behind goes on call-backs; then no operation, source or buffer is left.
#[track_caller]
fn leaves_nothing(mut event_loop: EventLoop) {
    event_loop.run_until_complete(turns(20)).unwrap();
    let left = event_loop.driver_statistics();
    assert_eq!((left.operations, left.sources, left.buffers), (0, 0, 0), "{left:?}");
}

/// One end of a stream.
pub(crate) struct End {
    pub(crate) reader: StreamReader,
    pub(crate) writer: StreamWriter,
}

impl End {
    pub(crate) fn new(socket: Socket) -> Self {
        let (reader, writer) = open(LoopHandle::current().attach(socket));
        Self { reader, writer }
    }

    /// Has the kernel take all of `bytes`.
    pub(crate) async fn tell(&mut self, bytes: &[u8]) {
        self.writer.write(bytes).await.unwrap();
        self.writer.flush().await.unwrap();
    }

    pub(crate) async fn hear(&mut self, len: usize) -> Vec<u8> {
        self.reader.read_exact(len).await.unwrap().to_vec()
    }
}

/// Two sockets of the current loop's driver, connected.
pub(crate) async fn sockets() -> (Socket, Socket) {
    let handle = LoopHandle::current();
    let socket = || handle.socket(Family::V4, SocketKind::Stream).unwrap();
    let listener = socket();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(1).unwrap();
    let address = listener.local_address().unwrap();
    let (listener, ours) = (handle.attach(listener), socket());
    let connecting = handle.attach(ours.clone());
    connecting.connect(address).await.unwrap();
    let Outcome::Accepted(theirs) = listener.accept().await.unwrap() else { unreachable!() };
    (ours, theirs)
}

/// Both ends of a connection, on the current loop.
pub(crate) async fn ends() -> (End, End) {
    let (ours, theirs) = sockets().await;
    (End::new(ours), End::new(theirs))
}

/// A file of the current loop's driver with this content; it has no name any more where names can
/// be taken away from open files.
pub(crate) async fn file_of(content: &[u8]) -> Attached<File> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let handle = LoopHandle::current();
    handle.set_default_executor(|job| drop(std::thread::spawn(job)));
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("roundel-{}-{number}", std::process::id()));
    let options = OpenOptions { write: true, create: true, ..OpenOptions::default() };
    let Outcome::Opened(file) = handle.open(&path, options).await.unwrap() else { unreachable!() };
    let _ = std::fs::remove_file(&path);
    let file = handle.attach(file);
    file.write_at(0, content).await.unwrap();
    file
}

/// Everybody else's turn, `count` times.
pub(crate) async fn turns(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}
