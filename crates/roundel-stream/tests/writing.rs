//! What is sent when, who waits for it, and how a stream ends.

mod support;

use std::{cell::Cell, io::ErrorKind, rc::Rc};

use futures::poll;
use roundel_executor::spawn;
use roundel_loop::{Address, Buffer, Interest, LoopHandle};
use roundel_stream::WaterMarks;

use support::{End, ends, run, sockets, turns};

/// More than any socket's buffer holds.
const MUCH: usize = 12 << 20;

#[test]
fn what_is_written_arrives_in_order() {
    run(async || {
        let (End { mut writer, .. }, End { mut reader, .. }) = ends().await;
        let sender = spawn(async move {
            for number in 0..1000_u32 {
                let text = number.to_string();
                match number % 3 {
                    0 => writer.write(text.into_bytes()).await.unwrap(),
                    1 => writer.write_buffered(text.as_bytes()).unwrap(),
                    _ => {
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
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        ours.writer.write_buffered(b"one ").unwrap();
        ours.writer.write_buffered(b"two").unwrap();
        assert_eq!(ours.writer.buffered_bytes(), 7);
        assert_eq!(theirs.reader.read(100).await.unwrap(), b"one two");
        assert_eq!(ours.writer.buffered_bytes(), 0);
    });
}

// spec: STW-02
#[test]
fn a_drain_below_the_high_mark_is_ready_at_once() {
    run(async || {
        let (mut ours, _theirs) = ends().await;
        ours.writer.write_buffered(b"little").unwrap();
        assert!(poll!(Box::pin(ours.writer.drain())).is_ready());
    });
}

// spec: STW-03
#[test]
fn a_drain_above_the_high_mark_waits_for_the_peer() {
    run(async || {
        let (End { mut writer, .. }, mut theirs) = ends().await;
        writer.write_buffered(&vec![1; MUCH]).unwrap();
        let drained = spawn(async move {
            writer.drain().await.unwrap();
            writer
        });
        turns(5).await;
        assert!(!drained.is_done());
        assert_eq!(theirs.reader.read_exact(MUCH).await.unwrap().len(), MUCH);
        assert_eq!(drained.await.unwrap().buffered_bytes(), 0);
    });
}

#[test]
fn a_write_waits_only_above_the_high_mark() {
    run(async || {
        let (mut ours, _theirs) = ends().await;
        ours.writer.set_limits(WaterMarks::high_at(2 * MUCH));
        assert!(poll!(Box::pin(ours.writer.write(vec![1; MUCH]))).is_ready());
        assert!(poll!(Box::pin(ours.writer.write(vec![1; MUCH]))).is_ready());
        assert!(poll!(Box::pin(ours.writer.write(b"x"))).is_pending());
        assert_eq!(ours.writer.buffered_bytes(), 2 * MUCH + 1);
        ours.writer.abort();
    });
}

// spec: STW-05, STW-06, STW-07
#[test]
fn a_close_sends_what_is_unsent_and_leaves_what_was_received() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        theirs.tell(b"received").await;
        assert_eq!(ours.reader.fill().await.unwrap(), b"received");
        assert!(poll!(Box::pin(ours.writer.write(vec![1; MUCH]))).is_pending());
        assert!(!ours.writer.is_closing());
        ours.writer.close();
        ours.writer.close();
        assert!(ours.writer.is_closing());
        let error = ours.writer.write(b"more").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        let all = spawn(async move { theirs.reader.read_to_end().await.unwrap().len() });
        ours.writer.closed().await.unwrap();
        assert_eq!(all.await.unwrap(), MUCH);
        assert_eq!(ours.reader.read_to_end().await.unwrap(), b"received");
        assert!(ours.reader.at_eof());
    });
}

// spec: STW-08, STW-09
#[test]
fn the_end_of_writing_is_seen_by_the_peer_and_reading_goes_on() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        assert!(ours.writer.can_write_eof());
        ours.writer.write_buffered(b"last words").unwrap();
        ours.writer.write_eof().await.unwrap();
        ours.writer.write_eof().await.unwrap();
        assert_eq!(theirs.reader.read_to_end().await.unwrap(), b"last words");
        theirs.tell(b"answer\n").await;
        assert_eq!(ours.reader.read_line().await.unwrap(), b"answer\n");
        assert_eq!(ours.writer.write(b"more").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_dropped_writer_sends_what_is_unsent_and_ends() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        assert!(poll!(Box::pin(ours.writer.write(vec![1; MUCH]))).is_pending());
        drop(ours.writer);
        assert_eq!(theirs.reader.read_to_end().await.unwrap().len(), MUCH);
        theirs.tell(b"still heard").await;
        assert_eq!(ours.reader.read(100).await.unwrap(), b"still heard");
    });
}

