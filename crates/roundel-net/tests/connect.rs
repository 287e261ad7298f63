//! Connecting: in which order, from where, and what the error tells.

mod support;

use std::{io, net::SocketAddr, rc::Rc, time::Duration};

use roundel_executor::{sleep, spawn};
use roundel_loop::{KeepAlive, LoopHandle, SocketOption, SocketOptionName};
use roundel_net::{Answer, ConnectError, ConnectOptions, Listener, RESOLVER, Resolver, connect};
use roundel_sim::Network;

use support::{
    MS, address_of, listen, millis_since, on_both, receive, run_on, send, simulated_loop,
};

/// Knows one name.
#[derive(Debug)]
struct Known(Vec<SocketAddr>);

impl Resolver for Known {
    fn look_up<'a>(&'a self, host: &'a str, _port: u16) -> Answer<'a> {
        assert_eq!(host, "example.org");
        Box::pin(async { Ok(self.0.clone()) })
    }
}

fn known(addresses: &[SocketAddr]) -> Rc<dyn Resolver> {
    Rc::new(Known(addresses.to_vec()))
}

async fn refusing() -> SocketAddr {
    address_of(&listen().await)
}

// spec: NET-01, SRV-01
#[test]
fn a_connection_is_ready_for_use_when_it_is_given() {
    on_both(|| async {
        let listener = listen().await;
        let ours = connect(address_of(&listener)).await.unwrap();
        send(&ours, "hello").await;
        let theirs = listener.accept().await.unwrap();
        assert_eq!(receive(&theirs).await, b"hello");
        assert_eq!((ours.peer(), &ours.local()), (&theirs.local(), theirs.peer()));
    });
}

// spec: NET-03
#[test]
fn addresses_are_tried_in_order_and_the_first_success_wins() {
    on_both(|| async {
        let (first, second) = (listen().await, listen().await);
        let addresses = [refusing().await, address_of(&first), address_of(&second)];
        let connected = RESOLVER.scope(known(&addresses), connect("example.org:1")).await.unwrap();
        assert_eq!(connected.peer().inet(), Some(addresses[1]));

        let nothing = RESOLVER.scope(known(&[]), connect("example.org:1")).await.unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::NotFound);
        assert_eq!(nothing.to_string(), "connecting to example.org:1");
    });
}

fn in_full(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", in_full(cause)));
    format!("{error}{}", cause.unwrap_or_default())
}

// spec: NET-04, LPK-05
#[test]
fn an_error_tells_of_every_address_once_if_they_agree() {
    on_both(|| async {
        let addresses = [refusing().await, refusing().await];
        let one = connect(addresses[0]).await.unwrap_err();
        let why = format!("connecting a socket to {}: Connection refused", addresses[0]);
        assert!(in_full(&one).contains(&why), "{}", in_full(&one));
        assert_eq!(one.kind(), io::ErrorKind::ConnectionRefused);

        let both = RESOLVER.scope(known(&addresses), connect("example.org:1")).await.unwrap_err();
        assert_eq!(both.failures().len(), 2);
        assert!(in_full(&both).starts_with(&format!("connecting to example.org:1: {why}")));
        assert!(!in_full(&both).contains(&addresses[1].to_string()));
        assert_eq!(in_full(&both).matches("refused").count(), 1);

        // With reasons that differ, each is told.
        let mut options = ConnectOptions::default();
        options.local = vec![([127, 0, 0, 1], 0).into()];
        let addresses = [addresses[0], SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 1))];
        let connecting = options.connect("example.org:1");
        let differ = RESOLVER.scope(known(&addresses), connecting).await.unwrap_err();
        let text = in_full(&differ);
        assert!(
            text.contains(&why) && text.contains("[::1]:1: no local address of its family"),
            "{text}"
        );
    });
}

