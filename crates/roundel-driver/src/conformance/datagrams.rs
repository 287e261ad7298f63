//! Messages, each by itself.

use super::{
    Check,
    subject::{Subject, data, recv},
};
use crate::{Address, Buffer, Completion, Datagram, Operation, Outcome, SocketKind, SourceId};

pub(super) const CHECKS: &[Check] = &[
    ("a datagram comes with its sender", a_datagram_comes_with_its_sender),
    ("an answer goes to whoever asked", an_answer_goes_to_whoever_asked),
    ("datagrams come one by one and in order", one_by_one_and_in_order),
    ("an empty datagram is one", an_empty_datagram_is_one),
    ("what was cut off is told", what_was_cut_off_is_told),
    ("a connected socket names nobody", a_connected_socket_names_nobody),
    ("a datagram of several buffers is one", of_several_buffers_is_one),
    ("a datagram is not lost by a late cancel", a_late_cancel_loses_nothing),
    ("a waiting datagram receive holds no buffer", a_waiting_receive_holds_no_buffer),
    ("a datagram too long is an error that returns it", too_long_is_an_error),
];

impl Subject<'_> {
    #[track_caller]
    fn send_to(&mut self, source: SourceId, data: impl Into<Buffer>, to: &Address) {
        let to = Box::new(to.clone());
        let completion = self.complete(Operation::SendTo { source, data: data.into(), to });
        assert!(matches!(completion, Ok(Outcome::Sent(_))), "{completion:?}");
    }
}

fn recv_from(source: SourceId, at_most: usize) -> Operation {
    Operation::RecvFrom { source, at_most }
}

#[track_caller]
fn datagram(completion: Completion) -> Datagram {
    match completion {
        Ok(Outcome::Datagram(datagram)) => *datagram,
        other => panic!("no datagram: {other:?}"),
    }
}

// spec: LPK-03
fn a_datagram_comes_with_its_sender(on: &mut Subject<'_>) {
    let (ours, _, our_address) = on.bound(SocketKind::Datagram);
    let (theirs, _, their_address) = on.bound(SocketKind::Datagram);
    let key = on.pending(recv_from(ours, 100));
    on.send_to(theirs, b"hello", &our_address);
    let [completion] = on.finish([key]);
    let Datagram { data, from, truncated } = datagram(completion);
    assert_eq!((&data[..], from, truncated), (&b"hello"[..], their_address, false));
}

fn an_answer_goes_to_whoever_asked(on: &mut Subject<'_>) {
    let (server, _, address) = on.bound(SocketKind::Datagram);
    // Not bound: the first datagram finds them an address.
    let clients = [(); 3].map(|()| on.socket(SocketKind::Datagram).0);
    for (n, client) in clients.into_iter().enumerate() {
        on.send_to(client, &[n as u8], &address);
    }
    for _ in clients {
        let question = datagram(on.complete(recv_from(server, 100)));
        on.send_to(server, &[question.data[0] + 100], &question.from);
    }
    for (n, client) in clients.into_iter().enumerate() {
        assert_eq!(&datagram(on.complete(recv_from(client, 100))).data[..], [n as u8 + 100]);
    }
}

fn one_by_one_and_in_order(on: &mut Subject<'_>) {
    let (ours, _, address) = on.bound(SocketKind::Datagram);
    let (theirs, _) = on.socket(SocketKind::Datagram);
    let keys = [(); 3].map(|()| on.pending(recv_from(ours, 100)));
    for message in ["one", "two", "three", "four"] {
        on.send_to(theirs, message.as_bytes(), &address);
    }
    let texts = on.finish(keys).map(|completion| datagram(completion).data.to_vec());
    assert_eq!(texts, [&b"one"[..], b"two", b"three"]);
    // A short receive from a datagram socket says nothing of those behind it.
    assert_eq!(data(on.complete(recv(ours, 100))), b"four");
}

fn an_empty_datagram_is_one(on: &mut Subject<'_>) {
    let (ours, _, address) = on.bound(SocketKind::Datagram);
    let (theirs, _) = on.socket(SocketKind::Datagram);
    on.send_to(theirs, b"", &address);
    on.send_to(theirs, b"next", &address);
    assert_eq!(&datagram(on.complete(recv_from(ours, 100))).data[..], b"");
    assert_eq!(&datagram(on.complete(recv_from(ours, 100))).data[..], b"next");
}

