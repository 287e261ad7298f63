//! The test bench: each selector in turn, pairs of sockets, and a wait that cannot hang for ever.
use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use roundel_selector::{
    Event, Events, Interest, Readiness, Selector, Source, Token, Trigger, by_name, names,
};

/// Long enough for any machine; a wait that takes it has failed.
const HANG: Duration = Duration::from_secs(60);

/// Runs `check` with a fresh selector of every kind.
pub(crate) fn every(check: impl Fn(&mut dyn Selector)) {
    for name in names() {
        eprintln!("selector: {name}");
        check(&mut *by_name(name).unwrap());
    }
}

/// Both ends of a TCP connection; the near one does not block.
pub(crate) fn pair() -> (Arc<TcpStream>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (near, _) = listener.accept().unwrap();
    near.set_nonblocking(true).unwrap();
    (Arc::new(near), far)
}

/// Another descriptor for the same file, `least` or above.
pub(crate) fn dup_from(file: impl AsFd, least: i32) -> OwnedFd {
    rustix::io::fcntl_dupfd_cloexec(file, least).unwrap()
}

pub(crate) fn watch(
    selector: &mut dyn Selector,
    socket: &Arc<TcpStream>,
    token: usize,
    interest: Interest,
) -> Source {
    let source = Source::shared(socket.clone());
    selector.register(&source, Token(token), interest, Trigger::Level).unwrap();
    source
}

/// What is ready now.
pub(crate) fn ready_now(selector: &mut dyn Selector) -> Vec<Event> {
    let mut events = Events::with_capacity(64);
    selector.select(&mut events, Some(Duration::ZERO)).unwrap();
    events.iter().copied().collect()
}

/// Waits until `token` is ready for all of `wanted`.
pub(crate) fn wait_for(selector: &mut dyn Selector, token: usize, wanted: Readiness) {
    let mut events = Events::with_capacity(64);
    let start = Instant::now();
    loop {
        selector.select(&mut events, Some(HANG)).unwrap();
        assert!(start.elapsed() < HANG, "{token} is not {wanted:?} but {events:?}");
        let mut answers = events.iter().filter(|event| event.token == Token(token));
        if answers.any(|event| event.readiness.contains(wanted)) {
            return;
        }
    }
}

/// Reads exactly `n` bytes from a socket that does not block and has them.
pub(crate) fn take(mut socket: &TcpStream, n: usize) {
    socket.read_exact(&mut vec![0; n]).unwrap();
}
