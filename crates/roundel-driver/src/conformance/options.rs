//! What a socket answers at once: its addresses and options.

use std::{io::ErrorKind, time::Duration};

use super::{Check, subject::Subject};
use crate::{KeepAlive, SocketKind, SocketOption, SocketOptionName};

pub(super) const CHECKS: &[Check] = &[
    ("an option that is set is read back", an_option_is_read_back),
    ("keep-alive can be set in parts", keep_alive_in_parts),
    ("a buffer is at least as large as asked for", a_buffer_is_as_large_as_asked),
    ("a bound socket knows its port", a_bound_socket_knows_its_port),
    ("an address is taken once", an_address_is_taken_once),
    ("an unconnected socket has no peer", an_unconnected_socket_has_no_peer),
    ("a clone is the same socket", a_clone_is_the_same_socket),
    ("without a failure no error is pending", no_error_is_pending),
];

fn an_option_is_read_back(on: &mut Subject<'_>) {
    use SocketOptionName as Name;
    let probes = KeepAlive {
        idle: Some(Duration::from_secs(70)),
        interval: Some(Duration::from_secs(7)),
        probes: Some(3),
    };
    let rows = [
        (Name::NoDelay, SocketOption::NoDelay(true), SocketOption::NoDelay(false)),
        (Name::KeepAlive, SocketOption::KeepAlive(Some(probes)), SocketOption::KeepAlive(None)),
        (Name::ReuseAddress, SocketOption::ReuseAddress(true), SocketOption::ReuseAddress(false)),
        (Name::ReusePort, SocketOption::ReusePort(true), SocketOption::ReusePort(false)),
        (Name::Broadcast, SocketOption::Broadcast(true), SocketOption::Broadcast(false)),
        (
            Name::Linger,
            SocketOption::Linger(Some(Duration::from_secs(5))),
            SocketOption::Linger(None),
        ),
        (Name::TimeToLive, SocketOption::TimeToLive(7), SocketOption::TimeToLive(200)),
    ];
    let (_, socket) = on.socket(SocketKind::Stream);
    for (name, one, other) in rows {
        for option in [one, other, one] {
            socket.set(option).unwrap();
            assert_eq!(socket.get(name).unwrap(), option);
        }
    }
}

fn keep_alive_in_parts(on: &mut Subject<'_>) {
    let (_, socket) = on.socket(SocketKind::Stream);
    let part = KeepAlive { idle: Some(Duration::from_secs(99)), ..KeepAlive::default() };
    socket.set(SocketOption::KeepAlive(Some(part))).unwrap();
    let SocketOption::KeepAlive(Some(all)) = socket.get(SocketOptionName::KeepAlive).unwrap()
    else {
        panic!("keep-alive is on")
    };
    assert_eq!(all.idle, part.idle);
    assert!(all.interval.is_some() && all.probes.is_some(), "the system's own: {all:?}");
}

fn a_buffer_is_as_large_as_asked(on: &mut Subject<'_>) {
    let (_, socket) = on.socket(SocketKind::Stream);
    socket.set(SocketOption::SendBuffer(20_000)).unwrap();
    socket.set(SocketOption::ReceiveBuffer(30_000)).unwrap();
    let sizes = [SocketOptionName::SendBuffer, SocketOptionName::ReceiveBuffer];
    let [SocketOption::SendBuffer(send), SocketOption::ReceiveBuffer(receive)] =
        sizes.map(|name| socket.get(name).unwrap())
    else {
        panic!("the options of these names")
    };
    assert!(send >= 20_000 && receive >= 30_000, "{send}, {receive}");
}

fn a_bound_socket_knows_its_port(on: &mut Subject<'_>) {
    for kind in [SocketKind::Stream, SocketKind::Datagram] {
        let (_, socket, address) = on.bound(kind);
        let inet = address.inet().expect("an IPv4 address");
        assert!(inet.ip().is_loopback() && inet.port() != 0, "{address}");
        assert_eq!(socket.local_address().unwrap(), address);
    }
}

fn an_address_is_taken_once(on: &mut Subject<'_>) {
    let (_listener, address) = on.listener();
    let (_, second) = on.socket(SocketKind::Stream);
    let error = second.bind(&address).expect_err("somebody listens there");
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert_eq!(error.to_string(), format!("binding a socket to {address}"));
    assert_eq!(error.address(), Some(&address));
}

fn an_unconnected_socket_has_no_peer(on: &mut Subject<'_>) {
    let (_, socket) = on.socket(SocketKind::Stream);
    assert_eq!(socket.peer_address().expect_err("nobody").kind(), ErrorKind::NotConnected);
    let shut = socket.shutdown(std::net::Shutdown::Both);
    assert_eq!(shut.expect_err("nothing to end").kind(), ErrorKind::NotConnected);
}

fn a_clone_is_the_same_socket(on: &mut Subject<'_>) {
    let (_, socket) = on.socket(SocketKind::Stream);
    let clone = socket.clone();
    socket.set(SocketOption::NoDelay(true)).unwrap();
    assert_eq!(clone.get(SocketOptionName::NoDelay).unwrap(), SocketOption::NoDelay(true));
    assert!(socket.try_into_fd().is_err(), "it is shared");
}

fn no_error_is_pending(on: &mut Subject<'_>) {
    let [(_, ours), _] = on.connection();
    assert!(ours.take_error().unwrap().is_none());
}
