//! What is sent when, who waits for it, and how a stream ends.

mod support;

use std::{
    io::{ErrorKind, Read},
    net::Shutdown,
};

use roundel_executor::spawn;
use roundel_loop::{Address, Buffer};
use roundel_stream::WaterMarks;

use support::{both_ends, pair, run, tell, turns};

/// More than any socket's buffer holds.
const MUCH: usize = 8 << 20;

#[test]
fn what_is_written_arrives_in_order() {
    run(async {
        let ((_, mut writer), (mut reader, _)) = both_ends();
        let sender = spawn(async move {
            for number in 0..1000_u32 {
                match number % 3 {
                    0 => writer.write(number.to_string().into_bytes()).await.unwrap(),
                    1 => writer.write_buffered(number.to_string().as_bytes()).unwrap(),
                    _ => {
                        let text = number.to_string();
                        let parts: Vec<Buffer> = text.bytes().map(|it| vec![it].into()).collect();
                        writer.write_vectored(parts).await.unwrap();
                    }
                }
            }
        });
        let expected: String = (0..1000).map(|number: u32| number.to_string()).collect();
        assert_eq!(reader.read_to_end().await.unwrap(), expected.as_bytes());
        sender.await.unwrap();
    });
}

// spec: STW-01
#[test]
fn a_buffered_write_never_waits_and_goes_out_by_itself() {
    run(async {
        let (_reader, mut writer, mut theirs) = pair();
        writer.write_buffered(b"one ").unwrap();
        writer.write_buffered(b"two").unwrap();
        assert_eq!(writer.buffered_bytes(), 7);
        turns(3).await;
        let mut room = [0; 100];
        let len = theirs.read(&mut room).unwrap();
        assert_eq!(&room[..len], b"one two");
    });
}

// spec: STW-02
#[test]
fn a_drain_below_the_high_mark_is_ready_at_once() {
    run(async {
        let (_reader, mut writer, _theirs) = pair();
        writer.write_buffered(b"little").unwrap();
        assert!(futures::poll!(Box::pin(writer.drain())).is_ready());
    });
}

// spec: STW-03
#[test]
fn a_drain_above_the_high_mark_waits_for_the_peer() {
    run(async {
        let ((_r, mut writer), (mut reader, _w)) = both_ends();
        writer.write_buffered(&vec![1; MUCH]).unwrap();
        assert!(futures::poll!(Box::pin(writer.drain())).is_pending());
        let drained = spawn(async move {
            writer.drain().await.unwrap();
            writer
        });
        turns(5).await;
        assert!(!drained.is_done());
        assert_eq!(reader.read_exact(MUCH).await.unwrap().len(), MUCH);
        assert_eq!(drained.await.unwrap().buffered_bytes(), 0);
    });
}

#[test]
fn a_write_waits_only_above_the_high_mark() {
    run(async {
        let (_reader, mut writer, _theirs) = pair();
        writer.set_limits(WaterMarks::high_at(2 * MUCH));
        assert!(futures::poll!(Box::pin(writer.write(vec![1; MUCH]))).is_ready());
        assert!(futures::poll!(Box::pin(writer.write(vec![1; MUCH]))).is_ready());
        assert!(futures::poll!(Box::pin(writer.write(b"x"))).is_pending());
        assert_eq!(writer.buffered_bytes(), 2 * MUCH + 1);
    });
}

// spec: STW-05, STW-06, STW-07
#[test]
fn a_close_sends_what_is_unsent_and_leaves_what_was_received() {
    run(async {
        let ((mut reader, mut writer), (mut far_reader, mut far_writer)) = both_ends();
        far_writer.write(b"received").await.unwrap();
        assert_eq!(reader.fill().await.unwrap(), b"received");
        assert!(futures::poll!(Box::pin(writer.write(vec![1; MUCH]))).is_pending());
        assert!(!writer.is_closing());
        writer.close();
        writer.close();
        assert!(writer.is_closing());
        let error = writer.write(b"more").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let all = spawn(async move { far_reader.read_to_end().await.unwrap().len() });
        writer.closed().await.unwrap();
        assert_eq!(all.await.unwrap(), MUCH);
        assert_eq!(reader.read_to_end().await.unwrap(), b"received");
        assert!(reader.at_eof());
    });
}

// spec: STW-08, STW-09
#[test]
fn the_end_of_writing_is_seen_by_the_peer_and_reading_goes_on() {
    run(async {
        let (mut reader, mut writer, mut theirs) = pair();
        assert!(writer.can_write_eof());
        writer.write_buffered(b"last words").unwrap();
        writer.write_eof().await.unwrap();
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).unwrap();
        assert_eq!(all, b"last words");
        tell(&theirs, b"answer\n");
        assert_eq!(reader.read_line().await.unwrap(), b"answer\n");
        assert_eq!(writer.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_dropped_writer_sends_what_is_unsent_and_ends() {
    run(async {
        let ((mut reader, mut writer), (mut far_reader, mut far_writer)) = both_ends();
        assert!(futures::poll!(Box::pin(writer.write(vec![1; MUCH]))).is_pending());
        drop(writer);
        assert_eq!(far_reader.read_to_end().await.unwrap().len(), MUCH);
        far_writer.write(b"still heard").await.unwrap();
        assert_eq!(reader.read(100).await.unwrap(), b"still heard");
    });
}

#[test]
fn the_connection_closes_with_both_its_ends() {
    run(async {
        let (reader, writer, mut theirs) = pair();
        drop(reader);
        drop(writer);
        assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
    });
}

#[test]
fn an_abort_drops_what_is_unsent() {
    run(async {
        let ((mut reader, mut writer), (mut far_reader, _far_writer)) = both_ends();
        assert!(futures::poll!(Box::pin(writer.write(vec![1; MUCH]))).is_pending());
        writer.abort();
        assert_eq!(writer.buffered_bytes(), 0);
        writer.closed().await.unwrap();
        assert!(far_reader.read_to_end().await.unwrap().len() < MUCH);
        assert_eq!(reader.read(1).await.unwrap(), b"");
    });
}

// spec: STW-10
#[test]
fn addresses_and_credentials_are_methods() {
    run(async {
        let (reader, mut writer, _theirs) = pair();
        assert!(matches!(writer.peer_address().unwrap(), Address::Unix(_)));
        assert!(reader.local_address().is_ok());
        assert_eq!(writer.peer_credentials().unwrap().process, std::process::id() as i32);
        writer.closed().await.unwrap();
        assert_eq!(writer.peer_address().unwrap_err().kind(), ErrorKind::NotConnected);
    });
}

#[test]
fn a_failed_write_is_told_at_once_or_by_the_next() {
    run(async {
        let (_reader, mut writer, theirs) = pair();
        theirs.shutdown(Shutdown::Both).unwrap();
        drop(theirs);
        // On completion the first is only accepted.
        let first = writer.write(b"one").await;
        let flushed = writer.flush().await;
        assert_eq!(first.and(flushed).unwrap_err().kind(), ErrorKind::BrokenPipe);
        for _ in 0..2 {
            assert_eq!(writer.write(b"two").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
            assert_eq!(writer.write_buffered(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        }
        writer.closed().await.unwrap_err();
    });
}

#[test]
fn a_reset_ends_a_waiting_write() {
    run(async {
        let ((_reader, mut writer), far) = both_ends();
        let write = spawn(async move { writer.write(vec![1; MUCH]).await });
        turns(3).await;
        drop(far);
        let kind = write.await.unwrap().unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind}");
    });
}
