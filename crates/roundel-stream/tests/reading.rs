//! What each read gives, at the end of the stream and over the limit too.

mod support;

use std::io;

use futures::StreamExt;
use roundel_executor::spawn;
use roundel_loop::{Interest, LoopHandle};
use roundel_stream::{ReadError, StreamReader};

use support::{End, ends, run, sockets, turns};

/// The parts of an error that a test compares.
#[derive(Debug, PartialEq)]
enum Failed {
    Incomplete(Vec<u8>, Option<usize>),
    Overrun(usize),
    Other(io::ErrorKind),
}

fn failed<T: std::fmt::Debug>(result: Result<T, ReadError>) -> Failed {
    match result.unwrap_err() {
        ReadError::Incomplete { partial, expected } => Failed::Incomplete(partial, expected),
        ReadError::LimitOverrun { consumed, .. } => Failed::Overrun(consumed),
        other => Failed::Other(other.kind()),
    }
}

/// A reader with a limit, whose bytes have all come.
async fn limited(limit: usize, bytes: &[u8]) -> StreamReader {
    let mut reader = StreamReader::of(bytes);
    reader.set_limit(limit);
    reader
}

// spec: STR-01
#[test]
fn lines_are_limited_to_64_kib() {
    assert_eq!(StreamReader::of("").limit(), 65536);
}

// spec: STR-02
#[test]
fn a_read_brings_what_is_there() {
    run(async || {
        let (End { mut reader, .. }, mut theirs) = ends().await;
        theirs.tell(b"hello").await;
        assert_eq!(reader.read(0).await.unwrap(), b"");
        assert_eq!(reader.read(2).await.unwrap(), b"he");
        assert_eq!(reader.read(100).await.unwrap(), b"llo");
        theirs.tell(b"the ").await;
        theirs.tell(b"rest").await;
        drop(theirs);
        assert_eq!(reader.read_to_end().await.unwrap(), b"the rest");
        assert_eq!(reader.read(100).await.unwrap(), b"");
        assert_eq!(reader.read_to_end().await.unwrap(), b"");
    });
}

#[test]
fn a_read_waits_for_the_first_byte() {
    run(async || {
        let (End { mut reader, .. }, mut theirs) = ends().await;
        let read = spawn(async move { reader.read(100).await.unwrap().to_vec() });
        turns(3).await;
        assert!(!read.is_done());
        theirs.tell(b"x").await;
        assert_eq!(read.await.unwrap(), b"x");
    });
}

// spec: STR-03
#[test]
fn the_limit_is_for_lines_only() {
    run(async || {
        let mut reader = limited(3, b"abcdefghij").await;
        assert_eq!(reader.read(5).await.unwrap(), b"abcde");
        assert_eq!(reader.read_exact(5).await.unwrap(), b"fghij");
    });
}

// spec: STR-04
#[test]
fn a_line_has_its_end_and_the_last_may_lack_it() {
    run(async || {
        let (End { mut reader, .. }, mut theirs) = ends().await;
        theirs.tell(b"one\n\ntwo\nthr").await;
        drop(theirs);
        for line in [&b"one\n"[..], b"\n", b"two\n", b"thr", b"", b""] {
            assert_eq!(reader.read_line().await.unwrap(), line);
        }
    });
}

// spec: STR-05
#[test]
fn a_line_over_the_limit_is_dropped_with_its_end_if_that_has_come() {
    run(async || {
        let mut reader = limited(3, b"1234\nok\n").await;
        assert_eq!(failed(reader.read_line().await), Failed::Overrun(4));
        assert_eq!(reader.read_line().await.unwrap(), b"ok\n");

        let mut reader = limited(3, b"12345").await;
        assert_eq!(failed(reader.read_line().await), Failed::Overrun(5));
        assert_eq!(reader.buffered_bytes(), 0);
        assert!(reader.at_eof() || reader.read_line().await.unwrap().is_empty());
    });
}

// spec: STR-06
#[test]
fn the_end_of_a_line_does_not_count() {
    run(async || {
        let mut reader = limited(3, b"123\n").await;
        assert_eq!(reader.read_line().await.unwrap(), b"123\n");
        let mut reader = limited(3, b"123\r\n").await;
        assert_eq!(reader.read_until(b"\r\n").await.unwrap(), b"123\r\n");
    });
}

