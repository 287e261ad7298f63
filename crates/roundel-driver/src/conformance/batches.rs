//! Several messages by one operation.

use std::io::ErrorKind;

use super::{
    Check,
    subject::{Subject, data, recv},
};
use crate::{
    Address, Buffer, Completion, Datagram, Key, Message, Messages, Operation, OperationError,
    Outcome, SocketKind, SourceId, Submitted,
};

pub(super) const CHECKS: &[Check] = &[
    ("many come in order and with their senders", many_come_in_order),
    ("a wait for many ends with the first", a_wait_for_many_ends_with_the_first),
    ("what was cut off is told of each", what_was_cut_off_is_told_of_each),
    ("an empty one is one of them", an_empty_one_is_one_of_them),
    ("many are received in their turn", many_are_received_in_their_turn),
    ("a late cancel loses none", a_late_cancel_loses_none),
    ("those given back come to one or to many", those_given_back_come_to_one_or_to_many),
    ("what others have is not skipped", what_others_have_is_not_skipped),
    ("much that was given back holds nobody up", much_that_was_given_back_holds_nobody_up),
    ("a wait for many holds no buffer", a_wait_for_many_holds_no_buffer),
    ("many go in order, each to its address", many_go_in_order),
    ("many go to where the socket is connected", many_go_to_the_peer),
    ("many go in their turn", many_go_in_their_turn),
    ("one that cannot go holds up no other", one_that_cannot_go_holds_up_no_other),
    ("nothing to be sent is sent", nothing_is_sent),
    ("detaching ends a wait for many", detaching_ends_a_wait_for_many),
    ("a detached source sends none of many", a_detached_source_sends_none),
];

pub(super) fn messages<'a>(
    texts: impl IntoIterator<Item = &'a [u8]>,
    to: Option<&Address>,
) -> Box<Messages> {
    let message = |text: &[u8]| Message { data: text.into(), to: to.cloned() };
    Box::new(texts.into_iter().map(message).collect())
}

/// What became of each message.
#[track_caller]
pub(super) fn sent_batch(completion: Completion) -> Vec<Result<Buffer, OperationError>> {
    match completion {
        Ok(Outcome::SentBatch(sent)) => sent.into(),
        other => panic!("not sent: {other:?}"),
    }
}

fn recv_batch(source: SourceId, at_most: usize, count: usize) -> Operation {
    Operation::RecvBatch { source, at_most, count }
}

/// What came to one or to many.
#[track_caller]
fn datagrams(completion: Completion) -> Vec<Datagram> {
    match completion {
        Ok(Outcome::Datagrams(datagrams)) => datagrams.into(),
        Ok(Outcome::Datagram(datagram)) => vec![*datagram],
        other => panic!("no datagrams: {other:?}"),
    }
}

/// A receiver, its address, and a sender.
fn ends(on: &mut Subject<'_>) -> (SourceId, Address, SourceId) {
    let (ours, _, address) = on.bound(SocketKind::Datagram);
    (ours, address, on.socket(SocketKind::Datagram).0)
}

#[track_caller]
fn send(on: &mut Subject<'_>, from: SourceId, texts: &[&[u8]], to: &Address) {
    for text in texts {
        let (data, to) = (Buffer::from(*text), Box::new(to.clone()));
        let sent = on.complete(Operation::SendTo { source: from, data, to });
        assert!(matches!(sent, Ok(Outcome::Sent(_))), "{sent:?}");
    }
}

/// Receives until there are so many datagrams, by `count` at a time.
#[track_caller]
fn received(on: &mut Subject<'_>, from: SourceId, all: usize, count: usize) -> Vec<Datagram> {
    let mut received = Vec::new();
    while received.len() < all {
        let came = datagrams(on.complete(recv_batch(from, 100, count)));
        assert!((1..=count).contains(&came.len()), "{} at once", came.len());
        received.extend(came);
    }
    received
}

#[track_caller]
fn assert_texts(datagrams: &[Datagram], texts: &[&[u8]]) {
    let found: Vec<_> = datagrams.iter().map(|datagram| &datagram.data[..]).collect();
    assert_eq!(found, texts);
}

fn many_come_in_order(on: &mut Subject<'_>) {
    let (ours, address, first) = ends(on);
    let (second, _, from_second) = on.bound(SocketKind::Datagram);
    send(on, first, &[b"one", b"two", b"three"], &address);
    send(on, second, &[b"four", b"five"], &address);
    let came = received(on, ours, 5, 3);
    assert!(came.iter().all(|datagram| !datagram.truncated));
    // Of different senders nobody was first.
    let is_of_second = |datagram: &Datagram| datagram.from == from_second;
    let (second, first): (Vec<_>, Vec<_>) = came.into_iter().partition(is_of_second);
    assert_texts(&first, &[b"one", b"two", b"three"]);
    assert_texts(&second, &[b"four", b"five"]);
}

