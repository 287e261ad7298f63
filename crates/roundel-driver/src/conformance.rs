//! What every driver must do, as one body run on each of them, real and simulated.
//!
//! Behind the feature `conformance`. Each function takes a fresh driver; [`run_all`] runs them all.
//! They use real sockets and pipes of this process and never sleep to synchronise.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::net::SendFlags;

use crate::{
    Buffer, Completion, Driver, Interest, Key, Operation, Outcome, Readiness, Source, SourceId,
    Submitted,
};

/// Bounds a wait that must succeed, so that a driver that lost something fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

type Check = (&'static str, fn(&mut dyn Driver));

/// Every check, by name.
pub const CHECKS: &[Check] = &[
    ("receives what is there at once", receives_what_is_there),
    ("receives what comes later", receives_what_comes_later),
    ("end of stream is an empty buffer", end_of_stream_is_empty),
    ("end of stream that came with the data is not missed", end_with_the_data_is_not_missed),
    ("receives in the order of submission", receives_in_order),
    ("receives no more than asked", receives_no_more_than_asked),
    ("a waiting receive holds no buffer", a_waiting_receive_holds_no_buffer),
    ("sends all of a large buffer", sends_all_of_a_large_buffer),
    ("sends in the order of submission", sends_in_order),
    ("a datagram is one receive", a_datagram_is_one_receive),
    ("accepts and connects", accepts_and_connects),
    ("accepts a burst", accepts_a_burst),
    ("a refused connection is an error", a_refused_connection_is_an_error),
    ("reads and writes pipes", reads_and_writes_pipes),
    ("readiness leaves the data alone", readiness_leaves_the_data_alone),
    ("readiness is told again while it lasts", readiness_is_told_again),
    ("a writable source is told", a_writable_source_is_told),
    ("a cancelled receive takes nothing", a_cancelled_receive_takes_nothing),
    ("cancelling in the middle keeps the order", cancelling_in_the_middle_keeps_order),
    (
        "a cancelled finished operation leaves nothing",
        a_cancelled_finished_operation_leaves_nothing,
    ),
    ("what a cancelled receive had received is not lost", a_late_cancel_loses_nothing),
    ("an accepted connection is not lost either", a_late_cancel_of_an_accept_loses_nothing),
    ("a read that stops short does not stop for ever", short_reads_are_not_the_end),
    ("a refused connect is told beside a receive", a_refused_connect_is_told_beside_a_receive),
    ("a cancelled connect can be waited for again", a_cancelled_connect_can_be_waited_for),
    ("a key is good for one outcome", a_key_is_good_once),
    ("detaching ends operations and closes", detaching_ends_operations_and_closes),
    ("a detached source is refused", a_detached_source_is_refused),
    ("a reset is an error", a_reset_is_an_error),
    ("a failed send returns its bytes", a_failed_send_returns_its_bytes),
    ("a notifier ends a wait", a_notifier_ends_a_wait),
    ("a notification before the wait counts", a_notification_before_the_wait_counts),
    ("a zero timeout does not block", a_zero_timeout_does_not_block),
    ("a timeout is not early", a_timeout_is_not_early),
    ("a thousand sources are all served", a_thousand_sources_are_all_served),
    ("dropping with operations in flight is clean", dropping_in_flight_is_clean),
];

/// Runs every check on a driver of its own.
///
/// # Panics
/// At the first check that fails, after naming it on standard error.
pub fn run_all(make: &dyn Fn() -> Box<dyn Driver>) {
    for (name, check) in CHECKS {
        let mut driver = make();
        eprintln!("{}: {name}", driver.name());
        check(&mut *driver);
    }
}

fn stream_pair(driver: &mut dyn Driver) -> (SourceId, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (driver.attach(Source::new(ours)), theirs)
}

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// The key of an operation that has to wait.
#[track_caller]
fn pending(submitted: Submitted) -> Key {
    match submitted {
        Submitted::Pending(key) => key,
        other => panic!("not under way: {other:?}"),
    }
}

/// Waits until each of `keys` is done; their outcomes in that order.
#[track_caller]
fn finish<const N: usize>(driver: &mut dyn Driver, keys: [Key; N]) -> [Completion; N] {
    let end = Instant::now() + PATIENCE;
    let mut outcomes = keys.map(|key| driver.take(key));
    while outcomes.iter().any(Option::is_none) {
        let left = end.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "operations never finished: {keys:?}, only {outcomes:?}");
        driver.wait(Some(left), &mut Vec::new()).unwrap();
        for (outcome, key) in outcomes.iter_mut().zip(keys) {
            *outcome = outcome.take().or_else(|| driver.take(key));
        }
    }
    outcomes.map(|outcome| outcome.expect("all are there"))
}

