//! What the stream tests share: a loop on the driver that the run is for, and streams over pairs of
//! sockets whose other end is the test's own.
#![allow(dead_code)] // each test file uses its own part

use std::{future::Future, io::Write, os::unix::net::UnixStream, time::Duration};

use roundel_loop::{Driver, EventLoop, LoopConfig, LoopHandle, SelectorDriver, Socket};
use roundel_stream::{StreamReader, StreamWriter, open};

/// The driver that a run of the tests is for, as `cargo xtask test` says.
pub(crate) fn chosen_driver() -> Box<dyn Driver> {
    match std::env::var("ROUNDEL_DRIVER").as_deref() {
        #[cfg(target_os = "linux")]
        Ok("uring") => Box::new(roundel_uring::UringDriver::new().unwrap()),
        Ok(selector) => Box::new(SelectorDriver::by_name(selector).unwrap()),
        Err(_) => Box::new(SelectorDriver::by_name("default").unwrap()),
    }
}

pub(crate) fn new_loop() -> EventLoop {
    let mut config = LoopConfig::with_driver(chosen_driver());
    config.slow_callback = None;
    EventLoop::with_config(config)
}

/// Runs a future as the first task of a fresh loop.
pub(crate) fn run<F>(future: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    let mut event_loop = new_loop();
    let task = roundel_executor::spawn_on(&event_loop.handle(), future);
    event_loop.run_until_complete(task).unwrap().unwrap()
}

/// Both ends of a stream, on the current loop.
pub(crate) fn over(socket: UnixStream) -> (StreamReader, StreamWriter) {
    open(LoopHandle::current().attach(Socket::new(socket)))
}

/// A stream on the current loop, and the other end of its socket.
pub(crate) fn pair() -> (StreamReader, StreamWriter, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    // A test that reads what never comes fails rather than hangs.
    theirs.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (reader, writer) = over(ours);
    (reader, writer, theirs)
}

/// A stream that is to be read, and what sends to it.
pub(crate) fn reading() -> (StreamReader, UnixStream) {
    let (reader, _, theirs) = pair();
    (reader, theirs)
}

/// Two streams, connected.
pub(crate) fn both_ends() -> ((StreamReader, StreamWriter), (StreamReader, StreamWriter)) {
    let (one, other) = UnixStream::pair().unwrap();
    (over(one), over(other))
}

/// Sends without waiting for anybody.
pub(crate) fn tell(mut theirs: &UnixStream, bytes: &[u8]) {
    theirs.write_all(bytes).unwrap();
}

/// A turn of the loop for everybody else, and another to see what came of it.
pub(crate) async fn turns(count: usize) {
    for _ in 0..count {
        roundel_executor::yield_now().await;
    }
}
