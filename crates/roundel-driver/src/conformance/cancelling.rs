//! Giving operations up, and letting sources go.

use std::io::ErrorKind;

use super::{
    Check,
    subject::{Subject, data, recv},
};
use crate::{Buffer, Operation, Submitted};

pub(super) const CHECKS: &[Check] = &[
    ("a cancelled receive takes nothing", a_cancelled_receive_takes_nothing),
    ("cancelling in the middle keeps the order", cancelling_in_the_middle_keeps_order),
    ("a cancelled finished operation leaves nothing", a_cancelled_finished_one_leaves_nothing),
    ("what a cancelled receive had received is not lost", a_late_cancel_loses_nothing),
    ("nor what one had received into a buffer", a_late_cancel_of_a_buffer_loses_nothing),
    ("a cancelled send does not hold the next one up", a_cancelled_send_lets_the_next_go),
    ("a key is good for one outcome", a_key_is_good_once),
    ("detaching ends operations and closes", detaching_ends_operations_and_closes),
    ("a detached source is refused", a_detached_source_is_refused),
    ("a socket that is held stays open", a_socket_that_is_held_stays_open),
    ("dropping with operations in flight is clean", dropping_in_flight_is_clean),
];

fn a_cancelled_receive_takes_nothing(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let key = on.pending(recv(ours, 100));
    assert!(on.cancel(key));
    assert!(!on.cancel(key), "once");
    on.send(theirs, b"kept");
    on.look();
    assert!(on.take(key).is_none());
    assert_eq!(data(on.complete(recv(ours, 100))), b"kept");
}

fn cancelling_in_the_middle_keeps_order(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let [one, two, three, four] = [1, 2, 3, 4].map(|n| on.pending(recv(ours, n)));
    assert!(on.cancel(two));
    assert!(on.cancel(four));
    let five = on.pending(recv(ours, 5));
    on.send(theirs, b"acccEEEEE");
    let [one, three, five] = on.finish([one, three, five]).map(data);
    assert_eq!((&one[..], &three[..], &five[..]), (&b"a"[..], &b"ccc"[..], &b"EEEEE"[..]));
    assert_eq!(on.in_flight(), 0);
}

fn a_cancelled_finished_one_leaves_nothing(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let key = on.pending(recv(ours, 100));
    on.send(theirs, b"x");
    on.until_reported(&[key]);
    assert!(on.cancel(key));
    assert!(on.take(key).is_none());
    assert_eq!(on.statistics().operations, 0);
}

// spec: LPK-07
fn a_late_cancel_loses_nothing(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let [one, two] = [2, 100].map(|n| on.pending(recv(ours, n)));
    on.send(theirs, b"abcdef");
    on.until_reported(&[one, two]);
    // Both have their bytes, and neither has been taken. The second is given up first.
    assert!(on.cancel(two) && on.cancel(one));
    assert_eq!(data(on.complete(recv(ours, 1))), b"a");
    assert_eq!(data(on.complete(recv(ours, 100))), b"b");
    assert_eq!(data(on.complete(recv(ours, 3))), b"cde");
    assert_eq!(data(on.complete(recv(ours, 100))), b"f");
}

fn a_late_cancel_of_a_buffer_loses_nothing(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let into = |room| Operation::RecvInto { source: ours, buffer: Buffer::with_room(room) };
    let key = on.pending(into(100));
    on.send(theirs, b"abcdef");
    on.until_reported(&[key]);
    assert!(on.cancel(key));
    assert_eq!(data(on.complete(into(2))), b"ab");
    assert_eq!(data(on.complete(recv(ours, 1))), b"c");
    assert_eq!(data(on.complete(into(100))), b"def");
}

fn a_cancelled_send_lets_the_next_go(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let big = vec![b'a'; 16_000_000];
    let first = on.pending(Operation::Send { source: ours, data: big.into() });
    let last = on.pending(Operation::Send { source: ours, data: b"z".into() });
    assert!(on.cancel(first));
    // What had been handed to the kernel stays sent; then comes the next.
    let mut received = on.recv_exactly(theirs, 1);
    while received.last() != Some(&b'z') {
        received.extend(data(on.complete(recv(theirs, 100_000))));
    }
    assert!(received.len() < 16_000_000, "not all of it had gone out");
    assert!(received[..received.len() - 1].iter().all(|&byte| byte == b'a'));
    let [completion] = on.finish([last]);
    assert!(completion.is_ok(), "{completion:?}");
}

// spec: LPK-07
fn a_key_is_good_once(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let old = on.pending(recv(ours, 1));
    on.send(theirs, b"ab");
    let [_] = on.finish([old]);
    let _ = on.complete(recv(ours, 1));
    let new = on.pending(recv(ours, 1));
    assert!(on.take(old).is_none());
    assert!(!on.cancel(old), "an old key never touches its successor");
    on.send(theirs, b"c");
    let [completion] = on.finish([new]);
    assert_eq!(data(completion), b"c");
}

fn detaching_ends_operations_and_closes(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let sources = on.statistics().sources;
    let into = Operation::RecvInto { source: ours, buffer: Buffer::with_room(10) };
    let keys = [on.pending(recv(ours, 1)), on.pending(into)];
    drop(on.detach(ours));
    for completion in on.finish(keys) {
        let error = completion.expect_err("the source is gone");
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    }
    assert_eq!(data(on.complete(recv(theirs, 1))), b"", "closed: the peer sees the end");
    assert_eq!(on.statistics().sources, sources - 1);
}

fn a_detached_source_is_refused(on: &mut Subject<'_>) {
    let (ours, _) = on.pair();
    on.detach(ours);
    assert!(on.detach(ours).is_none());
    let (successor, _) = on.pair();
    assert_ne!(ours, successor);
    let Submitted::Done(Err(error)) = on.submit(recv(ours, 1)) else {
        panic!("a detached source takes no operations")
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
}

fn a_socket_that_is_held_stays_open(on: &mut Subject<'_>) {
    let [(ours, socket), (theirs, _)] = on.connection();
    on.detach(ours);
    let again = on.attach_socket(socket);
    on.send(theirs, b"still here");
    assert_eq!(on.recv_exactly(again, 10), b"still here");
}

fn dropping_in_flight_is_clean(on: &mut Subject<'_>) {
    // The driver is dropped by the caller with all of these under way.
    let (ours, _) = on.pair();
    let _ = on.pending(recv(ours, 1 << 20));
    let into = Operation::RecvInto { source: ours, buffer: Buffer::with_room(1 << 20) };
    let _ = on.pending(into);
    let big = vec![0; 16 << 20];
    let _ = on.pending(Operation::Send { source: ours, data: big.into() });
}
