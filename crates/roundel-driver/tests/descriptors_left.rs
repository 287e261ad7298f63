//! No descriptor is left behind, whatever becomes of the operation that brought it; and when there
//! are none to be had, a listener goes on. Alone in its process: it counts all of them.

use std::{
    fs::File,
    io::ErrorKind,
    net::{TcpListener, TcpStream},
};

use roundel_driver::{
    Driver, Key, OpenOptions, Operation, Outcome, SelectorDriver, Source, SourceId, Submitted,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The lowest descriptor that is free; as all are opened and closed in order, it counts them.
fn next_descriptor() -> i32 {
    use std::os::fd::AsRawFd;
    File::open("/dev/null").unwrap().as_raw_fd()
}

fn until_done(driver: &mut SelectorDriver, key: Key) {
    let mut done = Vec::new();
    while !done.contains(&key) {
        driver.wait(None, &mut done).unwrap();
    }
}

fn accept(driver: &mut SelectorDriver, source: SourceId) -> roundel_driver::Completion {
    match driver.submit(Operation::Accept { source }) {
        Submitted::Done(completion) => completion,
        Submitted::Pending(key) => {
            until_done(driver, key);
            driver.take(key).unwrap()
        }
        Submitted::Blocking(..) => panic!("an accept does not block"),
    }
}

fn an_accept_that_was_given_up_leaves_nothing(driver: &mut SelectorDriver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let source = driver.attach(Source::new(listener));
    let Submitted::Pending(key) = driver.submit(Operation::Accept { source }) else {
        panic!("nobody has come")
    };
    let client = TcpStream::connect(address).unwrap();
    until_done(driver, key);
    assert!(driver.cancel(key), "it lies with the listener now");
    drop((driver.detach(source), client));
}

fn an_accept_that_nobody_took_leaves_nothing(driver: &mut SelectorDriver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let source = driver.attach(Source::new(listener));
    let client = TcpStream::connect(address).unwrap();
    drop(accept(driver, source));
    drop((driver.detach(source), client));
}

fn an_open_that_was_given_up_leaves_nothing(driver: &mut SelectorDriver) {
    let open = || Operation::Open { path: "/dev/null".into(), options: OpenOptions::default() };
    for when in 0..3 {
        let Submitted::Blocking(key, call) = driver.submit(open()) else { panic!("not a file's") };
        if when == 0 {
            assert!(driver.cancel(key), "before the call");
        }
        call.make();
        if when == 1 {
            assert!(driver.cancel(key), "behind the call");
        }
        let mut done = Vec::new();
        driver.wait(Some(std::time::Duration::ZERO), &mut done).unwrap();
        if when == 2 {
            assert!(driver.cancel(key), "when it was reported");
        }
    }
}

fn without_descriptors_a_listener_goes_on(driver: &mut SelectorDriver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let source = driver.attach(Source::new(listener));
    let Submitted::Pending(waiting) = driver.submit(Operation::Accept { source }) else {
        panic!("nobody has come")
    };
    let clients = [(); 2].map(|()| TcpStream::connect(address).unwrap());
    let before = getrlimit(Resource::Nofile);
    let current = u64::try_from(next_descriptor()).unwrap();
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..before }).unwrap();
    until_done(driver, waiting);
    for completion in [driver.take(waiting).unwrap(), accept(driver, source)] {
        let error = completion.expect_err("there is no descriptor for it");
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
        assert_eq!(error.action(), "accepting a connection");
        assert_ne!(error.kind(), ErrorKind::WouldBlock);
    }
    let socket = driver.socket(roundel_driver::Family::V4, roundel_driver::SocketKind::Stream);
    assert_eq!(socket.expect_err("nor for this").action(), "opening a socket");
    setrlimit(Resource::Nofile, before).unwrap();
    for _ in &clients {
        let accepted = accept(driver, source);
        assert!(matches!(accepted, Ok(Outcome::Accepted(_))), "{accepted:?}");
    }
    drop(driver.detach(source));
}

#[test]
fn no_descriptor_is_left_behind() {
    let mut driver = SelectorDriver::by_name("default").unwrap();
    let checks: [fn(&mut SelectorDriver); 4] = [
        an_accept_that_was_given_up_leaves_nothing,
        an_accept_that_nobody_took_leaves_nothing,
        an_open_that_was_given_up_leaves_nothing,
        without_descriptors_a_listener_goes_on,
    ];
    for check in checks {
        let before = next_descriptor();
        for _ in 0..10 {
            check(&mut driver);
        }
        assert_eq!(next_descriptor(), before);
    }
}
