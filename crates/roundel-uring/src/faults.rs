//! What the kernel may do at any entry and seldom does: take some entries, take none, be
//! interrupted, have no room for its answers.

use std::{io::Write, os::unix::net::UnixStream, time::Duration};

use roundel_driver::{
    Buffer, Completion, Driver, Key, Operation, Outcome, Source, SourceId, Submitted,
};
use rustix::io::Errno;

use crate::{UringConfig, UringDriver, ring::Fault};

/// Bounds a wait that must succeed.
const PATIENCE: Duration = Duration::from_millis(100);

/// None where there is no io_uring; the test then says nothing.
pub(crate) fn driver(config: UringConfig) -> Option<UringDriver> {
    UringDriver::with_config(config).inspect_err(|reason| eprintln!("not run: {reason}")).ok()
}

pub(crate) fn stream_pair(driver: &mut UringDriver) -> (SourceId, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (driver.attach(Source::new(ours)), theirs)
}

pub(crate) fn submit(driver: &mut UringDriver, operation: Operation) -> Key {
    match driver.submit(operation) {
        Submitted::Pending(key) => key,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn finish(driver: &mut UringDriver, key: Key) -> Completion {
    for _ in 0..1000 {
        if let Some(completion) = driver.take(key) {
            return completion;
        }
        driver.wait(Some(PATIENCE), &mut Vec::new()).unwrap();
    }
    panic!("it never came");
}

#[track_caller]
pub(crate) fn assert_received(completion: Completion, expected: &[u8]) {
    match completion {
        Ok(Outcome::Received(data)) => assert_eq!(&data[..], expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_comes_to_ask_for_more_gets_it_in_larger_pieces() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let (source, mut peer) = stream_pair(&mut driver);
    let mut largest = 0;
    // A stream's reader begins small and asks for more when it gets as much as it asked for.
    for at_most in [4 << 10, 16 << 10, 64 << 10] {
        peer.write_all(&[7; 32 << 10]).unwrap();
        let mut left = 32 << 10;
        while left > 0 {
            let completion = match driver.submit(Operation::Recv { source, at_most }) {
                Submitted::Done(completion) => completion,
                Submitted::Pending(key) => finish(&mut driver, key),
                other => panic!("{other:?}"),
            };
            let Ok(Outcome::Received(data)) = completion else { panic!("{completion:?}") };
            largest = data.len();
            left -= data.len();
        }
    }
    assert!(largest > 4 << 10, "{largest} bytes a piece");
}

#[test]
fn who_leaves_it_to_the_driver_gets_pieces_in_room_that_fits_them() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let (source, mut peer) = stream_pair(&mut driver);
    let key = submit(&mut driver, Operation::RecvMany { source, at_most: 256 << 10 });
    for (message, least, most) in
        [(100, 0, 4 << 10), (16 << 10, 8 << 10, 16 << 10), (100, 0, 4 << 10)]
    {
        let mut room = 0;
        for _ in 0..40 {
            peer.write_all(&vec![7; message]).unwrap();
            let mut left = message;
            while left > 0 {
                let completion = finish(&mut driver, key);
                let Ok(Outcome::Received(data)) = completion else { panic!("{completion:?}") };
                room = data.room();
                left -= data.len();
            }
        }
        assert!((least..=most).contains(&room), "room of {room} bytes for {message}");
    }
}

#[test]
fn what_the_kernel_leaves_is_shown_to_it_again() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let mut pairs: Vec<_> = (0..10).map(|_| stream_pair(&mut driver)).collect();
    let keys: Vec<_> = pairs
        .iter()
        .map(|&(source, _)| submit(&mut driver, Operation::Recv { source, at_most: 9 }))
        .collect();
    driver.ring.faults.extend([Fault::Short(1), Fault::Short(0), Fault::Short(3)]);
    for (nth, (_, peer)) in pairs.iter_mut().enumerate() {
        peer.write_all(&[nth as u8]).unwrap();
    }
    for (nth, key) in keys.into_iter().enumerate() {
        assert_received(finish(&mut driver, key), &[nth as u8]);
    }
    assert!(driver.ring.faults.is_empty(), "all of it happened");
}

#[test]
fn a_refused_entry_is_no_failure_and_loses_nothing() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let (source, mut peer) = stream_pair(&mut driver);
    for refusal in [Errno::INTR, Errno::AGAIN, Errno::BUSY, Errno::TIME] {
        let received = submit(&mut driver, Operation::Recv { source, at_most: 9 });
        let sent = submit(&mut driver, Operation::Send { source, data: Buffer::from(b"out") });
        driver.ring.faults.push_back(Fault::Refused(refusal));
        let mut told = Vec::new();
        driver.wait(None, &mut told).unwrap();
        assert!(told.is_empty(), "{refusal}: the kernel has seen nothing");
        peer.write_all(b"in").unwrap();
        assert_received(finish(&mut driver, received), b"in");
        assert!(matches!(finish(&mut driver, sent), Ok(Outcome::Sent(_))));
    }
}

#[test]
fn a_failed_wait_is_told_and_harms_no_operation() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let (source, mut peer) = stream_pair(&mut driver);
    let key = submit(&mut driver, Operation::Recv { source, at_most: 9 });
    driver.ring.faults.push_back(Fault::Refused(Errno::BADF));
    let error = driver.wait(None, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "waiting for completions");
    peer.write_all(b"unharmed").unwrap();
    assert_received(finish(&mut driver, key), b"unharmed");
}