fn what_was_cut_off_is_told(on: &mut Subject<'_>) {
    let (ours, _, address) = on.bound(SocketKind::Datagram);
    let (theirs, _) = on.socket(SocketKind::Datagram);
    for message in [&b"1234"[..], b"12345", b"next"] {
        on.send_to(theirs, message, &address);
    }
    for (expected, cut) in [(b"1234", false), (b"1234", true), (b"next", false)] {
        let datagram = datagram(on.complete(recv_from(ours, 4)));
        assert_eq!((&datagram.data[..], datagram.truncated), (&expected[..], cut));
    }
}

fn a_connected_socket_names_nobody(on: &mut Subject<'_>) {
    let (server, _, server_address) = on.bound(SocketKind::Datagram);
    let (client, _, client_address) = on.bound(SocketKind::Datagram);
    let connect = Operation::Connect { source: client, address: server_address.clone().into() };
    let connected = on.complete(connect);
    assert!(matches!(connected, Ok(Outcome::Connected)), "{connected:?}");
    on.send(client, b"question");
    let question = datagram(on.complete(recv_from(server, 100)));
    assert_eq!((&question.data[..], &question.from), (&b"question"[..], &client_address));
    // A third party is not heard.
    let (third, _) = on.socket(SocketKind::Datagram);
    on.send_to(third, b"noise", &client_address);
    on.send_to(server, b"answer", &question.from);
    let answer = datagram(on.complete(recv_from(client, 100)));
    assert_eq!((&answer.data[..], answer.from), (&b"answer"[..], server_address));
}

fn of_several_buffers_is_one(on: &mut Subject<'_>) {
    let (ours, _, address) = on.bound(SocketKind::Datagram);
    let (theirs, _) = on.socket(SocketKind::Datagram);
    let connected = on.complete(Operation::Connect { source: theirs, address: address.into() });
    assert!(matches!(connected, Ok(Outcome::Connected)), "{connected:?}");
    let parts = (0..100).map(|n| vec![n; 3].into()).collect();
    let sent = on.complete(Operation::SendVectored { source: theirs, data: parts });
    assert!(matches!(sent, Ok(Outcome::SentVectored(_))), "{sent:?}");
    assert_eq!(datagram(on.complete(recv_from(ours, 1000))).data.len(), 300);
}

fn a_late_cancel_loses_nothing(on: &mut Subject<'_>) {
    let (ours, _, address) = on.bound(SocketKind::Datagram);
    let (theirs, _) = on.socket(SocketKind::Datagram);
    let keys = [(); 2].map(|()| on.pending(recv_from(ours, 100)));
    on.send_to(theirs, b"first", &address);
    on.send_to(theirs, b"second", &address);
    on.until_reported(&keys);
    // Both have come, and neither has been taken.
    assert!(on.cancel(keys[1]) && on.cancel(keys[0]));
    assert_eq!(&datagram(on.complete(recv_from(ours, 100))).data[..], b"first");
    let second = datagram(on.complete(recv_from(ours, 3)));
    assert_eq!((&second.data[..], second.truncated), (&b"sec"[..], true), "cut off now");
}

fn a_waiting_receive_holds_no_buffer(on: &mut Subject<'_>) {
    let (ours, _, address) = on.bound(SocketKind::Datagram);
    let key = on.pending(recv_from(ours, 65_536));
    on.look();
    assert_eq!(on.statistics().buffers, 0);
    let (theirs, _) = on.socket(SocketKind::Datagram);
    on.send_to(theirs, b"x", &address);
    let [completion] = on.finish([key]);
    assert_eq!(on.statistics().buffers, 1);
    drop(completion);
    assert_eq!(on.statistics().buffers, 0);
}

fn too_long_is_an_error(on: &mut Subject<'_>) {
    let (_, _, address) = on.bound(SocketKind::Datagram);
    let (theirs, _) = on.socket(SocketKind::Datagram);
    let data = vec![0; 70_000].into();
    let error = on.complete(Operation::SendTo { source: theirs, data, to: Box::new(address) });
    let error = error.expect_err("UDP carries less than 64 KiB");
    assert_eq!(error.action(), "sending a datagram");
    assert_eq!(error.into_data().map(|data| data.len()), Some(70_000));
}
