//! Datagrams: bound and connected sockets, broadcast, Unix sockets, and what is refused.

mod support;

use std::{cell::Cell, io, net::SocketAddr, rc::Rc};

use roundel_executor::{spawn, yield_now};
use roundel_loop::{
    Address, Datagram, Family, LoopHandle, OperationError, SocketKind, SocketOption,
    SocketOptionName,
};
use roundel_net::{Answer, DatagramOptions, DatagramSocket, RESOLVER, Resolver};
use roundel_sim::cancel_at_every_await;

use support::{on_both, run, run_on, simulated_loop};

async fn bound() -> (DatagramSocket, SocketAddr) {
    let socket = DatagramSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local().inet().unwrap();
    (socket, address)
}

#[test]
fn messages_come_one_by_one_with_their_sender() {
    on_both(|| async {
        let (server, address) = bound().await;
        let (one, of_one) = bound().await;
        let other = DatagramSocket::connect(address).await.unwrap();
        assert_eq!(other.peer(), Some(address.into()));
        one.send_to(b"from one", address).await.unwrap();
        let first = server.recv_from(100).await.unwrap();
        assert_eq!((&first.data[..], first.from.inet()), (&b"from one"[..], Some(of_one)));
        other.send(b"from another").await.unwrap();
        let second = server.recv_from(100).await.unwrap();
        assert_eq!((&second.data[..], &second.from), (&b"from another"[..], &other.local()));
        server.send_to(second.data, second.from).await.unwrap();
        assert_eq!(other.recv(4).await.unwrap()[..], *b"from");
    });
}

#[test]
fn a_connected_socket_hears_its_peer_only_and_of_its_absence() {
    run(async {
        let (_, nobody) = bound().await;
        let socket = DatagramSocket::connect(nobody).await.unwrap();
        socket.send(b"hello?").await.unwrap();
        let refused = socket.recv(100).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);

        let (peer, of_peer) = bound().await;
        let (stranger, _) = bound().await;
        let socket = DatagramSocket::connect(of_peer).await.unwrap();
        stranger.send_to(b"from a stranger", socket.local()).await.unwrap();
        peer.send_to(b"from the peer", socket.local()).await.unwrap();
        assert_eq!(socket.recv(100).await.unwrap()[..], *b"from the peer");
    });
}

/// Knows one name.
#[derive(Debug)]
struct Known(Vec<SocketAddr>);

impl Resolver for Known {
    fn look_up<'a>(&'a self, _host: &'a str, _port: u16) -> Answer<'a> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

// spec: NET-29
#[test]
fn both_ends_are_of_one_family_and_the_first_error_is_told() {
    on_both(|| async {
        let (_server, four) = bound().await;
        let six = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], four.port()));
        let mut options = DatagramOptions::default();
        options.local = vec![([127, 0, 0, 1], 0).into()];
        let none = options.connect(six).await.unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::AddrNotAvailable);

        // Of a name's addresses, the first that will do.
        let known = Rc::new(Known(vec![six, four]));
        let socket = RESOLVER.scope(known, options.connect("example.org:1")).await.unwrap();
        assert_eq!(socket.peer(), Some(four.into()));

        options.local = vec![four];
        let taken = options.connect(four).await.unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        let taken = DatagramSocket::bind(four).await.unwrap_err();
        assert_eq!(taken.to_string(), format!("binding a socket to {four}"));
    });
}

// spec: NET-29
#[test]
fn with_broadcast_a_socket_sends_to_its_peer_and_hears_everybody() {
    on_both(|| async {
        let (_peer, of_peer) = bound().await;
        let (stranger, _) = bound().await;
        let mut options = DatagramOptions::default();
        options.broadcast = true;
        options.local = vec![([127, 0, 0, 1], 0).into()];
        let socket = options.connect(of_peer).await.unwrap();
        let option = socket.socket().socket().get(SocketOptionName::Broadcast).unwrap();
        assert_eq!(option, SocketOption::Broadcast(true));
        socket.send(b"to the peer").await.unwrap();
        assert_eq!(_peer.recv(100).await.unwrap()[..], *b"to the peer");
        stranger.send_to(b"from a stranger", socket.local()).await.unwrap();
        assert_eq!(socket.recv(100).await.unwrap()[..], *b"from a stranger");
    });
}

// spec: NET-29
#[test]
fn unix_sockets_take_paths_and_leave_no_file() {
    on_both(|| async {
        let path = std::env::temp_dir().join(format!("roundel-datagrams-{}", std::process::id()));
        let server = DatagramSocket::bind_unix(&path).unwrap();
        let client = DatagramSocket::unix().unwrap();
        client.send_to(b"hello", Address::unix(&path).unwrap()).await.unwrap();
        assert_eq!(server.recv(100).await.unwrap()[..], *b"hello");
        drop(server);
        assert!(!path.exists());
    });
}

