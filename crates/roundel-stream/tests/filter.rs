//! What goes through a filter: everything a stream does, with what the filter says in between, and
//! the ends of both.

mod support;

use std::{io, ops::ControlFlow, time::Duration};

use futures::poll;
use roundel_executor::{sleep, spawn};
use roundel_loop::LoopHandle;
use roundel_stream::{Filter, WaterMarks, copy_bidirectional, filter};

use support::{End, ends, file_of, run, run_simulated, turns};

/// More than any socket's buffer holds.
const MUCH: usize = 12 << 20;
const LIMIT: Duration = Duration::from_secs(30);

/// A wire on which a `%` is followed by what it means: itself, a question, its answer, the end.
#[derive(Default)]
struct Escaped {
    is_escape: bool,
    ended: bool,
    answers: usize,
    out: Vec<u8>,
}

impl Filter for Escaped {
    fn receive(&mut self, wire: Option<&[u8]>, plain: &mut Vec<u8>) -> io::Result<ControlFlow<()>> {
        let mut wire_left = wire.unwrap_or_default();
        while let (Some(&byte), false) = (wire_left.first(), self.ended) {
            let plain_len =
                wire_left.iter().position(|byte| *byte == b'%').unwrap_or(wire_left.len());
            if !self.is_escape && plain_len > 0 {
                plain.extend_from_slice(&wire_left[..plain_len]);
                wire_left = &wire_left[plain_len..];
                continue;
            }
            wire_left = &wire_left[1..];
            let was_escape = self.is_escape;
            self.is_escape = !was_escape;
            match (was_escape, byte) {
                (false, _) => {}
                (true, b'%') => plain.push(b'%'),
                (true, b'?') => self.out.extend(b"%!"),
                (true, b'!') => self.answers += 1,
                (true, b'.') => self.ended = true,
                (true, other) => {
                    self.out.extend(b"%X");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{other}?")));
                }
            }
        }
        match (wire, self.ended) {
            (_, true) => Ok(ControlFlow::Break(())),
            (Some(_), false) => Ok(ControlFlow::Continue(())),
            (None, false) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn send(&mut self, plain: &[u8]) {
        for part in plain.split_inclusive(|byte| *byte == b'%') {
            self.out.extend_from_slice(part);
            self.out.extend(part.last().filter(|byte| **byte == b'%'));
        }
    }

    fn end(&mut self) {
        self.out.extend(b"%.");
    }

    fn take_wire(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn patience(&self) -> Duration {
        LIMIT
    }
}

impl End {
    fn escaped(mut self) -> Self {
        filter(&mut self.reader, &mut self.writer, Escaped::default()).unwrap();
        self
    }
}

/// A connection that is filtered at one end, and bare at the other.
async fn filtered() -> (End, End) {
    let (ours, wire) = ends().await;
    (ours.escaped(), wire)
}

async fn both_filtered() -> (End, End) {
    let (ours, theirs) = ends().await;
    (ours.escaped(), theirs.escaped())
}

fn much() -> Vec<u8> {
    (0..MUCH).map(|nth| (nth % 251) as u8).collect()
}

// spec: NET-32
#[test]
fn a_file_is_filtered_as_all_else() {
    run(async || {
        let (mut ours, mut wire) = filtered().await;
        let file = file_of(b"100 % of it").await;
        let sent = ours.writer.send_file(&file, 0, u64::MAX).await.unwrap();
        assert_eq!(sent, 11, "as it stands in the file");
        ours.writer.write_eof().await.unwrap();
        let all = wire.reader.read_to_end().await.unwrap();
        assert!(all.starts_with(b"100 %% of it"), "{}", all.escape_ascii());
    });
}

#[test]
fn bytes_are_filtered_both_ways() {
    run(async || {
        let (mut ours, mut wire) = filtered().await;
        ours.writer.write_buffered(b"50 ").unwrap();
        ours.writer.write_buffered(b"%, ").unwrap();
        ours.writer.write(b"or 100 %").await.unwrap();
        let parts = vec![b" of".into(), b" %\n".into()];
        ours.writer.write_vectored(parts).await.unwrap();
        assert_eq!(wire.reader.read_line().await.unwrap(), b"50 %%, or 100 %% of %%\n");
        wire.tell(b"a %% and\nthen %").await;
        assert_eq!(ours.reader.read_line().await.unwrap(), b"a % and\n");
        assert_eq!(ours.reader.read_exact(5).await.unwrap(), b"then ");
        wire.tell(b"%").await;
        assert_eq!(ours.reader.read(9).await.unwrap(), b"%");
    });
}

#[test]
fn what_was_received_ahead_is_filtered_and_what_was_given_out_is_not() {
    run(async || {
        let (mut ours, mut wire) = ends().await;
        wire.tell(b"begin!\n%%%").await;
        assert_eq!(ours.reader.read_line().await.unwrap(), b"begin!\n");
        // A receive that was given up waits for the filter too.
        assert!(poll!(Box::pin(ours.reader.read_exact(99))).is_pending());
        let mut ours = ours.escaped();
        wire.tell(b"% and more").await;
        assert_eq!(ours.reader.read_exact(6).await.unwrap(), b"%% and");
    });
}

#[test]
fn a_filter_answers_by_itself_also_while_much_is_unsent() {
    run(async || {
        let (mut ours, mut wire) = filtered().await;
        wire.tell(b"%?x").await;
        assert_eq!(ours.reader.read(9).await.unwrap(), b"x");
        assert_eq!(wire.hear(2).await, b"%!");
        assert!(poll!(Box::pin(ours.writer.write(vec![7; MUCH]))).is_pending());
        wire.tell(b"%?y").await;
        assert_eq!(ours.reader.read(9).await.unwrap(), b"y");
        let ours = spawn(async move {
            ours.writer.closed().await.unwrap();
        });
        let all = wire.reader.read_to_end().await.unwrap();
        assert_eq!(all.len(), MUCH + 4);
        assert_eq!(&all[MUCH..], b"%!%.");
        drop(wire);
        ours.await.unwrap();
    });
}

#[test]
fn what_comes_before_the_end_or_an_error_is_given_out_first() {
    run(async || {
        let (mut ours, mut wire) = filtered().await;
        wire.tell(b"last words%.ignored").await;
        assert_eq!(ours.reader.read_to_end().await.unwrap(), b"last words");
        assert!(ours.reader.at_eof());
        // Our direction goes on.
        ours.writer.write(b"answer").await.unwrap();
        assert_eq!(wire.hear(6).await, b"answer");

        let (mut ours, mut wire) = filtered().await;
        wire.tell(b"fine\nbad %#").await;
        assert_eq!(ours.reader.read_line().await.unwrap(), b"fine\n");
        let error = ours.reader.read_line().await.unwrap_err();
        assert_eq!(
            (error.kind(), format!("{error:?}").contains("35?")),
            (io::ErrorKind::InvalidData, true)
        );
        assert_eq!(ours.reader.fill().await.unwrap(), b"bad ");
        let error = ours.writer.write(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        ours.writer.closed().await.unwrap_err();
        assert_eq!(wire.reader.read_to_end().await.unwrap(), b"%X");
    });
}

#[test]
fn a_wire_that_ends_without_the_peers_end_is_an_error() {
    run(async || {
        let (mut ours, mut wire) = filtered().await;
        wire.tell(b"half a").await;
        wire.writer.write_eof().await.unwrap();
        assert_eq!(ours.reader.read(9).await.unwrap(), b"half a");
        for _ in 0..2 {
            let error = ours.reader.read(9).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
        // What is written still goes out.
        ours.writer.write(b"answer").await.unwrap();
        ours.writer.closed().await.unwrap();
        assert_eq!(wire.reader.read_to_end().await.unwrap(), b"answer%.");
    });
}

#[test]
fn one_direction_ends_and_the_other_goes_on() {
    run(async || {
        let (mut ours, mut theirs) = both_filtered().await;
        assert!(ours.writer.can_write_eof());
        let sending = spawn(async move {
            ours.writer.write(much()).await.unwrap();
            ours.writer.write_eof().await.unwrap();
            ours.reader.read_to_end().await.unwrap()
        });
        assert!(theirs.reader.read_to_end().await.unwrap() == much());
        theirs.writer.write(b"got 100 %").await.unwrap();
        theirs.writer.closed().await.unwrap();
        assert_eq!(sending.await.unwrap(), b"got 100 %");
    });
}

#[test]
fn a_close_waits_for_the_peers_end_and_drops_what_else_comes() {
    run(async || {
        let (mut ours, mut wire) = filtered().await;
        ours.writer.close();
        assert!(ours.writer.is_closing());
        let mut closed = Box::pin(ours.writer.closed());
        assert!(poll!(&mut closed).is_pending());
        assert_eq!(wire.reader.read_to_end().await.unwrap(), b"%.");
        wire.tell(b"is anybody there%?").await;
        turns(20).await;
        assert!(poll!(&mut closed).is_pending());
        assert_eq!(ours.reader.read_to_end().await.unwrap(), b"");
        wire.tell(b"%.").await;
        closed.await.unwrap();
        assert_eq!(LoopHandle::current().statistics().pending_timers, 0);
    });
}

#[test]
fn a_close_takes_the_wires_end_for_the_peers() {
    run(async || {
        let (mut ours, wire) = filtered().await;
        let mut closed = Box::pin(ours.writer.closed());
        assert!(poll!(&mut closed).is_pending());
        drop(wire);
        closed.await.unwrap();
    });
}

#[test]
fn a_reader_that_waits_is_told_of_the_close() {
    run(async || {
        let (mut ours, mut wire) = filtered().await;
        let reading = spawn(async move { ours.reader.read_to_end().await });
        turns(5).await;
        ours.writer.close();
        assert_eq!(reading.await.unwrap().unwrap(), b"");
        wire.tell(b"%.").await;
        ours.writer.closed().await.unwrap();
    });
}

#[test]
fn a_peer_that_does_not_end_is_waited_for_within_the_limit() {
    run_simulated(3, async {
        let (mut ours, mut wire) = filtered().await;
        let begun = LoopHandle::current().now();
        let error = ours.writer.closed().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(LoopHandle::current().now() - begun, LIMIT);
        assert_eq!(wire.reader.read_to_end().await.unwrap(), b"%.");
        // Nobody waits for the next one: it ends all the same.
        let (mut ours, wire) = filtered().await;
        ours.writer.close();
        drop(ours);
        sleep(LIMIT * 2).await;
        drop(wire);
    });
}

#[test]
fn dropped_ends_say_so_and_an_abort_does_not() {
    run(async || {
        let (ours, mut wire) = filtered().await;
        drop(ours.reader);
        drop(ours.writer);
        assert_eq!(wire.reader.read_to_end().await.unwrap(), b"%.");
        let (ours, mut wire) = filtered().await;
        drop(ours.writer);
        drop(ours.reader);
        assert_eq!(wire.reader.read_to_end().await.unwrap(), b"%.");
        let (mut ours, mut wire) = filtered().await;
        ours.writer.abort();
        assert_eq!(wire.reader.read_to_end().await.unwrap(), b"");
        assert_eq!(ours.reader.read(1).await.unwrap(), b"");
        // In the middle of a close, too.
        let (mut ours, _wire) = filtered().await;
        ours.writer.close();
        ours.writer.abort();
        ours.writer.closed().await.unwrap();
    });
}

#[test]
fn a_filter_on_a_filter_is_on_the_programs_side() {
    run(async || {
        let (ours, mut wire) = filtered().await;
        let mut ours = ours.escaped();
        ours.writer.write(b"%").await.unwrap();
        assert_eq!(wire.hear(4).await, b"%%%%");
        wire.tell(b"%?%%?%%%%x").await;
        assert_eq!(ours.reader.read(9).await.unwrap(), b"%x");
        assert_eq!(wire.hear(5).await, b"%!%%!");
        ours.writer.write_eof().await.unwrap();
        assert_eq!(wire.reader.read_to_end().await.unwrap(), b"%%.%.");
        wire.tell(b"%%.%.").await;
        assert_eq!(ours.reader.read(9).await.unwrap(), b"");

        // The outer one's end in the middle of the inner one is an error of the inner one.
        let (ours, mut wire) = filtered().await;
        let mut ours = ours.escaped();
        wire.tell(b"x%.").await;
        assert_eq!(ours.reader.read(9).await.unwrap(), b"x");
        let error = ours.reader.read(9).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_relay_passes_on_each_end_by_itself() {
    run(async || {
        let (mut client, near) = both_filtered().await;
        let (far, mut server) = both_filtered().await;
        let (mut near, mut far) = (near, far);
        let relay = spawn(async move {
            copy_bidirectional(
                (&mut near.reader, &mut near.writer),
                (&mut far.reader, &mut far.writer),
            )
            .await
        });
        client.writer.write(b"100 %").await.unwrap();
        client.writer.write_eof().await.unwrap();
        assert_eq!(server.reader.read_to_end().await.unwrap(), b"100 %");
        server.writer.write(b"50 %").await.unwrap();
        server.writer.write_eof().await.unwrap();
        assert_eq!(client.reader.read_to_end().await.unwrap(), b"50 %");
        assert_eq!(relay.await.unwrap().unwrap(), (5, 4));
    });
}

#[test]
fn a_peer_that_reads_nothing_makes_writes_wait() {
    run(async || {
        let (mut ours, wire) = filtered().await;
        ours.writer.set_limits(WaterMarks::high_at(1000));
        assert!(poll!(Box::pin(ours.writer.write(vec![1; MUCH]))).is_pending());
        assert_eq!(ours.writer.buffered_bytes(), MUCH);
        assert!(poll!(Box::pin(ours.writer.write(vec![1; 1]))).is_pending());
        ours.writer.abort();
        drop(wire);
    });
}

#[test]
fn ends_of_two_streams_have_no_filter_together() {
    run(async || {
        let (mut ours, mut other) = ends().await;
        assert!(ours.reader.pairs_with(&ours.writer));
        assert!(!ours.reader.pairs_with(&other.writer));
        let error = filter(&mut ours.reader, &mut other.writer, Escaped::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        ours.writer.write_buffered(b"unsent").unwrap();
        let error = filter(&mut ours.reader, &mut ours.writer, Escaped::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}