#[test]
fn detaching_while_the_kernel_takes_nothing_keeps_the_descriptor_until_it_has() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let (source, mut peer) = stream_pair(&mut driver);
    let key = submit(&mut driver, Operation::Send { source, data: Buffer::from(b"late") });
    driver.ring.faults.push_back(Fault::Refused(Errno::AGAIN));
    drop(driver.detach(source));
    let error = finish(&mut driver, key).expect_err("the source is gone");
    assert_eq!(error.into_data().unwrap(), b"late", "its bytes come back");
    // Sent or cancelled, but not to another descriptor of the same number; and then closed.
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut peer, &mut rest).unwrap();
    assert!(rest.is_empty() || rest == b"late", "{rest:?}");
}

#[test]
fn answers_without_room_are_not_lost() {
    let sizes = UringConfig { submissions: 64, completions: 64 };
    let Some(mut driver) = driver(sizes) else { return };
    let mut pairs: Vec<_> = (0..300).map(|_| stream_pair(&mut driver)).collect();
    let keys: Vec<_> = pairs
        .iter()
        .map(|&(source, _)| submit(&mut driver, Operation::Recv { source, at_most: 9 }))
        .collect();
    driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
    for (nth, (_, peer)) in pairs.iter_mut().enumerate() {
        peer.write_all(&nth.to_le_bytes()).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
    }
    // Each source has two answers, its data and its end; nobody takes one until the queue is full.
    let mut overflowed = false;
    for _ in 0..100 {
        driver.ring.enter(Some(Duration::ZERO)).unwrap();
        overflowed |= driver.ring.is_overflowing();
    }
    assert!(overflowed, "the queue has room for everything: the test tests nothing");
    for (nth, key) in keys.into_iter().enumerate() {
        assert_received(finish(&mut driver, key), &nth.to_le_bytes());
    }
}

#[test]
fn room_that_runs_out_is_offered_again_and_more_of_it() {
    let Some(mut driver) = driver(UringConfig::default()) else { return };
    let mut pairs: Vec<_> = (0..200).map(|_| stream_pair(&mut driver)).collect();
    let keys: Vec<_> = pairs
        .iter()
        .map(|&(source, _)| submit(&mut driver, Operation::Recv { source, at_most: 9 }))
        .collect();
    driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
    for (nth, (_, peer)) in pairs.iter_mut().enumerate() {
        peer.write_all(&nth.to_le_bytes()).unwrap();
    }
    // Nobody takes an answer, so no room comes back.
    let offered = driver.ring.offered();
    for _ in 0..100 {
        driver.ring.enter(Some(Duration::ZERO)).unwrap();
    }
    for (nth, key) in keys.into_iter().enumerate() {
        assert_received(finish(&mut driver, key), &nth.to_le_bytes());
    }
    driver.ring.enter(Some(Duration::ZERO)).unwrap();
    assert!(driver.ring.offered() > offered, "it never ran out: the test tests nothing");
}
