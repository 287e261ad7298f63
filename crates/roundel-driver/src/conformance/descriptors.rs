//! The kernel's descriptors that were made elsewhere: pipes, Unix sockets, and their readiness.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::{UnixDatagram, UnixStream},
};

use rustix::net::SendFlags;

use super::{
    Check,
    batches::{messages, sent_batch},
    subject::{Subject, data, recv},
};
use crate::{
    Address, Buffer, Family, Interest, Operation, OperationError, Outcome, Readiness, Socket,
    SocketKind, Source, SourceId,
};

pub(super) const CHECKS: &[Check] = &[
    ("reads and writes pipes", reads_and_writes_pipes),
    ("readiness leaves the data alone", readiness_leaves_the_data_alone),
    ("readiness is told again while it lasts", readiness_is_told_again),
    ("a writable source is told", a_writable_source_is_told),
    ("a wait for readiness ends with its source", a_wait_for_readiness_ends_with_its_source),
    ("a datagram is one receive", a_datagram_is_one_receive),
    ("many datagrams wait for room", many_datagrams_wait_for_room),
    ("a Unix datagram comes with its sender's name", a_unix_datagram_has_a_sender),
    ("a read that stops short does not stop for ever", short_reads_are_not_the_end),
    ("a send to a peer that is gone returns its bytes", a_failed_send_returns_its_bytes),
    ("a large send reaches a peer that reads elsewhere", a_large_send_reaches_a_thread),
    ("a Unix peer is known", a_unix_peer_is_known),
    ("a socket goes out as a descriptor", a_socket_goes_out_as_a_descriptor),
];

fn stream_pair(on: &mut Subject<'_>) -> (SourceId, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (on.attach(Source::new(ours)), theirs)
}

fn ready(source: SourceId, interest: Interest) -> Operation {
    Operation::Ready { source, interest }
}

fn reads_and_writes_pipes(on: &mut Subject<'_>) {
    let (reader, writer) = std::io::pipe().unwrap();
    let reader = on.attach(Source::new(reader));
    let writer = on.attach(Source::new(writer));
    let read = || Operation::Read { source: reader, at_most: 100_000 };
    let reading = on.pending(read());
    let big = vec![b'x'; 300_000];
    let writing = on.begin(Operation::Write { source: writer, data: big.into() });
    let [completion] = on.finish([reading]);
    let mut received = data(completion).len();
    while received < 300_000 {
        received += data(on.complete(read())).len();
    }
    let completion = on.end(writing);
    assert!(matches!(completion, Ok(Outcome::Sent(_))), "{completion:?}");
    on.detach(writer);
    assert_eq!(data(on.complete(read())), b"");
}

fn readiness_leaves_the_data_alone(on: &mut Subject<'_>) {
    let (source, mut peer) = stream_pair(on);
    let key = on.pending(ready(source, Interest::READ));
    peer.write_all(b"data").unwrap();
    let [completion] = on.finish([key]);
    let Ok(Outcome::Ready(readiness)) = completion else { panic!("{completion:?}") };
    assert!(readiness.contains(Readiness::READABLE));
    assert_eq!(data(on.complete(recv(source, 100))), b"data");
}

fn readiness_is_told_again(on: &mut Subject<'_>) {
    let (source, mut peer) = stream_pair(on);
    peer.write_all(b"unread").unwrap();
    for _ in 0..5 {
        let completion = on.complete(ready(source, Interest::READ));
        assert!(matches!(completion, Ok(Outcome::Ready(_))), "{completion:?}");
    }
    // Nobody asks any more: the driver must not hear of it for ever.
    assert!(on.look().is_empty());
    assert_eq!(on.in_flight(), 0);
}

fn a_writable_source_is_told(on: &mut Subject<'_>) {
    let (source, _peer) = stream_pair(on);
    let completion = on.complete(ready(source, Interest::BOTH));
    let Ok(Outcome::Ready(readiness)) = completion else { panic!("{completion:?}") };
    assert!(readiness.contains(Readiness::WRITABLE));
    assert!(!readiness.contains(Readiness::READABLE));
}