/// The outcome, now or later.
#[track_caller]
fn complete(driver: &mut dyn Driver, operation: Operation) -> Completion {
    match driver.submit(operation) {
        Submitted::Done(completion) => completion,
        Submitted::Pending(key) => {
            let [completion] = finish(driver, [key]);
            completion
        }
        Submitted::Blocking(key, call) => {
            let thread = std::thread::spawn(|| call.make());
            let [completion] = finish(driver, [key]);
            thread.join().unwrap();
            completion
        }
    }
}

#[track_caller]
fn data(completion: Completion) -> Vec<u8> {
    match completion {
        Ok(Outcome::Received(buffer)) => buffer.into_vec(),
        other => panic!("no data: {other:?}"),
    }
}

fn recv(source: SourceId, at_most: usize) -> Operation {
    Operation::Recv { source, at_most }
}

fn receives_what_is_there(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    peer.write_all(b"there").unwrap();
    assert_eq!(data(complete(driver, recv(source, 100))), b"there");
}

fn receives_what_comes_later(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    for round in 0..10_u8 {
        let key = pending(driver.submit(recv(source, 100)));
        assert!(driver.take(key).is_none(), "nothing has come");
        peer.write_all(&[round; 3]).unwrap();
        let [completion] = finish(driver, [key]);
        assert_eq!(data(completion), [round; 3]);
    }
}

fn end_of_stream_is_empty(driver: &mut dyn Driver) {
    let (source, peer) = stream_pair(driver);
    let key = pending(driver.submit(recv(source, 100)));
    peer.shutdown(Shutdown::Write).unwrap();
    let [completion] = finish(driver, [key]);
    assert_eq!(data(completion), b"");
    assert_eq!(data(complete(driver, recv(source, 100))), b"", "and stays so");
}

fn end_with_the_data_is_not_missed(driver: &mut dyn Driver) {
    let (ours, mut peer) = tcp_pair();
    let source = driver.attach(Source::new(ours));
    let key = pending(driver.submit(recv(source, 100)));
    peer.write_all(b"last words").unwrap();
    drop(peer);
    let [completion] = finish(driver, [key]);
    assert_eq!(data(completion), b"last words");
    assert_eq!(data(complete(driver, recv(source, 100))), b"");
}

fn receives_in_order(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let keys = [1, 2, 3].map(|n| pending(driver.submit(recv(source, n))));
    peer.write_all(b"abbccc").unwrap();
    let [one, two, three] = finish(driver, keys).map(data);
    assert_eq!((&one[..], &two[..], &three[..]), (&b"a"[..], &b"bb"[..], &b"ccc"[..]));
}

fn receives_no_more_than_asked(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    peer.write_all(b"abcdef").unwrap();
    assert_eq!(data(complete(driver, recv(source, 4))), b"abcd");
    assert_eq!(data(complete(driver, recv(source, 4))), b"ef");
}

fn a_waiting_receive_holds_no_buffer(driver: &mut dyn Driver) {
    let mut pairs: Vec<_> = (0..100).map(|_| stream_pair(driver)).collect();
    let keys: Vec<Key> =
        pairs.iter().map(|(source, _)| pending(driver.submit(recv(*source, 65_536)))).collect();
    driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
    assert_eq!(driver.statistics().buffers, 0, "a hundred wait and none has a buffer");
    pairs[7].1.write_all(b"x").unwrap();
    let [completion] = finish(driver, [keys[7]]);
    assert_eq!(driver.statistics().buffers, 1);
    drop(completion);
    assert_eq!(driver.statistics().buffers, 0);
}

fn sends_all_of_a_large_buffer(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let sent: Vec<u8> = (0..8_000_000_u32).map(|n| (n % 251) as u8).collect();
    let key = pending(driver.submit(Operation::Send { source, data: sent.clone().into() }));
    let reader = std::thread::spawn(move || {
        let mut received = vec![0; 8_000_000];
        peer.read_exact(&mut received).map(|()| received)
    });
    let [completion] = finish(driver, [key]);
    let Ok(Outcome::Sent(buffer)) = completion else { panic!("not sent: {completion:?}") };
    assert!(buffer[..] == sent[..], "the buffer comes back as it was");
    assert!(reader.join().unwrap().unwrap() == sent, "and has arrived");
}

