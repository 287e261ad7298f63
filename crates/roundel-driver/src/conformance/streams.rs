//! Bytes in order: receiving and sending on connections between the driver's own sockets.

use std::{
    io::{ErrorKind, IoSlice},
    net::Shutdown,
    time::Duration,
};

use super::{
    Check,
    subject::{Begun, Subject, data, recv},
};
use crate::{Buffer, Key, Operation, Outcome, SocketOption, SourceId};

pub(super) const CHECKS: &[Check] = &[
    ("receives what is there", receives_what_is_there),
    ("receives what comes later", receives_what_comes_later),
    ("end of stream is an empty buffer", end_of_stream_is_empty),
    ("end of stream that came with the data is not missed", end_with_the_data_is_not_missed),
    ("half a connection can end", half_a_connection_can_end),
    ("receives in the order of submission", receives_in_order),
    ("receives no more than asked", receives_no_more_than_asked),
    ("receives into a buffer of the caller's", receives_into_the_callers_buffer),
    ("a waiting receive holds no buffer", a_waiting_receive_holds_no_buffer),
    ("sends all of a large buffer", sends_all_of_a_large_buffer),
    ("sends in the order of submission", sends_in_order),
    ("sends several buffers as one", sends_several_buffers_as_one),
    ("what goes at once goes in order", what_goes_at_once_goes_in_order),
    ("a reset is an error", a_reset_is_an_error),
    ("a failed send returns its bytes", a_failed_send_returns_its_bytes),
    ("all of many sources are served", all_of_many_sources_are_served),
];

fn receives_what_is_there(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    on.send(theirs, b"there");
    assert_eq!(data(on.complete(recv(ours, 100))), b"there");
}

fn receives_what_comes_later(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    for round in 0..10_u8 {
        let key = on.pending(recv(ours, 100));
        assert!(on.take(key).is_none(), "nothing has come");
        on.send(theirs, &[round; 3]);
        let [completion] = on.finish([key]);
        assert_eq!(data(completion), [round; 3]);
    }
}

fn what_goes_at_once_goes_in_order(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let pieces = [b"ab", b"cd"].map(|piece| IoSlice::new(piece));
    // None of it is an answer too.
    let mut expected = b"abcd"[..on.send_now(ours, &pieces).unwrap()].to_vec();
    let big = vec![b'-'; 16_000_000];
    expected.extend(&big);
    let sending = on.pending(Operation::Send { source: ours, data: big.into() });
    let overtaking = on.send_now(ours, &pieces[..1]).unwrap();
    assert_eq!(overtaking, 0, "others wait in front");
    assert_eq!(on.recv_exactly(theirs, expected.len()), expected);
    let [sent] = on.finish([sending]);
    assert!(sent.is_ok(), "{sent:?}");
    on.detach(ours);
    assert_eq!(on.send_now(ours, &pieces).unwrap(), 0, "the operation tells");
}

fn end_of_stream_is_empty(on: &mut Subject<'_>) {
    let [(ours, _), (_theirs, socket)] = on.connection();
    let key = on.pending(recv(ours, 100));
    socket.shutdown(Shutdown::Write).unwrap();
    let [completion] = on.finish([key]);
    assert_eq!(data(completion), b"");
    assert_eq!(data(on.complete(recv(ours, 100))), b"", "and stays so");
}

fn end_with_the_data_is_not_missed(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let key = on.pending(recv(ours, 100));
    on.send(theirs, b"last words");
    on.detach(theirs);
    let [completion] = on.finish([key]);
    assert_eq!(data(completion), b"last words");
    assert_eq!(data(on.complete(recv(ours, 100))), b"");
}

fn half_a_connection_can_end(on: &mut Subject<'_>) {
    let [(ours, socket), (theirs, _)] = on.connection();
    on.send(ours, b"question");
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(on.recv_exactly(theirs, 8), b"question");
    assert_eq!(data(on.complete(recv(theirs, 100))), b"");
    on.send(theirs, b"answer");
    assert_eq!(on.recv_exactly(ours, 6), b"answer");
    let error = on.complete(Operation::Send { source: ours, data: b"more".into() });
    assert_eq!(error.expect_err("this half has ended").kind(), ErrorKind::BrokenPipe);
}

fn receives_in_order(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let keys = [1, 2, 3].map(|n| on.pending(recv(ours, n)));
    on.send(theirs, b"abbccc");
    let [one, two, three] = on.finish(keys).map(data);
    assert_eq!((&one[..], &two[..], &three[..]), (&b"a"[..], &b"bb"[..], &b"ccc"[..]));
}

fn receives_no_more_than_asked(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    on.send(theirs, b"abcdef");
    assert_eq!(data(on.complete(recv(ours, 4))), b"abcd");
    assert_eq!(data(on.complete(recv(ours, 4))), b"ef");
}

