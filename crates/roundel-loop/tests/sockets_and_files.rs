//! Sockets that the loop's driver makes, datagrams, and files with and without threads.

use std::{
    io::{ErrorKind, Read},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    rc::Rc,
};

use roundel_loop::{
    Address, Attached, Buffer, Completion, EventLoop, Family, File, LoopHandle, OpenOptions,
    Outcome, Socket, SocketKind, SocketOption, SocketOptionName,
};

fn loopback() -> Address {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()
}

fn bound(handle: &LoopHandle, kind: SocketKind) -> (Attached<Socket>, Address) {
    let socket = handle.socket(Family::V4, kind).unwrap();
    socket.bind(&loopback()).unwrap();
    let address = socket.local_address().unwrap();
    (handle.attach(socket), address)
}

// spec: LPK-06
#[test]
fn what_is_accepted_does_not_block_whoever_reads_it() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (listener, address) = bound(&handle, SocketKind::Stream);
    listener.socket().listen(16).unwrap();
    let client = handle.socket(Family::V4, SocketKind::Stream).unwrap();
    let connecting = handle.attach(client.clone());
    let accepted = event_loop
        .run_until_complete(async {
            connecting.connect(address).await.unwrap();
            listener.accept().await.unwrap()
        })
        .unwrap();
    drop(connecting);
    let Outcome::Accepted(accepted) = accepted else { panic!("{accepted:?}") };
    assert_eq!(accepted.peer_address().unwrap(), client.local_address().unwrap());
    let descriptors = [accepted, client].map(|socket| socket.try_into_fd().expect("the only one"));
    for mut stream in descriptors.map(TcpStream::from).iter() {
        let error = stream.read(&mut [0]).expect_err("nothing has come");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

// spec: LPK-02
#[test]
fn a_connection_without_a_descriptor_in_sight() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (listener, address) = bound(&handle, SocketKind::Stream);
    listener.socket().listen(16).unwrap();
    let client = handle.attach(handle.socket(Family::V4, SocketKind::Stream).unwrap());
    let talk = async {
        client.connect(address).await.unwrap();
        let Outcome::Accepted(server) = listener.accept().await.unwrap() else { panic!() };
        server.set(SocketOption::NoDelay(true)).unwrap();
        let server = handle.attach(server);
        let nodelay = server.socket().get(SocketOptionName::NoDelay).unwrap();
        assert_eq!(nodelay, SocketOption::NoDelay(true));

        let parts = vec![Buffer::from(b"two "), Buffer::from(b"parts")];
        client.send_vectored(parts).await.unwrap();
        let received = server.recv_into(Buffer::with_room(100)).await.unwrap();
        assert!(matches!(received, Outcome::Received(data) if *data == *b"two parts"));

        // Closed where that may take its time, which needs a thread.
        let closed = server.close().await.unwrap();
        assert!(matches!(closed, Outcome::Closed));
        let end = client.recv(10).await.unwrap();
        assert!(matches!(end, Outcome::Received(data) if data.is_empty()));
    };
    handle.set_default_executor(|job| drop(std::thread::spawn(job)));
    event_loop.run_until_complete(talk).unwrap();
}

// spec: LPK-03, LPK-04
#[test]
fn an_answer_goes_to_the_sender() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (server, address) = bound(&handle, SocketKind::Datagram);
    let (client, client_address) = bound(&handle, SocketKind::Datagram);
    event_loop
        .run_until_complete(async {
            client.send_to(b"question", address).await.unwrap();
            let Outcome::Datagram(question) = server.recv_from(100).await.unwrap() else {
                panic!("not a datagram")
            };
            assert_eq!(question.from, client_address);
            server.send_to(question.data, question.from).await.unwrap();
            let Outcome::Datagram(answer) = client.recv_from(3).await.unwrap() else {
                panic!("not a datagram")
            };
            assert_eq!((&answer.data[..], answer.truncated), (&b"que"[..], true));
        })
        .unwrap();
}

#[test]
fn a_datagram_that_came_for_a_dropped_future_goes_to_the_next() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (server, address) = bound(&handle, SocketKind::Datagram);
    let (client, _) = bound(&handle, SocketKind::Datagram);
    event_loop
        .run_until_complete(async {
            let given_up = server.recv_from(100);
            client.send_to(b"kept", address).await.unwrap();
            drop(given_up);
            let Outcome::Datagram(kept) = server.recv_from(100).await.unwrap() else {
                panic!("not a datagram")
            };
            assert_eq!(&kept.data[..], b"kept");
        })
        .unwrap();
}