fn a_wait_for_many_ends_with_the_first(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    for _ in 0..3 {
        let key = on.pending(recv_batch(ours, 100, 10));
        send(on, theirs, &[b"one"], &address);
        let [came] = on.finish([key]).map(datagrams);
        assert_texts(&came, &[b"one"]);
    }
    // Nothing is left, and none is what nobody gets.
    let key = on.pending(recv_batch(ours, 100, 0));
    send(on, theirs, &[b"two"], &address);
    assert_texts(&on.finish([key]).map(datagrams)[0], &[b"two"]);
    assert_eq!(on.in_flight(), 0);
}

fn what_was_cut_off_is_told_of_each(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    send(on, theirs, &[b"1234", b"12345", b"next"], &address);
    let mut came = Vec::new();
    while came.len() < 3 {
        came.extend(datagrams(on.complete(recv_batch(ours, 4, 3))));
    }
    assert_texts(&came, &[b"1234", b"1234", b"next"]);
    let cut: Vec<_> = came.iter().map(|datagram| datagram.truncated).collect();
    assert_eq!(cut, [false, true, false]);
}

fn an_empty_one_is_one_of_them(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    send(on, theirs, &[b"one", b"", b"three"], &address);
    assert_texts(&received(on, ours, 3, 10), &[b"one", b"", b"three"]);
}

fn many_are_received_in_their_turn(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    let one = |source| Operation::RecvFrom { source, at_most: 100 };
    let keys = [one(ours), recv_batch(ours, 100, 2), one(ours)].map(|asked| on.pending(asked));
    send(on, theirs, &[b"one", b"two", b"three", b"four", b"five"], &address);
    let [first, many, last] = on.finish(keys).map(datagrams);
    assert!(first.len() == 1 && (1..=2).contains(&many.len()) && last.len() == 1);
    let mut came: Vec<_> = first.into_iter().chain(many).chain(last).collect();
    let left = 5 - came.len();
    came.extend(received(on, ours, left, 10));
    assert_texts(&came, &[b"one", b"two", b"three", b"four", b"five"]);
}

/// Three operations that have what came, in order, and have not been taken.
fn named(on: &mut Subject<'_>, texts: &[&[u8]]) -> (SourceId, [Key; 3]) {
    let (ours, address, theirs) = ends(on);
    let keys = [
        on.pending(recv_batch(ours, 100, 2)),
        on.pending(Operation::RecvFrom { source: ours, at_most: 100 }),
        on.pending(recv_batch(ours, 100, 2)),
    ];
    send(on, theirs, texts, &address);
    on.until_reported(&keys);
    (ours, keys)
}

fn a_late_cancel_loses_none(on: &mut Subject<'_>) {
    let texts: [&[u8]; 5] = [b"one", b"two", b"three", b"four", b"five"];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (ours, keys) = named(on, &texts);
        assert!(order.into_iter().all(|nth| on.cancel(keys[nth])));
        assert_texts(&received(on, ours, 5, 10), &texts);
    }
}

fn those_given_back_come_to_one_or_to_many(on: &mut Subject<'_>) {
    let mut texts = vec![&b"one"[..], b"two", b"three", b"four", b"five"];
    let (ours, [first, middle, last]) = named(on, &texts);
    assert!(on.cancel(last) && on.cancel(first));
    // In the middle somebody keeps his.
    let kept = datagrams(on.take(middle).expect("it was named"));
    texts.retain(|text| *text != &kept[0].data[..]);
    assert_eq!(texts.len(), 4);
    let one = datagrams(on.complete(Operation::RecvFrom { source: ours, at_most: 2 }));
    assert_eq!((&one[0].data[..], one[0].truncated), (&b"on"[..], true), "cut off now");
    assert_texts(&received(on, ours, 3, 3), &texts[1..]);
}

fn what_others_have_is_not_skipped(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    let one = Operation::RecvFrom { source: ours, at_most: 100 };
    let [first, middle, last] = [recv_batch(ours, 100, 1), one, recv_batch(ours, 100, 1)]
        .map(|operation| on.pending(operation));
    send(on, theirs, &[b"one", b"two", b"three"], &address);
    on.until_reported(&[first, middle, last]);
    // Who wants none of those that are given back stands before whoever wants many of them.
    let other = on.pending(recv(ours, 100));
    let many = on.pending(recv_batch(ours, 100, 10));
    assert!(on.cancel(first) && on.cancel(last));
    send(on, theirs, &[b"four"], &address);
    on.until_reported(&[other, many]);
    assert_eq!(data(on.take(other).expect("it was named")), b"four");
    assert!(on.cancel(middle) && on.cancel(many));
    assert_texts(&received(on, ours, 3, 10), &[b"one", b"two", b"three"]);
}

fn much_that_was_given_back_holds_nobody_up(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    let many = on.pending(recv_batch(ours, 100, 40));
    // By one operation, so that they are all there when anybody looks.
    let messages = messages([&b"early"[..]; 40], Some(&address));
    sent_batch(on.complete(Operation::SendBatch { source: theirs, messages }));
    on.until_reported(&[many]);
    assert!(on.cancel(many));
    // Who does not ask for senders gets what comes, before it or now.
    let one = on.begin(recv(ours, 100));
    send(on, theirs, &[b"late"], &address);
    assert!(!data(on.end(one)).is_empty());
}

