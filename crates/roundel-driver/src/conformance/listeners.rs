//! Listening, accepting and connecting.

use std::io::ErrorKind;

use super::{
    Check,
    subject::{Subject, accepted, data, recv},
};
use crate::{Operation, Outcome, SocketKind, Submitted};

pub(super) const CHECKS: &[Check] = &[
    ("accepts and connects", accepts_and_connects),
    ("accepts a burst", accepts_a_burst),
    ("a refused connection is an error", a_refused_connection_is_an_error),
    ("a refused connect is told beside a receive", a_refused_connect_is_told_beside_a_receive),
    ("a cancelled connect can be waited for again", a_cancelled_connect_can_be_waited_for),
    ("an accepted connection is not lost by a late cancel", a_late_cancel_of_an_accept),
    ("both ends know both addresses", both_ends_know_both_addresses),
];

fn accepts_and_connects(on: &mut Subject<'_>) {
    let (listener, address) = on.listener();
    let accepting = on.pending(Operation::Accept { source: listener });
    let (client, _) = on.socket(SocketKind::Stream);
    let connected = on.complete(Operation::Connect { source: client, address: address.into() });
    assert!(matches!(connected, Ok(Outcome::Connected)), "{connected:?}");
    let [completion] = on.finish([accepting]);
    let server = on.attach_socket(accepted(completion));
    on.send(client, b"hi");
    assert_eq!(data(on.complete(recv(server, 10))), b"hi");
}

fn accepts_a_burst(on: &mut Subject<'_>) {
    let (listener, address) = on.listener();
    let first = on.pending(Operation::Accept { source: listener });
    let clients = [(); 50].map(|()| on.socket(SocketKind::Stream).0);
    for source in clients {
        let connected = on.complete(Operation::Connect { source, address: address.clone().into() });
        assert!(matches!(connected, Ok(Outcome::Connected)), "{connected:?}");
    }
    let [completion] = on.finish([first]);
    drop(accepted(completion));
    for _ in 1..clients.len() {
        drop(accepted(on.complete(Operation::Accept { source: listener })));
    }
}

fn a_refused_connection_is_an_error(on: &mut Subject<'_>) {
    let (listener, address) = on.listener();
    on.detach(listener);
    let (source, _) = on.socket(SocketKind::Stream);
    let error = on.complete(Operation::Connect { source, address: address.clone().into() });
    let error = error.expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(error.action(), "connecting a socket");
    assert_eq!(error.to_string(), format!("connecting a socket to {address}"));
}

fn a_refused_connect_is_told_beside_a_receive(on: &mut Subject<'_>) {
    let (listener, address) = on.listener();
    on.detach(listener);
    let (source, _) = on.socket(SocketKind::Stream);
    let connecting = on.begin(Operation::Connect { source, address: address.into() });
    let receiving = on.begin(recv(source, 10));
    // One of the two is told why; both end.
    for begun in [receiving, connecting] {
        let completion = on.end(begun);
        if let Ok(Outcome::Received(rest)) = &completion {
            assert!(rest.is_empty(), "an end, after the error was told");
        } else {
            completion.expect_err("nobody listens");
        }
    }
}

fn a_cancelled_connect_can_be_waited_for(on: &mut Subject<'_>) {
    let (_listener, address) = on.listener();
    let (source, socket) = on.socket(SocketKind::Stream);
    let connect = || Operation::Connect { source, address: address.clone().into() };
    if let Submitted::Pending(key) = on.submit(connect()) {
        assert!(on.cancel(key));
        let completion = on.complete(connect());
        // Or it had come about before anybody asked again, which is an error of connect(2).
        let connected = matches!(&completion, Ok(Outcome::Connected))
            || completion.is_err() && socket.peer_address().is_ok();
        assert!(connected, "{completion:?}");
    }
}

fn a_late_cancel_of_an_accept(on: &mut Subject<'_>) {
    let (listener, address) = on.listener();
    let key = on.pending(Operation::Accept { source: listener });
    let (client, _) = on.socket(SocketKind::Stream);
    let connected = on.complete(Operation::Connect { source: client, address: address.into() });
    assert!(matches!(connected, Ok(Outcome::Connected)), "{connected:?}");
    on.until_reported(&[key]);
    assert!(on.cancel(key));
    let socket = accepted(on.complete(Operation::Accept { source: listener }));
    on.send(client, b"hi");
    let server = on.attach_socket(socket);
    assert_eq!(data(on.complete(recv(server, 10))), b"hi");
}

fn both_ends_know_both_addresses(on: &mut Subject<'_>) {
    let [(_, ours), (_, theirs)] = on.connection();
    assert_eq!(ours.local_address().unwrap(), theirs.peer_address().unwrap());
    assert_eq!(ours.peer_address().unwrap(), theirs.local_address().unwrap());
    assert_ne!(ours.local_address().unwrap(), theirs.local_address().unwrap());
}