fn sends_in_order(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let big = vec![b'a'; 2_000_000];
    let first = pending(driver.submit(Operation::Send { source, data: big.into() }));
    let second = pending(driver.submit(Operation::Send { source, data: Buffer::from(b"z") }));
    let reader = std::thread::spawn(move || {
        let mut received = vec![0; 2_000_001];
        peer.read_exact(&mut received).map(|()| received)
    });
    for completion in finish(driver, [first, second]) {
        assert!(matches!(completion, Ok(Outcome::Sent(_))), "{completion:?}");
    }
    let received = reader.join().unwrap().unwrap();
    assert!(received[..2_000_000].iter().all(|&byte| byte == b'a'));
    assert_eq!(received[2_000_000], b'z');
}

fn a_datagram_is_one_receive(driver: &mut dyn Driver) {
    let (ours, theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let source = driver.attach(Source::new(ours));
    let key = pending(driver.submit(recv(source, 100)));
    for message in ["one", "two", "", "four"] {
        theirs.send(message.as_bytes()).unwrap();
    }
    let [completion] = finish(driver, [key]);
    assert_eq!(data(completion), b"one");
    // A short receive from a datagram socket says nothing of those behind it.
    for message in ["two", "", "four"] {
        assert_eq!(data(complete(driver, recv(source, 100))), message.as_bytes());
    }
}

fn tcp_socket() -> OwnedFd {
    let (family, kind) = (rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM);
    rustix::net::socket(family, kind, None).unwrap()
}

fn connect(driver: &mut dyn Driver, address: std::net::SocketAddr) -> (SourceId, Completion) {
    let source = driver.attach(Source::new(tcp_socket()));
    let completion = complete(driver, Operation::Connect { source, address: address.into() });
    (source, completion)
}

fn accepts_and_connects(driver: &mut dyn Driver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listener = driver.attach(Source::new(listener));
    let accepting = pending(driver.submit(Operation::Accept { source: listener }));
    let (client, connected) = connect(driver, address);
    assert!(matches!(connected, Ok(Outcome::Connected)), "{connected:?}");
    let [accepted] = finish(driver, [accepting]);
    let Ok(Outcome::Accepted(socket)) = accepted else { panic!("not accepted: {accepted:?}") };
    let server = driver.attach_socket(socket);
    let sent = complete(driver, Operation::Send { source: client, data: Buffer::from(b"hi") });
    assert!(matches!(sent, Ok(Outcome::Sent(_))), "{sent:?}");
    assert_eq!(data(complete(driver, recv(server, 10))), b"hi");
}

fn accepts_a_burst(driver: &mut dyn Driver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let source = driver.attach(Source::new(listener));
    let first = pending(driver.submit(Operation::Accept { source }));
    let clients: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(address).unwrap()).collect();
    let [completion] = finish(driver, [first]);
    assert!(matches!(completion, Ok(Outcome::Accepted(_))), "{completion:?}");
    for _ in 1..clients.len() {
        let completion = complete(driver, Operation::Accept { source });
        assert!(matches!(completion, Ok(Outcome::Accepted(_))), "{completion:?}");
    }
}

fn a_refused_connection_is_an_error(driver: &mut dyn Driver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (_, completion) = connect(driver, address);
    let error = completion.expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(error.action(), "connecting a socket");
}

fn reads_and_writes_pipes(driver: &mut dyn Driver) {
    let (reader, writer) = std::io::pipe().unwrap();
    let reader = driver.attach(Source::new(reader));
    let writer = driver.attach(Source::new(writer));
    let reading = pending(driver.submit(Operation::Read { source: reader, at_most: 100 }));
    let big = vec![b'x'; 300_000];
    let writing = pending(driver.submit(Operation::Write { source: writer, data: big.into() }));
    let mut done = Vec::new();
    driver.wait(Some(PATIENCE), &mut done).unwrap();
    let mut received = 0;
    if let Some(completion) = driver.take(reading) {
        received += data(completion).len();
    }
    let mut written = false;
    while received < 300_000 {
        let completion = complete(driver, Operation::Read { source: reader, at_most: 100_000 });
        received += data(completion).len();
        if let Some(completion) = driver.take(writing) {
            assert!(matches!(completion, Ok(Outcome::Sent(_))), "{completion:?}");
            written = true;
        }
    }
    if !written {
        let [completion] = finish(driver, [writing]);
        assert!(matches!(completion, Ok(Outcome::Sent(_))), "{completion:?}");
    }
    driver.detach(writer);
    assert_eq!(data(complete(driver, Operation::Read { source: reader, at_most: 10 })), b"");
}

