//! What calls move, beside what the ring moves: nothing is lost, nothing overtakes, nobody spins.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    thread,
    time::Duration,
};

use nix::sys::socket::{TimestampingFlag, setsockopt, sockopt::Timestamping};
use roundel_driver::{
    Buffer, Completion, Driver, Interest, Key, Operation, Outcome, Source, SourceId, Submitted,
};

use crate::{
    UringConfig, UringDriver,
    faults::{assert_received, driver, finish, stream_pair, submit},
    places::place,
};

const AT_MOST: usize = 256 << 10;

fn received(completion: Completion) -> Vec<u8> {
    match completion {
        Ok(Outcome::Received(data)) => data.into_vec(),
        other => panic!("{other:?}"),
    }
}

/// A receive that goes on, at a source that has brought much and has nothing now.
fn receives_much(driver: &mut UringDriver, source: SourceId, mut peer: impl Write + Send) -> Key {
    let key = submit(driver, Operation::RecvMany { source, at_most: AT_MOST });
    thread::scope(|scope| {
        scope.spawn(move || peer.write_all(&vec![7; 4 << 20]).unwrap());
        let mut left = 4 << 20;
        while left > 0 {
            left -= received(finish(driver, key)).len();
        }
    });
    while driver.take(key).is_some() {}
    let endpoint = driver.sources.get_mut(place(source)).unwrap();
    assert!(endpoint.receives_by_calls(), "the test tests nothing");
    key
}

/// How often the key is named in some waits.
fn named(driver: &mut UringDriver, key: Key, waits: usize) -> usize {
    let mut named = Vec::new();
    for _ in 0..waits {
        driver.wait(Some(Duration::from_millis(1)), &mut named).unwrap();
        if named.last() == Some(&key) {
            while driver.take(key).is_some() {}
        }
    }
    named.iter().filter(|name| **name == key).count()
}

fn until_named(driver: &mut UringDriver, key: Key) {
    let mut named = Vec::new();
    for _ in 0..1000 {
        driver.wait(Some(Duration::from_secs(1)), &mut named).unwrap();
        if named.contains(&key) {
            return;
        }
    }
    panic!("it was never named");
}

#[test]
fn a_call_does_not_overtake_what_the_ring_receives() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let (source, mut peer) = stream_pair(&mut driver);
    let (other, _peer_of_other) = stream_pair(&mut driver);
    let key = receives_much(&mut driver, source, &mut peer);
    peer.write_all(&[b'A'; 10]).unwrap();
    until_named(&mut driver, key);
    assert!(driver.cancel(key));
    // Somebody reads a line by itself: now the ring receives.
    let line = submit(&mut driver, Operation::Recv { source, at_most: 3 });
    assert_received(finish(&mut driver, line), b"AAA");
    let many = submit(&mut driver, Operation::RecvMany { source, at_most: AT_MOST });
    assert_received(finish(&mut driver, many), b"AAAAAAA");
    driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
    peer.write_all(b"B").unwrap();
    // Letting go enters the kernel, which hands B to the ring; nobody has heard of it yet.
    let _ = submit(&mut driver, Operation::Recv { source: other, at_most: 3 });
    drop(driver.detach(other));
    peer.write_all(b"C").unwrap();
    let mut all = Vec::new();
    while all.len() < 2 {
        all.extend(received(finish(&mut driver, many)));
    }
    assert_eq!(all, b"BC");
}

#[test]
fn a_watcher_is_told_of_what_a_call_took() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let (source, mut peer) = stream_pair(&mut driver);
    let key = receives_much(&mut driver, source, &mut peer);
    peer.write_all(b"here").unwrap();
    until_named(&mut driver, key);
    let watch = submit(&mut driver, Operation::Ready { source, interest: Interest::READ });
    while driver.take(key).is_some() {}
    assert!(finish(&mut driver, watch).is_ok(), "it was readable when it was asked for");
}

#[test]
fn what_is_no_data_is_not_told_again_and_again() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    // What is sent leaves a note in the socket's queue of errors, which polls as an error.
    let stamps = TimestampingFlag::SOF_TIMESTAMPING_TX_SOFTWARE
        | TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE;
    setsockopt(&ours, Timestamping, &stamps).unwrap();
    let source = driver.attach(Source::new(ours));
    let key = receives_much(&mut driver, source, &peer);
    let sending = submit(&mut driver, Operation::Send { source, data: Buffer::from(b"stamped") });
    finish(&mut driver, sending).unwrap();
    peer.read_exact(&mut [0; 7]).unwrap();
    // It may have been named meanwhile.
    while driver.take(key).is_some() {}
    let named = named(&mut driver, key, 50);
    assert!(named <= 2, "named {named} times for nothing");
    peer.write_all(b"after").unwrap();
    assert_received(finish(&mut driver, key), b"after");
}

/// So much that a call sends some of it.
fn much() -> Vec<u8> {
    (0..3 << 20).map(|nth: usize| (nth >> 8) as u8).collect()
}

fn read_all(mut peer: UnixStream) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        peer.read_to_end(&mut all).unwrap();
        all
    })
}

#[test]
fn what_a_call_sends_and_what_the_ring_sends_are_one() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let (source, peer) = stream_pair(&mut driver);
    let all = much();
    let first = submit(&mut driver, Operation::Send { source, data: all.clone().into() });
    // Behind one that waits nothing goes by a call.
    let parts = all.chunks(1000).map(Buffer::from).collect();
    let second = submit(&mut driver, Operation::SendVectored { source, data: parts });
    let reader = read_all(peer);
    for key in [first, second] {
        finish(&mut driver, key).unwrap();
    }
    // More slices than a call takes.
    let parts = all.chunks(20).map(Buffer::from).collect();
    let third = submit(&mut driver, Operation::SendVectored { source, data: parts });
    finish(&mut driver, third).unwrap();
    drop(driver.detach(source));
    assert!(reader.join().unwrap() == [&all[..]; 3].concat());
}

#[test]
fn a_large_send_to_nobody_gives_its_bytes_back() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let (source, peer) = stream_pair(&mut driver);
    let all = much();
    let under_way = submit(&mut driver, Operation::Send { source, data: all.clone().into() });
    drop(peer);
    let error = finish(&mut driver, under_way).expect_err("nobody is there");
    assert!(error.transferred() > 0, "a call has sent some of it");
    assert!(error.into_data().unwrap() == all);
    match driver.submit(Operation::Send { source, data: all.clone().into() }) {
        Submitted::Done(Err(error)) => {
            assert_eq!((error.kind(), error.transferred()), (std::io::ErrorKind::BrokenPipe, 0));
            assert!(error.into_data().unwrap() == all);
        }
        other => panic!("{other:?}"),
    }
}