// spec: STR-07
#[test]
fn a_separator_is_found_however_it_was_cut() {
    run(async || {
        for cut in 1..8 {
            let (End { mut reader, .. }, mut theirs) = ends().await;
            let bytes = b"ab\r\n\r\ncd";
            theirs.tell(&bytes[..cut]).await;
            let read = spawn(async move {
                let head = reader.read_until(b"\r\n\r\n").await.unwrap().to_vec();
                (head, reader.read_to_end().await.unwrap())
            });
            turns(2).await;
            theirs.tell(&bytes[cut..]).await;
            drop(theirs);
            let (head, rest) = read.await.unwrap();
            assert_eq!((&head[..], &rest[..]), (&b"ab\r\n\r\n"[..], &b"cd"[..]));
        }
    });
}

// spec: STR-08, STR-09
#[test]
fn a_separator_behind_the_limit_says_what_can_be_read_without_it() {
    run(async || {
        let mut reader = limited(3, b"12345ABC").await;
        assert_eq!(failed(reader.read_until(b"AB").await), Failed::Overrun(5));
        assert_eq!(reader.buffered_bytes(), 8);
        assert_eq!(reader.read_exact(5).await.unwrap(), b"12345");
        assert_eq!(reader.read_until(b"AB").await.unwrap(), b"AB");

        let mut reader = limited(3, b"12345A").await;
        assert_eq!(failed(reader.read_until(b"AB").await), Failed::Overrun(6 + 1 - 2));
        assert_eq!(reader.buffered_bytes(), 6);
    });
}

// spec: STR-10
#[test]
fn the_end_before_a_separator_gives_back_what_came() {
    run(async || {
        let mut reader = StreamReader::of("abc");
        let expected = Failed::Incomplete(b"abc".to_vec(), None);
        assert_eq!(failed(reader.read_until(b"\n").await), expected);
        assert_eq!(reader.buffered_bytes(), 0);
        assert_eq!(failed(reader.read_until(b"\n").await), Failed::Incomplete(Vec::new(), None));

        let (End { mut reader, .. }, mut theirs) = ends().await;
        theirs.tell(b"abc\n").await;
        drop(theirs);
        assert_eq!(reader.read_until(b"\n").await.unwrap(), b"abc\n");
    });
}

// spec: STR-11
#[test]
fn of_several_separators_the_first_to_end_counts_and_none_is_empty() {
    run(async || {
        let mut reader = StreamReader::of("abXcdYYef");
        assert_eq!(reader.read_until_any(&[b"YY", b"X"]).await.unwrap(), b"abX");
        assert_eq!(reader.read_until_any(&[b"cdYY", b"Y"]).await.unwrap(), b"cdY");
        let invalid = Failed::Other(io::ErrorKind::InvalidInput);
        assert_eq!(failed(reader.read_until(b"").await), invalid);
        assert_eq!(failed(reader.read_until_any(&[]).await), invalid);
        assert_eq!(failed(reader.read_until_any(&[b"x", b""]).await), invalid);
        assert_eq!(reader.read_to_end().await.unwrap(), b"Yef");
    });
}

// spec: STR-12
#[test]
fn an_exact_read_brings_all_or_gives_back_what_came() {
    run(async || {
        let (End { mut reader, .. }, mut theirs) = ends().await;
        theirs.tell(b"abcdefg").await;
        drop(theirs);
        assert_eq!(reader.read_exact(0).await.unwrap(), b"");
        assert_eq!(reader.read_exact(4).await.unwrap(), b"abcd");
        let expected = Failed::Incomplete(b"efg".to_vec(), Some(4));
        assert_eq!(failed(reader.read_exact(4).await), expected);
        let early = reader.read_exact(1).await.unwrap_err();
        assert_eq!(io::Error::from(early).kind(), io::ErrorKind::UnexpectedEof);
    });
}