fn a_wait_for_many_holds_no_buffer(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    let key = on.pending(recv_batch(ours, 65_536, 10));
    on.look();
    assert_eq!(on.statistics().buffers, 0);
    send(on, theirs, &[b"x"], &address);
    let [completion] = on.finish([key]);
    assert_eq!(on.statistics().buffers, 1, "one for each that came");
    drop(completion);
    assert_eq!((on.statistics().buffers, on.statistics().operations), (0, 0));
}

fn many_go_in_order(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    let (other, _, to_other) = on.bound(SocketKind::Datagram);
    let texts: Vec<[u8; 1]> = (0..40).map(|n| [n]).collect();
    let message = |text: &[u8; 1]| {
        let to = [&address, &to_other][usize::from(text[0] % 2)];
        Message { data: text.into(), to: Some(to.clone()) }
    };
    let messages = Box::new(texts.iter().map(message).collect());
    let sent = sent_batch(on.complete(Operation::SendBatch { source: theirs, messages }));
    let back: Vec<_> = sent.into_iter().map(|sent| sent.unwrap().into_vec()).collect();
    assert_eq!(back, texts);
    for (source, rest) in [(ours, 0), (other, 1)] {
        let expected: Vec<&[u8]> =
            texts.iter().filter(|text| text[0] % 2 == rest).map(|text| &text[..]).collect();
        assert_texts(&received(on, source, 20, 20), &expected);
    }
}

fn many_go_to_the_peer(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    let connected = on.complete(Operation::Connect { source: theirs, address: address.into() });
    assert!(matches!(connected, Ok(Outcome::Connected)), "{connected:?}");
    let texts: [&[u8]; 3] = [b"one", b"", b"three"];
    let many = Operation::SendBatch { source: theirs, messages: messages(texts, None) };
    assert!(sent_batch(on.complete(many)).iter().all(Result::is_ok));
    on.send(theirs, b"four");
    let came: Vec<_> = (0..4).map(|_| data(on.complete(recv(ours, 100)))).collect();
    assert_eq!(came, [&b"one"[..], b"", b"three", b"four"]);
}

fn many_go_in_their_turn(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    let one = |text: &[u8]| {
        let (data, to) = (text.into(), Box::new(address.clone()));
        Operation::SendTo { source: theirs, data, to }
    };
    let many = messages([&b"two"[..], b"three"], Some(&address));
    let sends =
        [one(b"one"), Operation::SendBatch { source: theirs, messages: many }, one(b"four")];
    for begun in sends.map(|send| on.begin(send)) {
        let sent = on.end(begun);
        assert!(sent.is_ok(), "{sent:?}");
    }
    assert_texts(&received(on, ours, 4, 10), &[b"one", b"two", b"three", b"four"]);
}

fn one_that_cannot_go_holds_up_no_other(on: &mut Subject<'_>) {
    let (ours, address, theirs) = ends(on);
    let long = vec![0; 70_000];
    let texts: [&[u8]; 5] = [&long, b"one", &long, b"two", b"three"];
    let many = Operation::SendBatch { source: theirs, messages: messages(texts, Some(&address)) };
    let sent = sent_batch(on.complete(many));
    let told: Vec<_> = sent.iter().map(Result::is_ok).collect();
    assert_eq!(told, [false, true, false, true, true]);
    let error = sent.into_iter().nth(2).unwrap().unwrap_err();
    assert_eq!((error.action(), error.address()), ("sending a datagram", Some(&address)));
    assert_eq!(error.into_data(), Some(long));
    assert_texts(&received(on, ours, 3, 10), &[b"one", b"two", b"three"]);
}

fn nothing_is_sent(on: &mut Subject<'_>) {
    let (_, address, theirs) = ends(on);
    let many = Operation::SendBatch { source: theirs, messages: messages([], Some(&address)) };
    assert!(sent_batch(on.complete(many)).is_empty());
    assert_eq!(on.in_flight(), 0);
}

fn detaching_ends_a_wait_for_many(on: &mut Subject<'_>) {
    let (ours, _, _) = ends(on);
    let key = on.pending(recv_batch(ours, 100, 10));
    drop(on.detach(ours));
    let [ended] = on.finish([key]);
    let error = ended.expect_err("the source is gone");
    assert_eq!(
        (error.kind(), error.action()),
        (ErrorKind::ConnectionAborted, "receiving datagrams")
    );
}

fn a_detached_source_sends_none(on: &mut Subject<'_>) {
    let (_, address, theirs) = ends(on);
    drop(on.detach(theirs));
    let messages = messages([&b"one"[..], b"two"], Some(&address));
    let Submitted::Done(Err(error)) = on.submit(Operation::SendBatch { source: theirs, messages })
    else {
        panic!("a detached source takes no operations")
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    let back = error.into_messages().expect("each is told of").into_iter();
    let back = back.map(|sent| sent.expect_err("none was sent").into_data().unwrap());
    assert!(back.eq([b"one".to_vec(), b"two".to_vec()]));
}