fn ready(source: SourceId, interest: Interest) -> Operation {
    Operation::Ready { source, interest }
}

fn readiness_leaves_the_data_alone(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let key = pending(driver.submit(ready(source, Interest::READ)));
    peer.write_all(b"data").unwrap();
    let [completion] = finish(driver, [key]);
    let Ok(Outcome::Ready(readiness)) = completion else { panic!("{completion:?}") };
    assert!(readiness.contains(Readiness::READABLE));
    assert_eq!(data(complete(driver, recv(source, 100))), b"data");
}

fn readiness_is_told_again(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    peer.write_all(b"unread").unwrap();
    for _ in 0..5 {
        let completion = complete(driver, ready(source, Interest::READ));
        assert!(matches!(completion, Ok(Outcome::Ready(_))), "{completion:?}");
    }
    // Nobody asks any more: the driver must not hear of it for ever.
    let mut done = Vec::new();
    driver.wait(Some(Duration::ZERO), &mut done).unwrap();
    assert!(done.is_empty());
    assert_eq!(driver.in_flight(), 0);
}

fn a_writable_source_is_told(driver: &mut dyn Driver) {
    let (source, _peer) = stream_pair(driver);
    let completion = complete(driver, ready(source, Interest::BOTH));
    let Ok(Outcome::Ready(readiness)) = completion else { panic!("{completion:?}") };
    assert!(readiness.contains(Readiness::WRITABLE));
    assert!(!readiness.contains(Readiness::READABLE));
}

fn a_cancelled_receive_takes_nothing(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let key = pending(driver.submit(recv(source, 100)));
    assert!(driver.cancel(key));
    assert!(!driver.cancel(key), "once");
    peer.write_all(b"kept").unwrap();
    let mut done = Vec::new();
    driver.wait(Some(Duration::ZERO), &mut done).unwrap();
    assert!(driver.take(key).is_none());
    assert_eq!(data(complete(driver, recv(source, 100))), b"kept");
}

fn cancelling_in_the_middle_keeps_order(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let [one, two, three, four] = [1, 2, 3, 4].map(|n| pending(driver.submit(recv(source, n))));
    assert!(driver.cancel(two));
    assert!(driver.cancel(four));
    let five = pending(driver.submit(recv(source, 5)));
    peer.write_all(b"acccEEEEE").unwrap();
    let [one, three, five] = finish(driver, [one, three, five]).map(data);
    assert_eq!((&one[..], &three[..], &five[..]), (&b"a"[..], &b"ccc"[..], &b"EEEEE"[..]));
    assert_eq!(driver.in_flight(), 0);
}

fn a_cancelled_finished_operation_leaves_nothing(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let key = pending(driver.submit(recv(source, 100)));
    peer.write_all(b"x").unwrap();
    let mut done = Vec::new();
    driver.wait(Some(PATIENCE), &mut done).unwrap();
    assert_eq!(done, [key]);
    assert!(driver.cancel(key));
    assert!(driver.take(key).is_none());
    assert_eq!(driver.statistics().operations, 0);
}

fn a_late_cancel_loses_nothing(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let [one, two] = [2, 100].map(|n| pending(driver.submit(recv(source, n))));
    peer.write_all(b"abcdef").unwrap();
    let mut done = Vec::new();
    while done.len() < 2 {
        driver.wait(Some(PATIENCE), &mut done).unwrap();
    }
    // Both have their bytes, and neither has been taken. The second is given up first.
    assert!(driver.cancel(two) && driver.cancel(one));
    assert_eq!(data(complete(driver, recv(source, 1))), b"a");
    assert_eq!(data(complete(driver, recv(source, 100))), b"b");
    assert_eq!(data(complete(driver, recv(source, 3))), b"cde");
    // What is left goes to one that waits already, too.
    let last = pending_or_data(driver, source, b"f");
    assert!(last);
}

