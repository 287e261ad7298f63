//! Several datagrams at once: not by an entry each, but by one call that does not wait.
#![cfg(target_os = "linux")]

use std::{net::UdpSocket, time::Duration};

use roundel_driver::{
    Completion, Driver, Key, Message, Operation, Outcome, Source, SourceId, Submitted,
};
use roundel_uring::UringDriver;

const COUNT: usize = 32;

/// None where there is no io_uring; the test then says nothing.
fn driver() -> Option<UringDriver> {
    UringDriver::new().inspect_err(|reason| eprintln!("not run: {reason}")).ok()
}

fn bound(driver: &mut UringDriver) -> (SourceId, UdpSocket) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    (driver.attach(Source::new(socket.try_clone().unwrap())), socket)
}

fn send_batch(driver: &mut UringDriver, from: SourceId, to: &UdpSocket) {
    let to = to.local_addr().unwrap();
    let message = |n: usize| Message { data: vec![n as u8; 10].into(), to: Some(to.into()) };
    let messages = Box::new((0..COUNT).map(message).collect());
    let sent = driver.submit(Operation::SendBatch { source: from, messages });
    let Submitted::Done(Ok(Outcome::SentBatch(sent))) = sent else { panic!("{sent:?}") };
    assert!(sent.iter().all(Result::is_ok));
}

fn recv_batch(source: SourceId) -> Operation {
    Operation::RecvBatch { source, at_most: 100, count: COUNT }
}

#[track_caller]
fn assert_all(completion: Completion) {
    let Ok(Outcome::Datagrams(received)) = completion else { panic!("{completion:?}") };
    assert!(received.iter().map(|one| usize::from(one.data[0])).eq(0..COUNT));
}

fn pending(driver: &mut UringDriver, operation: Operation) -> Key {
    match driver.submit(operation) {
        Submitted::Pending(key) => key,
        other => panic!("{other:?}"),
    }
}

fn named(driver: &mut UringDriver) -> Vec<Key> {
    let mut completed = Vec::new();
    // A ring may take a few rounds.
    for _ in 0..1000 {
        driver.wait(Some(Duration::from_secs(1)), &mut completed).unwrap();
        if !completed.is_empty() {
            return completed;
        }
    }
    panic!("it never came")
}

#[test]
fn a_batch_is_done_at_once() {
    let Some(mut driver) = driver() else { return };
    let ((ours, socket), (theirs, _)) = (bound(&mut driver), bound(&mut driver));
    send_batch(&mut driver, theirs, &socket);
    let Submitted::Done(completion) = driver.submit(recv_batch(ours)) else {
        panic!("it is there")
    };
    assert_all(completion);
    let statistics = driver.statistics();
    assert_eq!((statistics.immediate, statistics.waits, statistics.registrations), (2, 0, 0));
}

#[test]
fn a_batch_that_is_waited_for_comes_whole() {
    let Some(mut driver) = driver() else { return };
    let ((ours, socket), (theirs, _)) = (bound(&mut driver), bound(&mut driver));
    for _ in 0..3 {
        let key = pending(&mut driver, recv_batch(ours));
        send_batch(&mut driver, theirs, &socket);
        assert_eq!(named(&mut driver), [key]);
        assert_all(driver.take(key).unwrap());
    }
    assert_eq!(driver.statistics().registrations, 3, "one request in the kernel for each batch");
}

/// What the kernel was asked for may come before what a call brings, and has to be heard first.
#[test]
fn one_that_was_given_up_holds_up_no_batch() {
    let Some(mut driver) = driver() else { return };
    let ((ours, socket), (theirs, _)) = (bound(&mut driver), bound(&mut driver));
    let given_up = pending(&mut driver, Operation::RecvFrom { source: ours, at_most: 100 });
    driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
    assert!(driver.cancel(given_up));
    send_batch(&mut driver, theirs, &socket);
    let mut received = Vec::new();
    while received.len() < COUNT {
        let completion = match driver.submit(recv_batch(ours)) {
            Submitted::Done(completion) => completion,
            Submitted::Pending(key) => {
                named(&mut driver);
                driver.take(key).unwrap()
            }
            other => panic!("{other:?}"),
        };
        let Ok(Outcome::Datagrams(came)) = completion else { panic!("{completion:?}") };
        received.extend(came.iter().map(|one| usize::from(one.data[0])));
    }
    assert!(received.into_iter().eq(0..COUNT));
}