// spec: NET-06
#[test]
fn a_local_address_is_the_first_of_the_family_that_can_be_bound() {
    on_both(|| async {
        let listener = listen().await;
        let taken = address_of(&listener);
        let mut options = ConnectOptions::default();
        let of_another_family = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0));
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        options.local = vec![of_another_family, taken, free];
        let connection = options.connect(taken).await.unwrap();
        assert_eq!(connection.local().inet().unwrap().ip(), free.ip());
        assert_ne!(connection.local().inet(), Some(taken));

        options.local = vec![taken];
        assert_eq!(options.connect(taken).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        options.local = vec![of_another_family];
        let none = options.connect(taken).await.unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::AddrNotAvailable);
    });
}

#[test]
fn options_reach_the_socket() {
    on_both(|| async {
        let listener = listen().await;
        let mut options = ConnectOptions::default();
        options.no_delay = false;
        options.keep_alive = Some(KeepAlive::default());
        let connection = options.connect(address_of(&listener)).await.unwrap();
        let socket = connection.socket().socket();
        assert_eq!(socket.get(SocketOptionName::NoDelay).unwrap(), SocketOption::NoDelay(false));
        let SocketOption::KeepAlive(keep_alive) = socket.get(SocketOptionName::KeepAlive).unwrap()
        else {
            unreachable!()
        };
        assert!(keep_alive.is_some());
    });
}

/// A network with two more hosts that answer nothing.
fn with_silent_hosts() -> (roundel_loop::EventLoop, Network, [SocketAddr; 2]) {
    let (event_loop, network) = simulated_loop();
    let silent = ["silent", "mute"].map(|name| {
        let host = network.add_host(name);
        network.power_off(host);
        host
    });
    let addresses = [network.address(silent[0]), network.address_v6(silent[1])];
    (event_loop, network, addresses.map(|address| SocketAddr::new(address, 80)))
}

// spec: NET-08
#[test]
fn silent_addresses_delay_the_one_that_answers_by_a_quarter_of_a_second_each() {
    let (mut event_loop, network, [silent, mute]) = with_silent_hosts();
    run_on(&mut event_loop, async move {
        let listener = listen().await;
        let answers = address_of(&listener);
        let start = LoopHandle::current().now();
        let connecting = RESOLVER.scope(known(&[silent, answers, mute]), connect("example.org:80"));
        let connected = connecting.await.unwrap();
        assert_eq!(connected.peer().inet(), Some(answers));
        // Families take turns: silent, mute, answers.
        assert_eq!(millis_since(start), 500);
    });
    assert_eq!(network.open_sockets(), 0);
}

// spec: NET-05, NET-08
#[test]
fn limits_end_attempts_and_all_of_it_and_nothing_is_left() {
    let (mut event_loop, network, [silent, mute]) = with_silent_hosts();
    run_on(&mut event_loop, async move {
        let mut options = ConnectOptions::default();
        options.attempt_limit = Some(Duration::from_secs(3));
        let start = LoopHandle::current().now();
        let connecting = RESOLVER.scope(known(&[silent, mute]), options.connect("example.org:80"));
        let failed = connecting.await.unwrap_err();
        assert_eq!(millis_since(start), 3250);
        assert_eq!(failed.failures().len(), 2);
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        assert!(in_full(&failed).ends_with(&format!("{silent}: no answer within 3s")));

        options.limit = Some(Duration::from_secs(1));
        let start = LoopHandle::current().now();
        let elapsed = options.connect(silent).await.unwrap_err();
        assert!(matches!(elapsed, ConnectError::Elapsed { .. }));
        assert_eq!(millis_since(start), 1000);

        // A cancel closes them too.
        let connecting = spawn(RESOLVER.scope(known(&[silent, mute]), connect("example.org:80")));
        sleep(300 * MS).await;
        connecting.cancel();
        assert!(connecting.await.is_err());
    });
    assert_eq!(network.open_sockets(), 0);
}

#[test]
fn what_is_no_host_and_port_is_told() {
    on_both(|| async {
        let error = connect("localhost").await.unwrap_err();
        assert_eq!(
            in_full(&error),
            "connecting to localhost: resolving \"localhost\": expected host:port"
        );
        assert!(Listener::bind("localhost").await.is_err());
    });
}
