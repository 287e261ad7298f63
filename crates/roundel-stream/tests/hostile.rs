//! Peers that do not behave: memory stays bounded, the error is clear, and the stream goes on where
//! it can.

mod support;

use futures::poll;
use roundel_executor::spawn;
use roundel_stream::{ReadError, WaterMarks};

use support::{End, ends, run, turns};

/// More than any socket's buffer holds.
const MUCH: usize = 12 << 20;

/// What a reader may hold beside its limit: one receive.
const ONE_RECEIVE: usize = 256 << 10;

#[test]
fn a_line_without_end_is_refused_again_and_again_and_never_kept() {
    run(async || {
        let (mut ours, End { mut writer, .. }) = ends().await;
        ours.reader.set_limit(10_000);
        let flood = spawn(async move { writer.write(vec![b'x'; MUCH]).await });
        let mut dropped = 0;
        while dropped < MUCH {
            let Err(ReadError::LimitOverrun { consumed, limit }) = ours.reader.read_line().await
            else {
                break;
            };
            assert!(consumed > limit && consumed <= limit + ONE_RECEIVE);
            assert!(ours.reader.buffered_bytes() <= ONE_RECEIVE);
            dropped += consumed;
        }
        // What is left is within the limit, and the last line.
        assert!(dropped >= MUCH - 10_000);
        flood.await.unwrap().unwrap();
    });
}

// spec: STR-17
#[test]
fn a_reader_that_is_not_read_lets_its_peer_wait() {
    run(async || {
        let (mut ours, End { mut writer, .. }) = ends().await;
        let flood = spawn(async move { writer.write(vec![b'x'; MUCH]).await });
        ours.reader.fill().await.unwrap();
        turns(20).await;
        assert!(ours.reader.buffered_bytes() <= ONE_RECEIVE);
        assert!(!flood.is_done());
        assert_eq!(ours.reader.read_exact(MUCH).await.unwrap().len(), MUCH);
        flood.await.unwrap().unwrap();
    });
}

#[test]
fn a_separator_that_never_comes_stops_the_receiving() {
    run(async || {
        let (mut ours, End { mut writer, .. }) = ends().await;
        ours.reader.set_limit(10_000);
        let flood = spawn(async move { writer.write(vec![b'x'; MUCH]).await });
        for _ in 0..3 {
            let error = ours.reader.read_until(b"\r\n\r\n").await.unwrap_err();
            assert!(matches!(error, ReadError::LimitOverrun { .. }), "{error}");
            assert!(ours.reader.buffered_bytes() <= 10_000 + ONE_RECEIVE);
        }
        drop(ours);
        flood.await.unwrap().unwrap_err();
    });
}

#[test]
fn a_peer_that_drips_keeps_nobody_else_waiting_and_no_more_than_its_line() {
    run(async || {
        let (mut slow, mut drip) = ends().await;
        let (mut quick, mut other) = ends().await;
        for nth in 0..200 {
            drip.tell(b"x").await;
            assert!(poll!(Box::pin(slow.reader.read_line())).is_pending());
            other.tell(b"question\n").await;
            assert_eq!(quick.reader.read_line().await.unwrap(), b"question\n");
            assert!(slow.reader.buffered_bytes() <= nth + 1);
        }
        drip.tell(b"\n").await;
        assert_eq!(slow.reader.read_line().await.unwrap().len(), 201);
    });
}

#[test]
fn a_peer_that_never_reads_makes_writers_wait_and_not_grow() {
    run(async || {
        let (mut ours, theirs) = ends().await;
        ours.writer.set_limits(WaterMarks::high_at(100_000));
        let piece = vec![1; 10_000];
        let mut written = 0;
        while poll!(Box::pin(ours.writer.write(&piece[..]))).is_ready() {
            written += piece.len();
            assert!(ours.writer.buffered_bytes() <= 110_000);
            assert!(written < MUCH, "nobody reads, and all is written");
        }
        assert!(ours.writer.buffered_bytes() <= 110_000);
        ours.writer.abort();
        drop(theirs);
    });
}

#[test]
fn a_reset_in_the_middle_of_a_line_is_told_and_what_came_before_is_not_lost() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        theirs.tell(b"one line\nand a half").await;
        assert_eq!(ours.reader.read_line().await.unwrap(), b"one line\n");
        // Its end is in order; a write into it makes the peer's kernel reset the connection.
        theirs.writer.abort();
        drop(theirs);
        ours.writer.write(vec![1; MUCH]).await.unwrap_err();
        match ours.reader.read_line().await {
            Ok(rest) => assert_eq!(rest, b"and a half"),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                assert!(ours.reader.buffered_bytes() <= 10);
            }
        }
    });
}