// spec: LPK-02
fn receives_into_the_callers_buffer(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let mut buffer = Buffer::with_room(1000);
    let address = buffer.as_ptr();
    for message in [&b"first"[..], b"the second"] {
        let begun = on.begin(Operation::RecvInto { source: ours, buffer });
        on.send(theirs, message);
        let completion = on.end(begun);
        let Ok(Outcome::Received(received)) = completion else { panic!("{completion:?}") };
        assert_eq!(&received[..], message);
        assert_eq!((received.as_ptr(), received.room()), (address, 1000), "it is the same memory");
        buffer = received;
    }
    on.send(theirs, vec![b'x'; 1001]);
    let mut count = 0;
    while count < 1001 {
        let completion = on.complete(Operation::RecvInto { source: ours, buffer });
        let Ok(Outcome::Received(received)) = completion else { panic!("{completion:?}") };
        assert!((1..=1000).contains(&received.len()), "no more than it has room for");
        count += received.len();
        buffer = received;
    }
    assert_eq!(count, 1001);
    on.detach(theirs);
    let completion = on.complete(Operation::RecvInto { source: ours, buffer });
    assert_eq!(data(completion), b"", "the end is an empty buffer here too");
}

fn a_waiting_receive_holds_no_buffer(on: &mut Subject<'_>) {
    let pairs: Vec<(SourceId, SourceId)> = (0..100).map(|_| on.pair()).collect();
    let keys: Vec<Key> = pairs.iter().map(|(ours, _)| on.pending(recv(*ours, 65_536))).collect();
    on.look();
    assert_eq!(on.statistics().buffers, 0, "a hundred wait and none has a buffer");
    on.send(pairs[7].1, b"x");
    let [completion] = on.finish([keys[7]]);
    assert_eq!(on.statistics().buffers, 1);
    drop(completion);
    assert_eq!(on.statistics().buffers, 0);
}

// spec: LPK-04
fn sends_all_of_a_large_buffer(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let sent: Vec<u8> = (0..16_000_000_u32).map(|n| (n % 251) as u8).collect();
    let key = on.pending(Operation::Send { source: ours, data: sent.clone().into() });
    let received = on.recv_exactly(theirs, sent.len());
    assert!(received == sent, "all has arrived, in order");
    let [completion] = on.finish([key]);
    let Ok(Outcome::Sent(buffer)) = completion else { panic!("not sent: {completion:?}") };
    assert!(buffer[..] == sent[..], "the buffer comes back as it was");
}

fn sends_in_order(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let big = vec![b'a'; 16_000_000];
    let first = on.pending(Operation::Send { source: ours, data: big.into() });
    let second = on.pending(Operation::Send { source: ours, data: b"z".into() });
    let received = on.recv_exactly(theirs, 16_000_001);
    assert!(received[..16_000_000].iter().all(|&byte| byte == b'a'));
    assert_eq!(received[16_000_000], b'z');
    for completion in on.finish([first, second]) {
        assert!(matches!(completion, Ok(Outcome::Sent(_))), "{completion:?}");
    }
}

fn sends_several_buffers_as_one(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    // More than the kernel takes in one call, some of them empty, and more than it has room for.
    let mut parts: Vec<Buffer> =
        (0..3000_u32).map(|n| vec![n as u8; n as usize % 9].into()).collect();
    parts.push(vec![b'x'; 16_000_000].into());
    parts.push(b"end".into());
    let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
    let count = parts.len();
    let begun = on.begin(Operation::SendVectored { source: ours, data: parts });
    assert!(on.recv_exactly(theirs, all.len()) == all, "one behind the other");
    let completion = on.end(begun);
    let Ok(Outcome::SentVectored(back)) = completion else { panic!("not sent: {completion:?}") };
    assert_eq!((back.len(), &back[count - 1][..]), (count, &b"end"[..]));
    let nothing = on.complete(Operation::SendVectored { source: ours, data: Vec::new() });
    assert!(matches!(nothing, Ok(Outcome::SentVectored(_))), "{nothing:?}");
}

fn a_reset_is_an_error(on: &mut Subject<'_>) {
    let [(ours, _), (theirs, socket)] = on.connection();
    let key = on.pending(recv(ours, 10));
    socket.set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
    drop(socket);
    on.detach(theirs);
    let [completion] = on.finish([key]);
    assert_eq!(completion.expect_err("reset").kind(), ErrorKind::ConnectionReset);
}

fn a_failed_send_returns_its_bytes(on: &mut Subject<'_>) {
    let [(ours, socket), (_theirs, _)] = on.connection();
    socket.shutdown(Shutdown::Write).unwrap();
    let operation = Operation::Send { source: ours, data: b"unsent".into() };
    let error = on.complete(operation).expect_err("this half has ended");
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(error.action(), "sending on a socket");
    assert_eq!(error.transferred(), 0);
    assert_eq!(error.into_data().as_deref(), Some(&b"unsent"[..]));
    let parts = vec![Buffer::from(b"un"), Buffer::from(b"sent")];
    let error = on.complete(Operation::SendVectored { source: ours, data: parts });
    let error = error.expect_err("nor is a vectored one sent");
    assert_eq!(error.into_data().as_deref(), Some(&b"unsent"[..]));
}

fn all_of_many_sources_are_served(on: &mut Subject<'_>) {
    // select(2) takes descriptors below 1024 only, and the others need some too.
    let count = if on.name() == "select" { 300 } else { 400 };
    let pairs: Vec<(SourceId, SourceId)> = (0..count).map(|_| on.pair()).collect();
    let begun: Vec<Begun> = pairs.iter().map(|(ours, _)| on.begin(recv(*ours, 8))).collect();
    for (n, (_, theirs)) in pairs.iter().enumerate() {
        on.send(*theirs, &n.to_le_bytes());
    }
    for (n, begun) in begun.into_iter().enumerate() {
        assert_eq!(data(on.end(begun)), n.to_le_bytes());
    }
}