// spec: STR-14
#[test]
fn a_stream_is_at_its_end_when_the_end_has_come_and_all_is_read() {
    run(async || {
        let (End { mut reader, .. }, mut theirs) = ends().await;
        theirs.tell(b"some").await;
        drop(theirs);
        assert!(!reader.at_eof());
        reader.fill().await.unwrap();
        assert!(!reader.at_eof());
        assert_eq!(reader.read(100).await.unwrap(), b"some");
        assert_eq!(reader.read(100).await.unwrap(), b"");
        assert!(reader.at_eof());
    });
}

// spec: STR-16
#[test]
fn a_dropped_read_leaves_all_to_the_next() {
    run(async || {
        let (End { mut reader, .. }, mut theirs) = ends().await;
        theirs.tell(b"half ").await;
        for _ in 0..3 {
            assert!(futures::poll!(Box::pin(reader.read_line())).is_pending());
            turns(2).await;
        }
        theirs.tell(b"a line\n").await;
        assert_eq!(reader.read_line().await.unwrap(), b"half a line\n");
    });
}

// spec: STR-18
#[test]
fn a_large_exact_read_does_not_stop_at_the_limit() {
    run(async || {
        let (End { mut reader, .. }, mut theirs) = ends().await;
        reader.set_limit(10);
        let sender = spawn(async move { theirs.tell(&[7; 1 << 20]).await });
        assert_eq!(reader.read_exact(1 << 20).await.unwrap(), [7; 1 << 20]);
        sender.await.unwrap();
    });
}

// spec: STR-20
#[test]
fn iteration_gives_lines() {
    run(async || {
        let (End { mut reader, .. }, mut theirs) = ends().await;
        theirs.tell(b"one\ntwo\nthree").await;
        drop(theirs);
        let lines: Vec<_> = reader.lines().map(Result::unwrap).collect().await;
        assert_eq!(lines, [&b"one\n"[..], b"two\n", b"three"]);
    });
}

#[test]
fn iteration_goes_on_behind_a_line_over_the_limit() {
    run(async || {
        let mut reader = limited(3, b"1234\nok\n").await;
        let lines: Vec<_> = reader.lines().map(Result::ok).collect().await;
        assert_eq!(lines, [None, Some(b"ok\n".to_vec())]);
    });
}

#[test]
fn a_chunk_is_handed_over_and_into_is_filled_as_far_as_it_goes() {
    run(async || {
        let (End { mut reader, .. }, mut theirs) = ends().await;
        theirs.tell(b"abcdefgh").await;
        let mut room = [0; 3];
        assert_eq!(reader.read_into(&mut []).await.unwrap(), 0);
        assert_eq!(reader.read_into(&mut room).await.unwrap(), 3);
        assert_eq!(&room, b"abc");
        let chunk = reader.read_chunk().await.unwrap().unwrap();
        assert_eq!(&chunk[..], b"defgh");
        drop(theirs);
        assert!(reader.read_chunk().await.unwrap().is_none());
    });
}

#[test]
fn what_is_looked_at_stays_until_it_is_consumed() {
    run(async || {
        let mut reader = StreamReader::of("abc");
        assert_eq!(reader.fill().await.unwrap(), b"abc");
        reader.consume(2);
        assert_eq!(reader.fill().await.unwrap(), b"c");
        reader.consume(1);
        assert_eq!(reader.fill().await.unwrap(), b"");
    });
}

#[test]
fn a_failed_read_fails_again_and_never_looks_like_an_end() {
    run(async || {
        let (ours, theirs) = sockets().await;
        let (mut ours, theirs) = (End::new(ours), LoopHandle::current().attach(theirs));
        // Closing with something unread resets the connection.
        ours.tell(b"unread").await;
        theirs.ready(Interest::READ).await.unwrap();
        drop(theirs);
        let error = ours.reader.read(1).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(error.get_ref().is_some_and(|cause| cause.to_string().contains("receiving")));
        let again = ours.reader.read(1).await.unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::ConnectionReset);
        assert!(!ours.reader.at_eof());
    });
}

#[test]
fn reading_goes_on_behind_the_end_of_writing() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        ours.writer.write_eof().await.unwrap();
        theirs.tell(b"late").await;
        drop(theirs);
        assert_eq!(ours.reader.read_to_end().await.unwrap(), b"late");
    });
}