// spec: LPK-01
#[test]
fn what_can_be_done_at_once_is() {
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let (server, address) = bound(&handle, SocketKind::Datagram);
    let (client, _) = bound(&handle, SocketKind::Datagram);
    let sent = client.send_to(b"now", address).try_now();
    assert!(matches!(sent, Ok(Ok(Outcome::Sent(_)))), "{sent:?}");
    let received = server.recv_from(10).try_now();
    assert!(matches!(received, Ok(Ok(Outcome::Datagram(_)))), "{received:?}");
    // Nothing more has come: this has to wait, and the call behind it did not block.
    let pending = server.recv_from(10).try_now().expect_err("nothing has come");
    drop(pending);
    assert_eq!(handle.statistics().turns, 0, "all without a turn of the loop");
}

// spec: LPK-08
#[test]
fn unix_sockets_work_the_same() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let name = Name::new("socket");
    let path = Address::unix(&name.0).unwrap();
    let listener = handle.socket(Family::Unix, SocketKind::Stream).unwrap();
    listener.bind(&path).unwrap();
    listener.listen(16).unwrap();
    let listener = handle.attach(listener);
    let client = handle.attach(handle.socket(Family::Unix, SocketKind::Stream).unwrap());
    event_loop
        .run_until_complete(async {
            client.connect(path.clone()).await.unwrap();
            let Outcome::Accepted(server) = listener.accept().await.unwrap() else { panic!() };
            assert_eq!(client.socket().peer_address().unwrap(), path);
            assert_eq!(server.peer_address().unwrap(), Address::unnamed_unix());
            let server = handle.attach(server);
            client.send(b"hello").await.unwrap();
            let received = server.recv(100).await.unwrap();
            assert!(matches!(received, Outcome::Received(data) if *data == *b"hello"));
        })
        .unwrap();
}

/// A name that nobody has, and no file of this name once it is dropped.
struct Name(PathBuf);

impl Name {
    fn new(role: &str) -> Self {
        Self(std::env::temp_dir().join(format!("roundel-loop-{}-{role}", std::process::id())))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[track_caller]
fn opened(completion: Completion) -> File {
    match completion {
        Ok(Outcome::Opened(file)) => file,
        other => panic!("not opened: {other:?}"),
    }
}

#[test]
fn a_file_is_written_and_read_by_the_executor() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    handle.set_default_executor(|job| drop(std::thread::spawn(job)));
    let name = Name::new("written");
    let options = OpenOptions { read: true, write: true, create_new: true, ..OpenOptions::NONE };
    event_loop
        .run_until_complete(async {
            let file = handle.attach(opened(handle.open(&name.0, options).await));
            file.write_at(0, b"hello world").await.unwrap();
            assert!(matches!(file.sync(false).await, Ok(Outcome::Synced)));
            let read = file.read_at(6, 100).await.unwrap();
            assert!(matches!(read, Outcome::Received(data) if *data == *b"world"));
            let Outcome::Metadata(metadata) = file.metadata().await.unwrap() else { panic!() };
            assert_eq!(metadata.size, 11);
            assert!(file.file().source().is_some());
            assert!(matches!(file.close().await, Ok(Outcome::Closed)));
        })
        .unwrap();
    assert_eq!(std::fs::read(&name.0).unwrap(), b"hello world");
}

#[test]
fn without_an_executor_a_file_says_what_to_do() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let error = event_loop
        .run_until_complete(async { handle.open("/dev/null", OpenOptions::default()).await })
        .unwrap()
        .expect_err("nobody can open it");
    assert_eq!((error.kind(), error.action()), (ErrorKind::Unsupported, "opening a file"));
    assert!(error.io_error().to_string().contains("set_default_executor"), "{error:?}");
}

#[test]
fn an_executor_that_drops_its_jobs_leaves_nobody_waiting() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    handle.set_default_executor(drop);
    let file = handle.attach(File::new(std::fs::File::open("/dev/null").unwrap()));
    let written = event_loop.run_until_complete(file.write_at(0, b"kept")).unwrap();
    let error = written.expect_err("nobody wrote it");
    assert_eq!(error.into_data().as_deref(), Some(&b"kept"[..]));
}

#[test]
fn an_executor_may_use_the_loop() {
    let mut event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    let used = Rc::new(std::cell::Cell::new(0));
    let (inner, count) = (handle.clone(), Rc::clone(&used));
    // It runs the job at once, and calls back into the loop and its driver meanwhile.
    handle.set_default_executor(move |job| {
        job();
        drop(inner.socket(Family::V4, SocketKind::Stream).unwrap());
        let count = Rc::clone(&count);
        inner.call_soon(move || count.set(count.get() + 1));
    });
    let open = handle.open("/dev/null", OpenOptions::default());
    opened(event_loop.run_until_complete(open).unwrap());
    assert_eq!(used.get(), 1);
}