// spec: NET-28
#[test]
fn a_socket_made_elsewhere_has_to_be_one_for_datagrams() {
    run(async {
        let handle = LoopHandle::current();
        let stream = handle.socket(Family::V4, SocketKind::Stream).unwrap();
        assert!(DatagramSocket::from_socket(stream).is_err());
        let datagram = handle.socket(Family::V4, SocketKind::Datagram).unwrap();
        datagram.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let socket = DatagramSocket::from_socket(datagram).unwrap();
        socket.send_to(b"to myself", socket.local()).await.unwrap();
        assert_eq!(socket.recv(100).await.unwrap()[..], *b"to myself");
    });
}

/// Sent whole or not at all, in order: however far a batch of sends gets.
#[test]
fn a_dropped_batch_is_sent_from_its_begin_as_far_as_it_got() {
    let round = async |cut: roundel_sim::Cut| {
        let (server, address) = bound().await;
        let client = DatagramSocket::connect(address).await.unwrap();
        let messages = ["one", "two", "three"].map(|text| text.as_bytes().to_vec());
        let sent = cut.short(client.send_batch(messages)).await;
        if sent.is_some() {
            let (received, _) = received_in_batches(&server, 3).await.unwrap();
            assert_eq!(received[2].data[..], *b"three");
        }
        // Behind what had gone by then.
        client.send(b"next").await.unwrap();
        let mut before = Vec::new();
        loop {
            match &server.recv(100).await.unwrap()[..] {
                b"next" => break,
                text => before.push(text.to_vec()),
            }
        }
        assert!(["one", "two", "three"].map(|text| text.as_bytes().to_vec()).starts_with(&before));
    };
    cancel_at_every_await(|cut| run(round(cut)));
    cancel_at_every_await(|cut| run_on(&mut simulated_loop().0, round(cut)));
    cancel_at_every_await(|cut| {
        run(async {
            let name = format!("\0roundel-cut-{}-{}", std::process::id(), cut.at());
            let _server = DatagramSocket::bind_unix(&name).unwrap();
            if let Some(connected) = cut.short(DatagramSocket::connect_unix(&name)).await {
                connected.unwrap();
            }
        });
    });
}

/// Receives in batches until so many messages are there; also how many batches that took.
async fn received_in_batches(
    socket: &DatagramSocket,
    count: usize,
) -> Result<(Vec<Datagram>, usize), OperationError> {
    let (mut all, mut batches) = (Vec::new(), 0);
    while all.len() < count {
        let before = all.len();
        let received = socket.recv_batch(100, 4, &mut all).await?;
        assert!((1..=4).contains(&received) && all.len() == before + received);
        batches += 1;
    }
    Ok((all, batches))
}

#[test]
fn batches_go_and_come_in_order_bound_connected_or_with_broadcast() {
    on_both(|| async {
        let (server, address) = bound().await;
        let texts: Vec<String> = (0..20).map(|nth| format!("number {nth}")).collect();
        let connected = DatagramSocket::connect(address).await.unwrap();
        let mut options = DatagramOptions::default();
        options.broadcast = true;
        options.local = vec![([127, 0, 0, 1], 0).into()];
        let broadcasting = options.connect(address).await.unwrap();
        let (free, _) = bound().await;
        for socket in [&connected, &broadcasting, &free] {
            let messages = texts.iter().map(|text| text.clone().into_bytes());
            let sent = match socket.peer() {
                Some(_) => socket.send_batch(messages).await,
                None => socket.send_batch_to(messages.map(|text| (text, address))).await,
            };
            let sent: Vec<_> = sent.into_iter().map(|buffer| buffer.unwrap().to_vec()).collect();
            assert_eq!(sent, texts.iter().map(|text| text.as_bytes()).collect::<Vec<_>>());
            let (received, batches) = received_in_batches(&server, 20).await.unwrap();
            assert!(batches >= 5, "never more than was asked for");
            for (datagram, text) in received.iter().zip(&texts) {
                assert_eq!(String::from_utf8_lossy(&datagram.data), *text);
                assert_eq!(datagram.from, socket.local());
            }
        }
        assert_eq!(server.recv_batch(100, 0, &mut Vec::new()).await.unwrap(), 0);
        let nothing: [(Vec<u8>, SocketAddr); 0] = [];
        assert!(free.send_batch_to(nothing).await.is_empty());
    });
}

/// One message after the other would be 32 times as many operations, and as many calls.
#[test]
#[cfg(target_os = "linux")]
fn a_batch_that_is_there_comes_whole() {
    run(async {
        let (server, address) = bound().await;
        let client = DatagramSocket::connect(address).await.unwrap();
        let mut received = Vec::new();
        for batch in 1..=3 {
            let sent = client.send_batch((0..32).map(|nth| vec![nth; 10])).await;
            assert_eq!(sent.into_iter().filter(Result::is_ok).count(), 32);
            assert_eq!(server.recv_batch(100, 32, &mut received).await.unwrap(), 32);
            assert_eq!(received.len(), 32 * batch);
        }
        // More than one call brings are no error.
        client.send_batch((0..100).map(|nth| vec![nth; 10])).await;
        assert_eq!(server.recv_batch(100, 100, &mut received).await.unwrap(), 64);
        assert_eq!(server.recv_batch(100, 100, &mut received).await.unwrap(), 36);
    });
}

