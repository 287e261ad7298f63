//! What is sent of a file: all of it, in order with what is written, and never too much at a time.

mod support;

use std::io::ErrorKind;

use roundel_executor::spawn;
use roundel_stream::WaterMarks;

use support::{ends, file_of, run};

/// More than a block, and no multiple of one.
const LONG: usize = 300_007;

fn content() -> Vec<u8> {
    (0..LONG).map(|nth| (nth % 251) as u8).collect()
}

// spec: NET-31
#[test]
fn a_file_goes_out_behind_what_was_written_before() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        let file = file_of(&content()).await;
        let sending = spawn(async move {
            ours.writer.set_limits(WaterMarks::high_at(20_000));
            ours.writer.write_buffered(b"head ").unwrap();
            let sent = ours.writer.send_file(&file, 0, u64::MAX).await.unwrap();
            ours.writer.write(b" tail").await.unwrap();
            ours.writer.flush().await.unwrap();
            sent
        });
        assert_eq!(theirs.hear(5).await, b"head ");
        assert!(theirs.hear(LONG).await == content(), "all of it, once");
        assert_eq!(theirs.hear(5).await, b" tail");
        assert_eq!(sending.await.unwrap(), LONG as u64);
    });
}

#[test]
fn a_part_is_as_long_as_the_file_goes() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        let file = file_of(b"0123456789").await;
        for (offset, at_most, part) in
            [(2, 3, "234"), (8, 100, "89"), (10, 1, ""), (1 << 40, 1, ""), (0, 0, "")]
        {
            let sent = ours.writer.send_file(&file, offset, at_most).await.unwrap();
            assert_eq!(sent, part.len() as u64, "from {offset}");
            assert_eq!(theirs.hear(part.len()).await, part.as_bytes());
        }
    });
}

// spec: NET-30
#[test]
fn a_closing_stream_takes_no_file() {
    run(async || {
        let (mut ours, _theirs) = ends().await;
        let file = file_of(b"0123456789").await;
        ours.writer.close();
        let refused = ours.writer.send_file(&file, 0, u64::MAX).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BrokenPipe, "as a write's");
    });
}
