//! Receives that go on: what the kernel is asked for, and how often.
#![cfg(target_os = "linux")]

use std::{io::Write, os::unix::net::UnixStream, time::Duration};

use roundel_driver::{Driver, Operation, Outcome, Source, Submitted};
use roundel_uring::UringDriver;

/// Behind the end nothing comes; to ask for it would be answered at once, again and again.
#[test]
fn the_end_is_asked_for_once() {
    let Ok(mut driver) = UringDriver::new() else { return };
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let source = driver.attach(Source::new(ours));
    let Submitted::Pending(key) = driver.submit(Operation::RecvMany { source, at_most: 100 })
    else {
        panic!("it goes on")
    };
    theirs.write_all(b"last words").unwrap();
    drop(theirs);
    let mut completed = Vec::new();
    for _ in 0..100 {
        driver.wait(Some(Duration::ZERO), &mut completed).unwrap();
    }
    assert_eq!(completed, [key]);
    let mut received = Vec::new();
    while let Some(completion) = driver.take(key) {
        let Ok(Outcome::Received(piece)) = completion else { panic!("{completion:?}") };
        received.push(piece.into_vec());
    }
    assert_eq!(received.concat(), b"last words");
    assert!(received.last().unwrap().is_empty());
    // One request brings the words and the end, or one each.
    let asked = driver.statistics().registrations;
    assert!(asked <= 2, "asked {asked} times");
}