/// Whether the next receive brings `expected`.
fn pending_or_data(driver: &mut dyn Driver, source: SourceId, expected: &[u8]) -> bool {
    data(complete(driver, recv(source, 100))) == expected
}

fn a_late_cancel_of_an_accept_loses_nothing(driver: &mut dyn Driver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let source = driver.attach(Source::new(listener));
    let key = pending(driver.submit(Operation::Accept { source }));
    let mut client = TcpStream::connect(address).unwrap();
    let mut done = Vec::new();
    while done.is_empty() {
        driver.wait(Some(PATIENCE), &mut done).unwrap();
    }
    assert!(driver.cancel(key));
    let completion = complete(driver, Operation::Accept { source });
    let Ok(Outcome::Accepted(socket)) = completion else { panic!("lost: {completion:?}") };
    client.write_all(b"hi").unwrap();
    let server = driver.attach_socket(socket);
    assert_eq!(data(complete(driver, recv(server, 10))), b"hi");
}

/// Urgent data stops a read at its mark; nothing announces what lies behind it again.
fn short_reads_are_not_the_end(driver: &mut dyn Driver) {
    let (ours, peer) = tcp_pair();
    let source = driver.attach(Source::new(ours));
    let key = pending(driver.submit(recv(source, 100)));
    rustix::net::send(&peer, b"abc", SendFlags::empty()).unwrap();
    rustix::net::send(&peer, b"!", SendFlags::OOB).unwrap();
    rustix::net::send(&peer, b"def", SendFlags::empty()).unwrap();
    let mut received = Vec::new();
    let [completion] = finish(driver, [key]);
    received.extend(data(completion));
    while received.len() < 6 {
        received.extend(data(complete(driver, recv(source, 100))));
    }
    assert_eq!(received, b"abcdef");
}

fn refusing_address() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn a_refused_connect_is_told_beside_a_receive(driver: &mut dyn Driver) {
    let socket = tcp_socket();
    let source = driver.attach(Source::new(socket));
    let connecting =
        driver.submit(Operation::Connect { source, address: refusing_address().into() });
    let receiving = driver.submit(recv(source, 10));
    // One of the two is told why; both end.
    for submitted in [receiving, connecting] {
        let completion = match submitted {
            Submitted::Done(completion) => completion,
            submitted => {
                let [completion] = finish(driver, [pending(submitted)]);
                completion
            }
        };
        if let Ok(Outcome::Received(rest)) = &completion {
            assert!(rest.is_empty(), "an end, after the error was told");
        } else {
            completion.expect_err("nobody listens");
        }
    }
}

fn a_cancelled_connect_can_be_waited_for(driver: &mut dyn Driver) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let source = driver.attach(Source::new(tcp_socket()));
    if let Submitted::Pending(key) =
        driver.submit(Operation::Connect { source, address: address.into() })
    {
        assert!(driver.cancel(key));
        let completion = complete(driver, Operation::Connect { source, address: address.into() });
        let connected = match &completion {
            Ok(Outcome::Connected) => true,
            // It had come about before anybody asked again.
            Err(error) => error.raw_os_error() == Some(rustix::io::Errno::ISCONN.raw_os_error()),
            _ => false,
        };
        assert!(connected, "{completion:?}");
    }
}

fn a_key_is_good_once(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let old = pending(driver.submit(recv(source, 1)));
    peer.write_all(b"ab").unwrap();
    let [_] = finish(driver, [old]);
    let _ = complete(driver, recv(source, 1));
    let new = pending(driver.submit(recv(source, 1)));
    assert!(driver.take(old).is_none());
    assert!(!driver.cancel(old), "an old key never touches its successor");
    peer.write_all(b"c").unwrap();
    let [completion] = finish(driver, [new]);
    assert_eq!(data(completion), b"c");
}

fn detaching_ends_operations_and_closes(driver: &mut dyn Driver) {
    let (source, mut peer) = stream_pair(driver);
    let keys = [
        pending(driver.submit(recv(source, 1))),
        pending(driver.submit(ready(source, Interest::READ))),
    ];
    drop(driver.detach(source).expect("it was attached"));
    for completion in finish(driver, keys) {
        let error = completion.expect_err("the source is gone");
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    }
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0, "closed: the peer sees the end");
    assert_eq!(driver.statistics().sources, 0);
}

