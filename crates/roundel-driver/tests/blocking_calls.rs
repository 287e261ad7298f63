//! Files on a readiness driver: calls that block are handed out, and their answers always come.

use std::{
    io::{ErrorKind, Seek, Write},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use roundel_driver::{
    BlockingCall, Completion, Driver, File, Key, OpenOptions, Operation, Outcome, SelectorDriver,
    Source, SourceId, Submitted,
};

fn driver() -> SelectorDriver {
    SelectorDriver::by_name("default").unwrap()
}

#[track_caller]
fn handed_out(driver: &mut SelectorDriver, operation: Operation) -> (Key, BlockingCall) {
    match driver.submit(operation) {
        Submitted::Blocking(key, call) => (key, call),
        other => panic!("not handed out: {other:?}"),
    }
}

#[track_caller]
fn finish(driver: &mut SelectorDriver, key: Key) -> Completion {
    let mut done = Vec::new();
    while !done.contains(&key) {
        driver.wait(None, &mut done).unwrap();
    }
    driver.take(key).expect("it was reported")
}

/// A file that has no name any more.
fn scratch() -> std::fs::File {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("roundel-scratch-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let all = std::fs::File::options().read(true).write(true).create_new(true).open(&path);
    std::fs::remove_file(path).unwrap();
    all.unwrap()
}

fn attached(driver: &mut SelectorDriver) -> SourceId {
    driver.attach_file(File::new(scratch()))
}

#[test]
fn the_answer_ends_a_wait_that_has_no_other_end() {
    let mut driver = driver();
    let (key, call) = handed_out(
        &mut driver,
        Operation::Open { path: "/dev/null".into(), options: OpenOptions::default() },
    );
    assert_eq!(driver.in_flight(), 1);
    assert!(driver.take(key).is_none(), "nobody has made the call");
    let thread = std::thread::spawn(|| call.make());
    assert!(matches!(finish(&mut driver, key), Ok(Outcome::Opened(_))));
    assert_eq!(driver.in_flight(), 0);
    thread.join().unwrap();
}

#[test]
fn a_call_that_is_dropped_ends_its_operation() {
    let mut driver = driver();
    let source = attached(&mut driver);
    let write = Operation::WriteAt { source, offset: 0, data: b"kept".into() };
    let (key, call) = handed_out(&mut driver, write);
    drop(call);
    let error = finish(&mut driver, key).expect_err("nobody made the call");
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(error.into_data().as_deref(), Some(&b"kept"[..]));
}

#[test]
fn a_call_that_is_refused_says_why() {
    let mut driver = driver();
    let source = attached(&mut driver);
    let (key, call) = handed_out(&mut driver, Operation::Sync { source, data_only: true });
    call.refuse(std::io::Error::new(ErrorKind::Unsupported, "no threads here"));
    let error = finish(&mut driver, key).expect_err("it was refused");
    assert_eq!((error.action(), error.kind()), ("syncing a file", ErrorKind::Unsupported));
}

#[test]
fn a_call_whose_operation_was_given_up_answers_nobody() {
    let mut driver = driver();
    let source = attached(&mut driver);
    let (key, call) = handed_out(&mut driver, Operation::Metadata { source });
    assert!(driver.cancel(key));
    assert_eq!(driver.in_flight(), 0);
    call.make();
    // Its place has another tenant by now, who must not be given its answer.
    let (next, waiting) =
        handed_out(&mut driver, Operation::ReadAt { source, offset: 0, at_most: 1 });
    assert_eq!(next.index(), key.index());
    let mut done = Vec::new();
    driver.wait(Some(Duration::ZERO), &mut done).unwrap();
    assert!(done.is_empty());
    waiting.make();
    assert!(matches!(finish(&mut driver, next), Ok(Outcome::Received(data)) if data.is_empty()));
}

#[test]
fn a_call_may_outlive_its_driver_and_its_source() {
    let mut driver = driver();
    let source = attached(&mut driver);
    let write = Operation::WriteAt { source, offset: 3, data: b"late".into() };
    let (_, call) = handed_out(&mut driver, write);
    drop(driver);
    call.make();
}

#[test]
fn closing_waits_for_nobody() {
    let mut driver = driver();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let source = driver.attach(Source::new(ours));
    let Submitted::Pending(receiving) = driver.submit(Operation::Recv { source, at_most: 1 })
    else {
        panic!("nothing has come")
    };
    let (closing, call) = handed_out(&mut driver, Operation::Close { source });
    let error = finish(&mut driver, receiving).expect_err("the source is gone");
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    theirs.set_nonblocking(true).unwrap();
    let open = std::io::Read::read(&mut &theirs, &mut [0]).expect_err("no end yet");
    assert_eq!(open.kind(), ErrorKind::WouldBlock);
    call.make();
    assert!(matches!(finish(&mut driver, closing), Ok(Outcome::Closed)));
    assert_eq!(std::io::Read::read(&mut &theirs, &mut [0]).unwrap(), 0, "closed now");
}

/// It is no part of what comes in order, and can be read again.
#[test]
fn what_was_read_at_an_offset_for_nobody_is_not_the_next_read() {
    let mut driver = driver();
    let mut file = scratch();
    file.write_all(b"abcdef").unwrap();
    file.rewind().unwrap();
    let source = driver.attach_file(File::new(file));
    let reading = Operation::ReadAt { source, offset: 4, at_most: 2 };
    let (key, call) = handed_out(&mut driver, reading);
    call.make();
    let mut done = Vec::new();
    while !done.contains(&key) {
        driver.wait(None, &mut done).unwrap();
    }
    assert!(driver.cancel(key));
    let Submitted::Done(Ok(Outcome::Received(data))) =
        driver.submit(Operation::Read { source, at_most: 2 })
    else {
        panic!("a file is always ready")
    };
    assert_eq!(&data[..], b"ab");
}
