//! Receives that go on: one key, one piece after the other.

use std::{io::ErrorKind, net::Shutdown, ops::Range, time::Duration};

use super::{
    Check,
    subject::{Subject, data, recv},
};
use crate::{Completion, Key, Operation, SocketOption, SourceId};

pub(super) const CHECKS: &[Check] = &[
    ("pieces come under one key", pieces_come_under_one_key),
    ("is named again only after nothing was found", is_named_again_after_nothing_was_found),
    ("a piece that fills its room need not be all", a_full_piece_need_not_be_all),
    ("what has come before is told", what_has_come_before_is_told),
    ("no piece is larger than asked", no_piece_is_larger_than_asked),
    ("the end ends it", the_end_ends_it),
    ("a reset ends it", a_reset_ends_it),
    ("letting the source go ends it", letting_the_source_go_ends_it),
    ("given up, it loses nothing", given_up_it_loses_nothing),
    ("others wait behind it", others_wait_behind_it),
    ("what nobody takes waits with the peer", what_nobody_takes_waits_with_the_peer),
    ("two on two sources do not mix", two_on_two_sources_do_not_mix),
];

fn recv_many(source: SourceId, at_most: usize) -> Operation {
    Operation::RecvMany { source, at_most }
}

/// The next piece, now or later.
#[track_caller]
fn next(on: &mut Subject<'_>, key: Key) -> Completion {
    if let Some(completion) = on.take(key) {
        return completion;
    }
    let [completion] = on.finish([key]);
    completion
}

/// So many bytes, however they are cut.
#[track_caller]
fn bytes(on: &mut Subject<'_>, key: Key, count: usize) -> Vec<u8> {
    let mut received = Vec::new();
    while received.len() < count {
        let piece = data(next(on, key));
        assert!(!piece.is_empty(), "ended after {} of {count} bytes", received.len());
        received.extend(piece);
    }
    received
}

fn pieces_come_under_one_key(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let key = on.pending(recv_many(ours, 100));
    assert!(on.take(key).is_none(), "nothing has come");
    for round in 0..50_u8 {
        on.send(theirs, &[round; 3]);
        assert_eq!(bytes(on, key, 3), [round; 3]);
        assert!(on.take(key).is_none(), "that was all");
    }
    assert_eq!(on.in_flight(), 1, "it goes on");
}

fn is_named_again_after_nothing_was_found(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let key = on.pending(recv_many(ours, 100));
    on.send(theirs, b"one");
    on.until_reported(&[key]);
    on.send(theirs, b"two");
    for _ in 0..3 {
        assert!(!on.look().contains(&key), "it has been told, and has not looked");
    }
    assert_eq!(bytes(on, key, 6), b"onetwo");
    while on.take(key).is_some() {}
    on.send(theirs, b"three");
    on.until_reported(&[key]);
    assert_eq!(bytes(on, key, 5), b"three");
}

fn a_full_piece_need_not_be_all(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let key = on.pending(recv_many(ours, 1));
    for round in 0..10_u8 {
        on.send(theirs, &[round; 1]);
        on.until_reported(&[key]);
        // A level that would be reported again and again rests meanwhile.
        on.look();
        assert_eq!(data(on.take(key).expect("it was named")), [round]);
        assert!(on.take(key).is_none(), "that was all");
    }
}

fn what_has_come_before_is_told(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    on.send(theirs, b"abcdef");
    // A driver may have taken more from the kernel than this.
    assert_eq!(on.recv_exactly(ours, 2), b"ab");
    let key = on.pending(recv_many(ours, 100));
    on.until_reported(&[key]);
    assert_eq!(bytes(on, key, 4), b"cdef");
}

fn no_piece_is_larger_than_asked(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let key = on.pending(recv_many(ours, 2));
    on.send(theirs, b"abcde");
    let mut received = Vec::new();
    while received.len() < 5 {
        let piece = data(next(on, key));
        assert!((1..=2).contains(&piece.len()), "{piece:?}");
        received.extend(piece);
    }
    assert_eq!(received, b"abcde");
    assert!(on.cancel(key));
    on.send(theirs, b"xy");
    let by_one = on.pending(recv_many(ours, 0));
    assert_eq!([data(next(on, by_one)), data(next(on, by_one))], [b"x", b"y"]);
}

