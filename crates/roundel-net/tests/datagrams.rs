//! Datagrams: bound and connected sockets, broadcast, Unix sockets, and what is refused.

mod support;

use std::{io, net::SocketAddr, rc::Rc};

use roundel_executor::spawn;
use roundel_loop::{Address, Family, LoopHandle, SocketKind, SocketOption, SocketOptionName};
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
    cancel_at_every_await(|cut| {
        run(async {
            let (_server, address) = bound().await;
            if let Some(connected) = cut.short(DatagramSocket::connect(address)).await {
                connected.unwrap();
            }
        });
    });
}
