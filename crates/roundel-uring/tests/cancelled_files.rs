//! What a file gave to an operation that was cancelled too late is nobody else's.

use std::io::{Seek, Write};

use roundel_driver::{Driver, File, Operation, Outcome, Submitted};
use roundel_uring::UringDriver;

#[test]
fn what_was_read_at_an_offset_for_nobody_is_not_the_next_read() {
    let Ok(mut driver) = UringDriver::new().inspect_err(|reason| eprintln!("not run: {reason}"))
    else {
        return;
    };
    let path = std::env::temp_dir().join(format!("roundel-uring-{}", std::process::id()));
    let mut options = std::fs::File::options();
    let mut file = options.read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(b"abcdef").unwrap();
    file.rewind().unwrap();
    let source = driver.attach_file(File::new(file));

    let mut done = Vec::new();
    let reading = driver.submit(Operation::ReadAt { source, offset: 4, at_most: 2 });
    let Submitted::Pending(reading) = reading else { panic!("a ring answers later") };
    while !done.contains(&reading) {
        driver.wait(None, &mut done).unwrap();
    }
    assert!(driver.cancel(reading));

    let data = match driver.submit(Operation::Read { source, at_most: 2 }) {
        Submitted::Done(completion) => completion,
        Submitted::Pending(reading) => {
            while !done.contains(&reading) {
                driver.wait(None, &mut done).unwrap();
            }
            driver.take(reading).unwrap()
        }
        other => panic!("{other:?}"),
    };
    let Ok(Outcome::Received(data)) = data else { panic!("{data:?}") };
    assert_eq!(&data[..], b"ab");
}
