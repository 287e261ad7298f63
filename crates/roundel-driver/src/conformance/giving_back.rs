//! What was received for operations that were given up afterwards: nothing is lost, doubled or out
//! of order, whoever gets it next and gives it up again.

use super::{
    Check,
    line::Line,
    subject::{Subject, data, recv},
};
use crate::{Address, Buffer, Completion, Operation, SocketKind, SourceId};

pub(super) const CHECKS: &[Check] = &[
    ("what is given back twice keeps its place", what_is_given_back_twice_keeps_its_place),
    ("also before what others have", also_before_what_others_have),
    ("also before what one that goes on has been named for", also_before_what_goes_on),
    ("a message that is given back stays one", a_message_stays_one),
    ("random cancels leave a stream in order", random_cancels_leave_a_stream_in_order),
    ("random cancels leave messages in order", random_cancels_leave_messages_in_order),
];

fn what_is_given_back_twice_keeps_its_place(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let [one, two] = [4, 2].map(|n| on.pending(recv(ours, n)));
    on.send(theirs, b"abcd");
    on.until_reported(&[one]);
    assert!(on.cancel(one));
    // A part goes to the second, and comes back before the rest.
    on.until_reported(&[two]);
    assert!(on.cancel(two));
    assert_eq!(on.recv_exactly(ours, 4), b"abcd");
}

fn also_before_what_others_have(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let [one, two, three] = [2; 3].map(|n| on.pending(recv(ours, n)));
    on.send(theirs, b"abcd");
    on.until_reported(&[one, two]);
    assert!(on.cancel(one));
    on.until_reported(&[three]);
    assert!(on.cancel(two) && on.cancel(three));
    assert_eq!(on.recv_exactly(ours, 4), b"abcd");
}

fn also_before_what_goes_on(on: &mut Subject<'_>) {
    let (ours, theirs) = on.pair();
    let one = on.pending(recv(ours, 2));
    let many = on.pending(Operation::RecvMany { source: ours, at_most: 100 });
    on.send(theirs, b"ab");
    on.until_reported(&[one]);
    on.send(theirs, b"cd");
    on.until_reported(&[many]);
    assert!(on.cancel(one));
    let mut received = Vec::new();
    while received.len() < 4 {
        let [piece] = on.take(many).map_or_else(|| on.finish([many]), |piece| [piece]).map(data);
        received.extend(piece);
    }
    assert_eq!(received, b"abcd");
}

/// What a receive has no room for is lost, as from the kernel. Source: recv(2).
fn a_message_stays_one(on: &mut Subject<'_>) {
    let (ours, _, address) = on.bound(SocketKind::Datagram);
    let (theirs, _) = on.socket(SocketKind::Datagram);
    let keys = [(); 2].map(|()| on.pending(recv(ours, 100)));
    for message in [b"first", b"other"] {
        assert!(send_to(on, theirs, message, &address).is_ok());
    }
    on.until_reported(&keys);
    assert!(on.cancel(keys[1]) && on.cancel(keys[0]));
    assert_eq!(data(on.complete(recv(ours, 3))), b"fir");
    let into = Operation::RecvInto { source: ours, buffer: Buffer::with_room(2) };
    assert_eq!(data(on.complete(into)), b"ot");
    assert!(send_to(on, theirs, b"third", &address).is_ok());
    assert_eq!(data(on.complete(recv(ours, 100))), b"third");
}

fn send_to(on: &mut Subject<'_>, from: SourceId, data: &[u8], to: &Address) -> Completion {
    on.complete(Operation::SendTo { source: from, data: data.into(), to: Box::new(to.clone()) })
}

fn random_cancels_leave_a_stream_in_order(on: &mut Subject<'_>) {
    random_cancels(on, SocketKind::Stream);
}

/// Received one by one, and several at once.
fn random_cancels_leave_messages_in_order(on: &mut Subject<'_>) {
    random_cancels(on, SocketKind::Datagram);
}

fn random_cancels(on: &mut Subject<'_>, kind: SocketKind) {
    for seed in 1..=60 {
        let mut line = Line::new(on, kind, seed);
        for _ in 0..120 {
            match line.below(32) {
                0..=10 => line.receive(on),
                11..=14 => line.send(on),
                15..=18 => line.take_one(on),
                19..=20 => line.take_all(on),
                21..=22 => line.give_up_from_anywhere(on),
                23..=26 => line.give_up_one_that_was_named(on),
                27 if line.below(8) == 0 => line.peer_ends(),
                _ => drop(on.look()),
            }
        }
        line.end(on);
    }
}