fn the_end_ends_it(on: &mut Subject<'_>) {
    let [(ours, _), (theirs, socket)] = on.connection();
    let key = on.pending(recv_many(ours, 100));
    on.send(theirs, b"last words");
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(bytes(on, key, 10), b"last words");
    assert_eq!(data(next(on, key)), b"");
    assert!(on.take(key).is_none() && !on.cancel(key), "the key is free");
    // It may have been named meanwhile.
    on.look();
    assert_eq!((on.in_flight(), on.statistics().operations), (0, 0));
    let again = on.pending(recv_many(ours, 100));
    assert_eq!(data(next(on, again)), b"", "and stays so");
}

fn a_reset_ends_it(on: &mut Subject<'_>) {
    let [(ours, _), (theirs, socket)] = on.connection();
    let key = on.pending(recv_many(ours, 100));
    socket.set(SocketOption::Linger(Some(Duration::ZERO))).unwrap();
    drop(socket);
    drop(on.detach(theirs));
    let error = next(on, key).expect_err("the peer has reset the connection");
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::ConnectionReset, 0));
    assert!(!on.cancel(key), "the key is free");
}

fn letting_the_source_go_ends_it(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let key = on.pending(recv_many(ours, 100));
    on.send(theirs, b"too late");
    on.until_reported(&[key]);
    drop(on.detach(ours));
    let error = next(on, key).expect_err("its source is gone");
    assert_eq!((error.kind(), error.transferred()), (ErrorKind::ConnectionAborted, 0));
    assert!(!on.cancel(key), "the key is free");
    let late = on.complete(recv_many(ours, 100));
    assert_eq!(late.expect_err("nothing is there").kind(), ErrorKind::ConnectionAborted);
}

fn counted(places: Range<usize>) -> Vec<u8> {
    places.map(|place| place as u8).collect()
}

fn given_up_it_loses_nothing(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let (mut sent, mut expected) = (0_usize, 0);
    for round in 0..60 {
        let key = on.pending(recv_many(ours, 1 + round % 7));
        for _ in 0..round % 4 {
            on.send(theirs, counted(sent..sent + 4));
            sent += 4;
        }
        match round % 3 {
            // Before it was named, after that, and after it was taken from.
            0 => {}
            1 => drop(on.look()),
            _ if expected < sent => {
                let piece = data(next(on, key));
                assert_eq!(piece, counted(expected..expected + piece.len()));
                expected += piece.len();
            }
            _ => {}
        }
        assert!(on.cancel(key) && !on.cancel(key));
    }
    assert_eq!(on.recv_exactly(ours, sent - expected), counted(expected..sent));
}

fn others_wait_behind_it(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let many = on.pending(recv_many(ours, 100));
    let [one, two] = [1, 2].map(|n| on.pending(recv(ours, n)));
    on.send(theirs, b"abc");
    on.until_reported(&[many]);
    assert!(on.take(one).is_none() && on.take(two).is_none());
    assert!(on.cancel(many));
    let [one, two] = on.finish([one, two]).map(data);
    assert_eq!((&one[..], &two[..]), (&b"a"[..], &b"bc"[..]));

    // And it behind them.
    let one = on.pending(recv(ours, 1));
    let many = on.pending(recv_many(ours, 100));
    on.send(theirs, b"xyz");
    let [one] = on.finish([one]).map(data);
    assert_eq!((one, bytes(on, many, 2)), (b"x".to_vec(), b"yz".to_vec()));
}

fn what_nobody_takes_waits_with_the_peer(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let all: Vec<u8> = (0..16_000_000_u32).map(|n| (n >> 8) as u8).collect();
    let key = on.pending(recv_many(ours, 256 << 10));
    let sending = on.pending(Operation::Send { source: theirs, data: all.clone().into() });
    on.until_reported(&[key]);
    for _ in 0..100 {
        assert!(!on.look().contains(&sending), "somebody has taken 16 MB unasked");
    }
    // 16 MB would be thousands.
    assert!(on.statistics().buffers <= 100, "{:?}", on.statistics());
    assert!(bytes(on, key, all.len()) == all);
    let [sent] = on.finish([sending]);
    assert!(sent.is_ok(), "{sent:?}");
}

fn two_on_two_sources_do_not_mix(on: &mut Subject<'_>) {
    let [(one, theirs_of_one), (two, theirs_of_two)] = [on.pair(), on.pair()];
    let keys = [one, two].map(|source| on.pending(recv_many(source, 100)));
    for round in 0..20_u8 {
        on.send(theirs_of_one, &[round; 2]);
        on.send(theirs_of_two, &[!round; 3]);
        assert_eq!(bytes(on, keys[1], 3), [!round; 3]);
        assert_eq!(bytes(on, keys[0], 2), [round; 2]);
    }
}
