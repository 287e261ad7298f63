//! No descriptor is left behind, whatever is dropped while the kernel has it.
#![cfg(target_os = "linux")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use roundel_driver::{
    Buffer, Driver, Interest, Key, OpenOptions, Operation, Outcome, Source, SourceId, Submitted,
};
use roundel_uring::UringDriver;

/// Bounds a wait that must succeed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The tests of this process share its descriptors, and count them.
static DESCRIPTORS: Mutex<()> = Mutex::new(());

/// A driver, while no other test of this process runs; none where there is no io_uring.
fn driver() -> Option<(MutexGuard<'static, ()>, UringDriver)> {
    let alone = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
    let driver = UringDriver::new().inspect_err(|reason| eprintln!("not run: {reason}")).ok()?;
    // The driver goes first.
    Some((alone, driver))
}

fn open_descriptors() -> usize {
    // The directory's own is open each time.
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn stream_pair(driver: &mut UringDriver) -> (SourceId, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (driver.attach(Source::new(ours)), theirs)
}

fn submit(driver: &mut UringDriver, operation: Operation) -> Key {
    match driver.submit(operation) {
        Submitted::Pending(key) => key,
        other => panic!("{other:?}"),
    }
}

/// Lets the kernel and the driver talk until they have nothing more to say.
fn settle(driver: &mut UringDriver) {
    for _ in 0..20 {
        driver.wait(Some(Duration::from_millis(1)), &mut Vec::new()).unwrap();
    }
}

#[test]
fn a_file_that_opens_when_nobody_waits_any_more_is_closed() {
    let Some((_alone, mut driver)) = driver() else { return };
    settle(&mut driver);
    let before = open_descriptors();
    for seen in [false, true] {
        let keys: Vec<_> = (0..100)
            .map(|_| {
                let options = OpenOptions::default();
                submit(&mut driver, Operation::Open { path: "Cargo.toml".into(), options })
            })
            .collect();
        if seen {
            driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
        }
        for key in keys {
            assert!(driver.cancel(key));
        }
        settle(&mut driver);
        assert_eq!(open_descriptors(), before);
    }
}

#[test]
fn a_connection_that_is_accepted_when_nobody_waits_any_more_is_kept_or_closed() {
    let Some((_alone, mut driver)) = driver() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let source = driver.attach(Source::new(listener));
    let before = open_descriptors();
    let key = submit(&mut driver, Operation::Accept { source });
    driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
    let mut clients: Vec<_> = (0..40).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert!(driver.cancel(key), "given up while the kernel accepts");
    settle(&mut driver);

    // What was accepted goes to whoever asks next.
    let key = submit_or_take(&mut driver, Operation::Accept { source });
    assert!(matches!(key, Outcome::Accepted(_)), "{key:?}");
    drop(key);
    drop(driver.detach(source));
    settle(&mut driver);
    assert_eq!(open_descriptors(), before - 1 + clients.len(), "the clients' ends and no other");
    for client in &mut clients {
        // The end or a reset: the other side is gone.
        assert!(!matches!(client.read(&mut [0]), Ok(1..)));
    }
}

fn submit_or_take(driver: &mut UringDriver, operation: Operation) -> Outcome {
    match driver.submit(operation) {
        Submitted::Done(completion) => completion.unwrap(),
        Submitted::Pending(key) => {
            for _ in 0..1000 {
                if let Some(completion) = driver.take(key) {
                    return completion.unwrap();
                }
                driver.wait(Some(PATIENCE), &mut Vec::new()).unwrap();
            }
            panic!("it never came")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_driver_dropped_with_a_thousand_operations_lets_go_of_all() {
    for seen in [false, true] {
        let Some((alone, mut driver)) = driver() else { return };
        let mut peers = Vec::new();
        for nth in 0..250 {
            let (source, peer) = stream_pair(&mut driver);
            submit(&mut driver, Operation::Recv { source, at_most: 1 << (nth % 20) });
            submit(&mut driver, Operation::Ready { source, interest: Interest::READ });
            let data = vec![7; 1 << 20].into();
            submit(&mut driver, Operation::Send { source, data });
            submit(&mut driver, Operation::Send { source, data: Buffer::from(b"behind") });
            peers.push(peer);
        }
        if seen {
            driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
        }
        drop(driver);
        for mut peer in peers {
            let mut rest = Vec::new();
            peer.read_to_end(&mut rest).expect("closed, with nothing held back");
            assert!(rest.iter().all(|byte| *byte == 7), "what was given up behind was not sent");
        }
        drop(alone);
    }
}

#[test]
fn a_descriptor_closes_when_its_source_is_let_go_though_the_kernel_had_it() {
    let Some((_alone, mut driver)) = driver() else { return };
    for waits in [false, true] {
        let (source, mut peer) = stream_pair(&mut driver);
        let keys = [
            submit(&mut driver, Operation::Recv { source, at_most: 100 }),
            submit(&mut driver, Operation::Ready { source, interest: Interest::READ }),
        ];
        if waits {
            driver.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
        }
        drop(driver.detach(source));
        // Without another wait.
        assert_eq!(peer.read(&mut [0]).unwrap(), 0, "the peer sees the end");
        for key in keys {
            assert!(driver.take(key).expect("it has ended").is_err());
        }
    }
}

#[test]
fn a_closed_file_is_closed_by_the_kernel() {
    let Some((_alone, mut driver)) = driver() else { return };
    let before = open_descriptors();
    let (source, mut peer) = stream_pair(&mut driver);
    let received = submit(&mut driver, Operation::Recv { source, at_most: 100 });
    let closed = submit_or_take(&mut driver, Operation::Close { source });
    assert!(matches!(closed, Outcome::Closed));
    assert!(driver.take(received).expect("it has ended").is_err());
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "the peer sees the end");
    drop(peer);
    assert_eq!(open_descriptors(), before);
}

#[test]
fn drivers_come_and_go_and_leave_nothing() {
    let Some((_alone, first)) = driver() else { return };
    drop(first);
    let before = open_descriptors();
    // More than a thread may register rings at once.
    for _ in 0..50 {
        let mut driver = UringDriver::new().unwrap();
        let (source, mut peer) = stream_pair(&mut driver);
        peer.write_all(b"x").unwrap();
        let received = submit_or_take(&mut driver, Operation::Recv { source, at_most: 100 });
        drop(driver);
        // A buffer may outlive the ring that filled it.
        assert!(matches!(received, Outcome::Received(data) if &data[..] == b"x"));
    }
    assert_eq!(open_descriptors(), before);
}