#[test]
fn what_of_a_batch_cannot_be_sent_is_told_in_its_place_with_its_bytes() {
    on_both(|| async {
        let (server, address) = bound().await;
        let socket = DatagramSocket::connect(address).await.unwrap();
        let sent = socket.send_batch([vec![1; 10], vec![2; 100_000], vec![3; 10]]).await;
        let told: Vec<bool> = sent.iter().map(Result::is_ok).collect();
        assert_eq!(told, [true, false, true]);
        let refused = sent.into_iter().nth(1).unwrap().unwrap_err();
        assert_eq!(refused.into_data().unwrap(), vec![2; 100_000]);
        let (received, _) = received_in_batches(&server, 2).await.unwrap();
        assert_eq!([received[0].data[0], received[1].data[0]], [1, 3]);
    });
}

#[test]
fn an_error_among_messages_costs_none_of_them() {
    run(async {
        let (server, address) = bound().await;
        let socket = DatagramSocket::connect(address).await.unwrap();
        let of_socket = socket.local();
        for text in ["one", "two"] {
            server.send_to(text.as_bytes(), of_socket.clone()).await.unwrap();
        }
        drop(server);
        socket.send(b"gone?").await.unwrap();
        let (mut received, mut errors) = (Vec::new(), Vec::new());
        while received.len() < 2 || errors.is_empty() {
            errors.extend(socket.recv_batch(100, 10, &mut received).await.err());
        }
        assert_eq!([&received[0].data[..], &received[1].data[..]], [b"one", b"two"]);
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].kind(), io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_flood_leaves_the_rest_of_the_loop_its_turns() {
    // Simulated time stands still while anybody has a turn.
    run(async {
        let (socket, address) = bound().await;
        let turns = Rc::new(Cell::new(0));
        let other = spawn({
            let turns = Rc::clone(&turns);
            async move {
                loop {
                    turns.set(turns.get() + 1);
                    yield_now().await;
                }
            }
        });
        // Always one there: a socket that floods itself.
        for _ in 0..500 {
            socket.send_to(b"flood", address).await.unwrap();
            socket.recv(100).await.unwrap();
        }
        assert!(turns.get() >= 10, "{} turns", turns.get());
        other.cancel();
        let _ = other.await;
    });
}

#[test]
fn no_message_is_lost_or_doubled_at_any_await() {
    let round = async |cut: roundel_sim::Cut| {
        let (server, address) = bound().await;
        let server = Rc::new(server);
        let receiving = spawn({
            let server = Rc::clone(&server);
            async move { cut.short(async { server.recv_from(100).await }).await }
        });
        roundel_executor::sleep(support::MS).await;
        let client = DatagramSocket::connect(address).await.unwrap();
        for text in ["one", "two"] {
            client.send(text.as_bytes()).await.unwrap();
        }
        let mut received = Vec::new();
        received.extend(receiving.await.unwrap().map(Result::unwrap));
        while received.len() < 2 {
            received.push(server.recv_from(100).await.unwrap());
        }
        let received: Vec<&[u8]> = received.iter().map(|datagram| &datagram.data[..]).collect();
        assert_eq!(received, [b"one", b"two"]);
    };
    cancel_at_every_await(|cut| run(round(cut)));
    cancel_at_every_await(|cut| run_on(&mut simulated_loop().0, round(cut)));
    let round = async |cut: roundel_sim::Cut| {
        let (server, address) = bound().await;
        let client = DatagramSocket::connect(address).await.unwrap();
        let mut received = Vec::new();
        let drip = spawn(async move {
            for text in ["one", "two", "three", "four"] {
                client.send_batch([text.as_bytes().to_vec()]).await.pop().unwrap().unwrap();
                roundel_executor::sleep(support::MS).await;
            }
        });
        cut.short(async {
            while received.len() < 4 {
                server.recv_batch(100, 3, &mut received).await.unwrap();
            }
        })
        .await;
        while received.len() < 4 {
            server.recv_batch(100, 3, &mut received).await.unwrap();
        }
        drip.await.unwrap();
        let received: Vec<&[u8]> = received.iter().map(|datagram| &datagram.data[..]).collect();
        assert_eq!(received, ["one", "two", "three", "four"].map(str::as_bytes));
    };
    cancel_at_every_await(|cut| run(round(cut)));
    cancel_at_every_await(|cut| run_on(&mut simulated_loop().0, round(cut)));
    cancel_at_every_await(|cut| {
        run(async {
            let (_server, address) = bound().await;
            if let Some(connected) = cut.short(DatagramSocket::connect(address)).await {
                connected.unwrap();
            }
        });
    });
}