#[test]
fn what_is_unsent_goes_out_when_both_ends_are_dropped() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        assert!(poll!(Box::pin(ours.writer.write(vec![1; MUCH]))).is_pending());
        drop(ours);
        assert_eq!(theirs.reader.read_to_end().await.unwrap().len(), MUCH);
    });
}

#[test]
fn the_connection_closes_with_both_its_ends() {
    run(async || {
        let (ours, mut theirs) = ends().await;
        drop(ours.writer);
        assert_eq!(theirs.reader.read(1).await.unwrap(), b"");
        drop(ours.reader);
        let kind = theirs.writer.write(vec![1; MUCH]).await.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind}");
    });
}

#[test]
fn an_abort_drops_what_is_unsent() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        assert!(poll!(Box::pin(ours.writer.write(vec![1; MUCH]))).is_pending());
        ours.writer.abort();
        assert_eq!(ours.writer.buffered_bytes(), 0);
        ours.writer.closed().await.unwrap();
        assert_eq!(ours.reader.read(1).await.unwrap(), b"");
        assert!(theirs.reader.read_to_end().await.unwrap().len() < MUCH);
    });
}

// spec: STW-10
#[test]
fn addresses_are_methods() {
    run(async || {
        let (mut ours, theirs) = ends().await;
        let address = ours.writer.peer_address().unwrap();
        assert!(matches!(address, Address::Inet(_)));
        assert_eq!(address, theirs.reader.local_address().unwrap());
        ours.writer.peer_credentials().unwrap_err();
        ours.writer.closed().await.unwrap();
        assert_eq!(ours.writer.peer_address().unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(ours.reader.local_address().unwrap_err().kind(), ErrorKind::NotConnected);
    });
}

// spec: STW-04
#[test]
fn a_failed_write_is_told_by_all_that_follow() {
    run(async || {
        let (mut ours, theirs) = ends().await;
        drop(theirs);
        let error = ours.writer.write(vec![1; MUCH]).await.unwrap_err();
        assert!(error.get_ref().is_some_and(|cause| cause.to_string().contains("sending")));
        let kind = error.kind();
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind}");
        assert_eq!(ours.writer.write(b"two").await.unwrap_err().kind(), kind);
        assert_eq!(ours.writer.write_buffered(b"x").unwrap_err().kind(), kind);
        assert_eq!(ours.writer.drain().await.unwrap_err().kind(), kind);
        assert_eq!(ours.writer.buffered_bytes(), 0);
        assert_eq!(ours.writer.closed().await.unwrap_err().kind(), kind);
    });
}

#[test]
fn a_reset_ends_a_waiting_write() {
    run(async || {
        let (End { mut writer, .. }, theirs) = ends().await;
        let write = spawn(async move { writer.write(vec![1; MUCH]).await });
        turns(3).await;
        drop(theirs);
        let kind = write.await.unwrap().unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind}");
    });
}

#[test]
fn an_end_that_no_peer_is_left_to_see_is_no_failure() {
    run(async || {
        let (ours, theirs) = sockets().await;
        let (mut ours, theirs) = (End::new(ours), LoopHandle::current().attach(theirs));
        // Closing with something unread resets the connection.
        ours.tell(b"unread").await;
        theirs.ready(Interest::READ).await.unwrap();
        drop(theirs);
        assert_eq!(ours.reader.read(1).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        ours.writer.write_eof().await.unwrap();
        ours.writer.closed().await.unwrap();
    });
}

/// A peer that takes everything, and data that is always there: neither may keep the loop to itself.
#[test]
fn streams_that_never_wait_let_others_have_their_turn() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        let others = Rc::new(Cell::new(0));
        let counted = Rc::clone(&others);
        let other = spawn(async move {
            loop {
                counted.set(counted.get() + 1);
                turns(1).await;
            }
        });
        for _ in 0..1000 {
            ours.writer.write(b"12345678").await.unwrap();
        }
        assert!(others.get() >= 10, "{}", others.get());
        // Simulated time stands still while somebody is busy.
        other.cancel();
        other.await.unwrap_err();
        theirs.hear(8000).await;
    });
}

#[test]
fn what_goes_in_part_is_completed() {
    run(async || {
        let (mut ours, mut theirs) = ends().await;
        let piece: Vec<u8> = (0..15_000).map(|nth| (nth % 251) as u8).collect();
        let send = async {
            for _ in 0..400 {
                ours.writer.write(&piece[..]).await.unwrap();
            }
            ours.writer.write_eof().await.unwrap();
        };
        let (read, ()) = futures::join!(theirs.reader.read_to_end(), send);
        let read = read.unwrap();
        let expected = piece.repeat(400);
        let same = read.iter().zip(&expected).take_while(|(one, other)| one == other).count();
        assert_eq!((same, read.len()), (expected.len(), expected.len()), "lost or doubled");
    });
}