fn a_detached_source_is_refused(driver: &mut dyn Driver) {
    let (source, _peer) = stream_pair(driver);
    assert!(driver.detach(source).is_some());
    assert!(driver.detach(source).is_none());
    let (successor, _other) = stream_pair(driver);
    assert_ne!(source, successor);
    let Submitted::Done(Err(error)) = driver.submit(recv(source, 1)) else {
        panic!("a detached source takes no operations")
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
}

fn a_reset_is_an_error(driver: &mut dyn Driver) {
    let (ours, peer) = tcp_pair();
    let source = driver.attach(Source::new(ours));
    let key = pending(driver.submit(recv(source, 10)));
    rustix::net::sockopt::set_socket_linger(&peer, Some(Duration::ZERO)).unwrap();
    drop(peer);
    let [completion] = finish(driver, [key]);
    assert_eq!(completion.expect_err("reset").kind(), ErrorKind::ConnectionReset);
}

fn a_failed_send_returns_its_bytes(driver: &mut dyn Driver) {
    let (source, peer) = stream_pair(driver);
    drop(peer);
    let operation = Operation::Send { source, data: Buffer::from(b"unsent") };
    let error = complete(driver, operation).expect_err("the peer is gone");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(error.transferred(), 0);
    assert_eq!(error.into_data().as_deref(), Some(&b"unsent"[..]));
}

fn a_notifier_ends_a_wait(driver: &mut dyn Driver) {
    let (_source, _peer) = stream_pair(driver);
    for _ in 0..100 {
        let notifier = driver.notifier();
        let ringer = std::thread::spawn(move || notifier.notify());
        driver.wait(None, &mut Vec::new()).unwrap();
        ringer.join().unwrap();
    }
}

fn a_notification_before_the_wait_counts(driver: &mut dyn Driver) {
    let notifier = Arc::new(driver.notifier());
    for _ in 0..1000 {
        notifier.notify();
    }
    driver.wait(None, &mut Vec::new()).unwrap();
}

fn a_zero_timeout_does_not_block(driver: &mut dyn Driver) {
    let (source, _peer) = stream_pair(driver);
    let _key = pending(driver.submit(recv(source, 1)));
    let mut done = Vec::new();
    // Would hang here for ever.
    driver.wait(Some(Duration::ZERO), &mut done).unwrap();
    assert!(done.is_empty());
}

fn a_timeout_is_not_early(driver: &mut dyn Driver) {
    let (source, _peer) = stream_pair(driver);
    let _key = pending(driver.submit(recv(source, 1)));
    for timeout in [300, 1_500, 2_500].map(Duration::from_micros) {
        let begun = Instant::now();
        driver.wait(Some(timeout), &mut Vec::new()).unwrap();
        assert!(begun.elapsed() >= timeout, "{:?} of {timeout:?}", begun.elapsed());
    }
}

fn a_thousand_sources_are_all_served(driver: &mut dyn Driver) {
    // select(2) takes descriptors below 1024 only, and the others need some too.
    let count = if driver.name() == "select" { 300 } else { 400 };
    let mut pairs: Vec<_> = (0..count).map(|_| stream_pair(driver)).collect();
    let keys: Vec<Key> =
        pairs.iter().map(|(source, _)| pending(driver.submit(recv(*source, 8)))).collect();
    for (n, (_, peer)) in pairs.iter_mut().enumerate() {
        peer.write_all(&n.to_le_bytes()).unwrap();
    }
    let mut done = Vec::new();
    let end = Instant::now() + PATIENCE;
    while done.len() < keys.len() && Instant::now() < end {
        driver.wait(Some(PATIENCE), &mut done).unwrap();
    }
    assert_eq!(done.len(), keys.len());
    for (n, key) in keys.into_iter().enumerate() {
        assert_eq!(data(driver.take(key).expect("done")), n.to_le_bytes());
    }
}

fn dropping_in_flight_is_clean(driver: &mut dyn Driver) {
    // The driver is dropped by the caller with all of these under way.
    let (source, _peer) = stream_pair(driver);
    let _ = pending(driver.submit(recv(source, 1 << 20)));
    let _ = pending(driver.submit(ready(source, Interest::READ)));
    let big = vec![0; 8 << 20];
    let _ = pending(driver.submit(Operation::Send { source, data: big.into() }));
}