fn a_wait_for_readiness_ends_with_its_source(on: &mut Subject<'_>) {
    let (source, mut peer) = stream_pair(on);
    let keys = [on.pending(recv(source, 1)), on.pending(ready(source, Interest::READ))];
    drop(on.detach(source).expect("the kernel's descriptor comes back"));
    for completion in on.finish(keys) {
        let error = completion.expect_err("the source is gone");
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    }
    assert_eq!(peer.read(&mut [0; 1]).unwrap(), 0, "closed: the peer sees the end");
}

fn a_datagram_is_one_receive(on: &mut Subject<'_>) {
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let source = on.attach(Source::new(ours));
    let key = on.pending(recv(source, 100));
    for message in ["one", "two", "", "four"] {
        theirs.send(message.as_bytes()).unwrap();
    }
    let [completion] = on.finish([key]);
    assert_eq!(data(completion), b"one");
    for message in ["two", "", "four"] {
        assert_eq!(data(on.complete(recv(source, 100))), message.as_bytes());
    }
}

fn many_datagrams_wait_for_room(on: &mut Subject<'_>) {
    let (ours, theirs) = UnixDatagram::pair().unwrap();
    let (ours, theirs) = (on.attach(Source::new(ours)), on.attach(Source::new(theirs)));
    let texts: Vec<[u8; 2]> = (0..2000_u16).map(u16::to_be_bytes).collect();
    let messages = || messages(texts.iter().map(|text| &text[..]), None);
    let many = |messages| Operation::SendBatch { source: theirs, messages };
    let given_up = on.pending(many(messages()));
    let key = on.pending(many(messages()));
    let last = on.pending(Operation::Send { source: theirs, data: b"behind them".into() });
    on.look();
    assert!(on.cancel(given_up));
    // Of the first, as many as there was room for, and then all of the next.
    let mut came = Vec::new();
    while came.last().is_none_or(|text| text != b"behind them") {
        let received = on.complete(Operation::RecvBatch { source: ours, at_most: 100, count: 50 });
        let Ok(Outcome::Datagrams(received)) = received else { panic!("{received:?}") };
        assert!(received.iter().all(|one| one.from == Address::unnamed_unix()));
        came.extend(received.iter().map(|one| one.data.to_vec()));
    }
    let first = came.len() - texts.len() - 1;
    assert!((1..texts.len()).contains(&first), "{first} of those given up");
    assert_eq!(came[..first], texts[..first]);
    assert_eq!(came[first..][..texts.len()], texts);
    let [sent, last] = on.finish([key, last]);
    let sent: Vec<_> = sent_batch(sent).into_iter().map(|sent| sent.unwrap().to_vec()).collect();
    assert!(sent == texts && last.is_ok());

    // One that ends in the middle tells of each.
    let key = on.pending(many(messages()));
    on.look();
    drop(on.detach(theirs));
    let [ended] = on.finish([key]);
    let told = ended.expect_err("the source is gone").into_messages().expect("each is told of");
    let went = told.iter().take_while(|sent| sent.is_ok()).count();
    assert!((1..texts.len()).contains(&went), "{went} had gone");
    let kind = |sent: &Result<Buffer, OperationError>| sent.as_ref().map_err(|e| e.kind()).err();
    assert!(told[went..].iter().all(|sent| kind(sent) == Some(ErrorKind::ConnectionAborted)));
    let back = told.into_iter().map(|sent| match sent {
        Ok(data) => data.into_vec(),
        Err(error) => error.into_data().unwrap(),
    });
    assert!(back.eq(texts.iter().map(|text| text.to_vec())));
}

