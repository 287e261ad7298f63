//! A read that waits alone on a selector with edges: it is named when the kernel has something, and
//! made when it is taken.
#![cfg(target_os = "linux")]

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use roundel_driver::{
    Completion, Driver, Key, Operation, Outcome, SelectorDriver, Source, SourceId, Submitted,
};

/// A driver with one end of a pair, a second handle to that end, and the other end.
fn driver() -> (SelectorDriver, SourceId, UnixStream, UnixStream) {
    let mut driver = SelectorDriver::by_name("epoll").unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let again = ours.try_clone().unwrap();
    let source = driver.attach(Source::new(ours));
    (driver, source, again, theirs)
}

fn pending(driver: &mut SelectorDriver, source: SourceId) -> Key {
    match driver.submit(Operation::Recv { source, at_most: 100 }) {
        Submitted::Pending(key) => key,
        other => panic!("nothing has come: {other:?}"),
    }
}

fn named(driver: &mut SelectorDriver) -> Vec<Key> {
    let mut completed = Vec::new();
    driver.wait(Some(Duration::from_secs(20)), &mut completed).unwrap();
    completed
}

#[track_caller]
fn data(completion: Option<Completion>) -> Vec<u8> {
    match completion {
        Some(Ok(Outcome::Received(data))) => data.to_vec(),
        other => panic!("no data: {other:?}"),
    }
}

#[test]
fn it_is_made_when_it_is_taken() {
    let (mut driver, source, _, mut theirs) = driver();
    let key = pending(&mut driver, source);
    theirs.write_all(b"one").unwrap();
    assert_eq!(named(&mut driver), [key]);
    assert_eq!(driver.statistics().buffers, 0, "what came lies with the kernel");
    // What comes until then comes with it.
    theirs.write_all(b" two").unwrap();
    let taken = driver.take(key);
    assert_eq!(driver.statistics().buffers, 1);
    assert_eq!(data(taken), b"one two");
    assert!(driver.take(key).is_none(), "once");
    assert_eq!((driver.in_flight(), driver.statistics().operations), (0, 0));
}

#[test]
fn if_somebody_else_was_faster_it_waits_on() {
    let (mut driver, source, mut again, mut theirs) = driver();
    let key = pending(&mut driver, source);
    theirs.write_all(b"theirs").unwrap();
    assert_eq!(named(&mut driver), [key]);
    again.read_exact(&mut [0; 6]).unwrap();
    assert!(driver.take(key).is_none());
    assert_eq!(driver.in_flight(), 1);
    theirs.write_all(b"ours").unwrap();
    assert_eq!(named(&mut driver), [key]);
    assert_eq!(data(driver.take(key)), b"ours");
}

#[test]
fn given_up_it_leaves_what_came_to_the_next() {
    let (mut driver, source, _, mut theirs) = driver();
    let first = pending(&mut driver, source);
    theirs.write_all(b"kept").unwrap();
    assert_eq!(named(&mut driver), [first]);
    // It has come behind the first, and hears of what that was named for.
    let second = pending(&mut driver, source);
    assert!(driver.cancel(first));
    assert_eq!(named(&mut driver), [second]);
    assert_eq!(data(driver.take(second)), b"kept");
}

#[test]
fn taken_it_hands_on_to_those_behind_it() {
    let (mut driver, source, _, mut theirs) = driver();
    let Submitted::Pending(first) = driver.submit(Operation::Recv { source, at_most: 2 }) else {
        panic!("nothing has come")
    };
    theirs.write_all(b"abcd").unwrap();
    assert_eq!(named(&mut driver), [first]);
    let second = pending(&mut driver, source);
    assert_eq!(data(driver.take(first)), b"ab");
    assert_eq!(named(&mut driver), [second]);
    assert_eq!(data(driver.take(second)), b"cd");
}

#[test]
fn detached_it_fails_although_it_was_named() {
    let (mut driver, source, _, mut theirs) = driver();
    let key = pending(&mut driver, source);
    theirs.write_all(b"x").unwrap();
    assert_eq!(named(&mut driver), [key]);
    drop(driver.detach(source));
    let Some(Err(error)) = driver.take(key) else { panic!("the source is gone") };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
}