fn a_unix_datagram_has_a_sender(on: &mut Subject<'_>) {
    let name = |role: &str| {
        let file = format!("roundel-{}-{}-{role}", std::process::id(), on.name());
        std::env::temp_dir().join(file)
    };
    let (our_path, their_path) = (name("ours"), name("theirs"));
    let ours = on.socket_at(&our_path);
    let theirs = on.socket_at(&their_path);
    let to = Address::unix(&our_path).unwrap();
    let data = Buffer::from(b"hello");
    let sent = on.complete(Operation::SendTo { source: theirs, data, to: Box::new(to.clone()) });
    assert!(matches!(sent, Ok(Outcome::Sent(_))), "{sent:?}");
    let completion = on.complete(Operation::RecvFrom { source: ours, at_most: 100 });
    let Ok(Outcome::Datagram(datagram)) = completion else { panic!("{completion:?}") };
    assert_eq!(datagram.from, Address::unix(&their_path).unwrap());

    let nameless = on.driver_socket(Family::Unix, SocketKind::Datagram);
    let data = Buffer::from(b"guess who");
    let sent = on.complete(Operation::SendTo { source: nameless, data, to: Box::new(to) });
    assert!(matches!(sent, Ok(Outcome::Sent(_))), "{sent:?}");
    let completion = on.complete(Operation::RecvFrom { source: ours, at_most: 100 });
    let Ok(Outcome::Datagram(datagram)) = completion else { panic!("{completion:?}") };
    assert_eq!(datagram.from, Address::unnamed_unix());
    for path in [our_path, their_path] {
        std::fs::remove_file(path).unwrap();
    }
}

impl Subject<'_> {
    fn driver_socket(&mut self, family: Family, kind: SocketKind) -> SourceId {
        let socket = (**self).socket(family, kind).unwrap();
        self.attach_socket(socket)
    }

    fn socket_at(&mut self, path: &std::path::Path) -> SourceId {
        let socket = (**self).socket(Family::Unix, SocketKind::Datagram).unwrap();
        socket.bind(&Address::unix(path).unwrap()).unwrap();
        self.attach_socket(socket)
    }
}

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Urgent data stops a read at its mark; nothing announces what lies behind it again.
fn short_reads_are_not_the_end(on: &mut Subject<'_>) {
    let (ours, peer) = tcp_pair();
    let source = on.attach(Source::new(ours));
    let key = on.pending(recv(source, 100));
    rustix::net::send(&peer, b"abc", SendFlags::empty()).unwrap();
    rustix::net::send(&peer, b"!", SendFlags::OOB).unwrap();
    rustix::net::send(&peer, b"def", SendFlags::empty()).unwrap();
    let mut received = Vec::new();
    let [completion] = on.finish([key]);
    received.extend(data(completion));
    while received.len() < 6 {
        received.extend(data(on.complete(recv(source, 100))));
    }
    assert_eq!(received, b"abcdef");
}

fn a_failed_send_returns_its_bytes(on: &mut Subject<'_>) {
    let (source, peer) = stream_pair(on);
    drop(peer);
    let operation = Operation::Send { source, data: Buffer::from(b"unsent") };
    let error = on.complete(operation).expect_err("the peer is gone");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(error.transferred(), 0);
    assert_eq!(error.into_data().as_deref(), Some(&b"unsent"[..]));
}

fn a_large_send_reaches_a_thread(on: &mut Subject<'_>) {
    let (source, mut peer) = stream_pair(on);
    let sent: Vec<u8> = (0..8_000_000_u32).map(|n| (n % 251) as u8).collect();
    let key = on.pending(Operation::Send { source, data: sent.clone().into() });
    let reader = std::thread::spawn(move || {
        let mut received = vec![0; 8_000_000];
        peer.read_exact(&mut received).map(|()| received)
    });
    let [completion] = on.finish([key]);
    let Ok(Outcome::Sent(buffer)) = completion else { panic!("not sent: {completion:?}") };
    assert!(buffer[..] == sent[..], "the buffer comes back as it was");
    assert!(reader.join().unwrap().unwrap() == sent, "and has arrived");
}

fn a_unix_peer_is_known(on: &mut Subject<'_>) {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    match Socket::new(ours).peer_credentials() {
        Ok(peer) => assert_eq!(u32::try_from(peer.process), Ok(std::process::id())),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "or does not tell"),
    }
    let [(_, inet), _] = on.connection();
    inet.peer_credentials().expect_err("only Unix sockets know");
}

fn a_socket_goes_out_as_a_descriptor(on: &mut Subject<'_>) {
    let [(ours, socket), (theirs, _)] = on.connection();
    let socket = socket.try_into_fd().expect_err("the driver has it too");
    on.detach(ours);
    let mut stream = TcpStream::from(socket.try_into_fd().expect("the only one"));
    stream.write_all(b"by hand").unwrap();
    assert_eq!(on.recv_exactly(theirs, 7), b"by hand");
}
