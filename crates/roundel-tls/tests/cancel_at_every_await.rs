//! Every method that waits, dropped at each of its awaits: a handshake closes its stream, and behind
//! it no byte is lost or doubled.

mod support;

use std::{future::Future, time::Duration};

use futures::FutureExt;
use roundel_executor::{sleep, spawn, timeout};
use roundel_net::serve;
use roundel_sim::{Cut, cancel_at_every_await};
use roundel_stream::{StreamReader, StreamWriter, WaterMarks};
use support::{
    MS, acceptor, address, connections, connector, listen, localhost, run_simulated, streams,
};

/// Runs each round on a simulated network of its own; returns the operation's polls.
fn at_every_await<R: Future<Output = ()> + 'static>(mut round: impl FnMut(Cut) -> R) -> usize {
    cancel_at_every_await(|cut| {
        run_simulated(7, round(cut));
    })
}

// spec: TLS-10
#[test]
fn a_dropped_connect_closes_what_it_opened() {
    let polls = at_every_await(async |cut| {
        let acceptor = acceptor();
        let server = serve(listen().await, async move |connection| {
            // An end that is cut off, if anything.
            if let Ok(mut stream) = acceptor.accept(connection).await {
                stream.writer.closed().await.ok();
            }
        });
        let target = ("localhost", address(&server).port());
        if let Some(stream) = cut.short(connector().connect(target)).await {
            stream.unwrap().writer.closed().await.unwrap();
        }
        assert_eq!(server.drain(Duration::from_secs(1)).await.aborted, 0);
    });
    assert!(polls > 2, "{polls}");
}

// spec: TLS-10
#[test]
fn a_dropped_accept_closes_its_connection() {
    let polls = at_every_await(async |cut| {
        let (ours, theirs) = connections().await;
        let client = spawn(async move { connector().open(localhost(), ours).await });
        let accepted = cut.short(acceptor().accept(theirs).map(Result::unwrap)).await;
        let is_accepted = accepted.is_some();
        drop(accepted);
        // The client has heard of it, in the handshake or behind.
        let read = match client.await.unwrap() {
            Ok(mut stream) => stream.reader.read(1).await.map(<[u8]>::len),
            Err(error) => Err(error.into()),
        };
        assert_eq!(read.is_ok(), is_accepted, "{read:?}");
    });
    assert!(polls > 2, "{polls}");
}

const BYTES: &[u8] = b"the first line\nthe second\n\nand the rest of it";

/// Whatever `read` got before it was dropped, together with what is left, is all there was.
fn check_read(
    read: impl AsyncFn(&mut StreamReader, Cut) -> Option<Vec<u8>> + Clone + 'static,
    least_polls: usize,
) {
    let polls = at_every_await(|cut| {
        let read = read.clone();
        async move {
            let (mut ours, mut theirs) = streams().await;
            let theirs = spawn(async move {
                for piece in BYTES.chunks(3) {
                    theirs.writer.write(piece).await.unwrap();
                    // why: the clock is virtual; the pieces are to come one by one.
                    sleep(MS).await;
                }
                theirs.writer.closed().await.unwrap();
            });
            let mut all = read(&mut ours.reader, cut).await.unwrap_or_default();
            all.extend(ours.reader.read_to_end().await.unwrap());
            assert_eq!(String::from_utf8_lossy(&all), String::from_utf8_lossy(BYTES));
            ours.writer.closed().await.unwrap();
            theirs.await.unwrap();
        }
    });
    assert!(polls >= least_polls, "{polls} polls: it never waited");
}

#[test]
fn a_dropped_read_loses_nothing() {
    check_read(
        async |reader, cut| {
            let chunk = cut.short(reader.read_chunk()).await;
            chunk.map(|chunk| chunk.unwrap().unwrap().to_vec())
        },
        2,
    );
    check_read(
        async |reader, cut| {
            cut.short(async { reader.read_exact(20).await.unwrap().to_vec() }).await
        },
        5,
    );
    check_read(
        async |reader, cut| cut.short(async { reader.read_to_end().await.unwrap() }).await,
        15,
    );
}

/// More than the high mark, less than is worth waiting for.
const MUCH: usize = 400_000;

/// However far `write` got, all bytes arrive, or none if it was dropped before it began.
fn check_write(write: impl AsyncFn(&mut StreamWriter, Cut) + Clone + 'static, if_not_begun: usize) {
    let polls = at_every_await(|cut| {
        let write = write.clone();
        async move {
            let expected = if cut.at() == 0 { if_not_begun } else { MUCH };
            let (mut ours, mut theirs) = streams().await;
            ours.writer.set_limits(WaterMarks::high_at(100));
            let reading = spawn(async move {
                let mut heard = 0;
                while let Some(chunk) = theirs.reader.read_chunk().await.unwrap() {
                    assert!(
                        chunk
                            .iter()
                            .enumerate()
                            .all(|(nth, byte)| usize::from(*byte) == (heard + nth) % 251)
                    );
                    heard += chunk.len();
                    // why: the clock is virtual; a slow reader is to keep the writer waiting.
                    sleep(MS).await;
                }
                theirs.writer.closed().await.ok();
                heard
            });
            write(&mut ours.writer, cut).await;
            drop(ours.writer);
            assert_eq!(reading.await.unwrap(), expected);
            // why: the clock is virtual; the peer's end is on its way.
            sleep(Duration::from_secs(1)).await;
        }
    });
    assert!(polls >= 2, "{polls} polls: it never waited");
}

fn much() -> Vec<u8> {
    (0..MUCH).map(|nth| (nth % 251) as u8).collect()
}

#[test]
fn a_dropped_write_or_close_is_done_all_the_same_once() {
    check_write(
        async |writer, cut| {
            cut.short(writer.write(much())).await.map(Result::unwrap);
        },
        0,
    );
    check_write(
        async |writer, cut| {
            writer.write_buffered(&much()).unwrap();
            cut.short(writer.write_eof()).await.map(Result::unwrap);
        },
        MUCH,
    );
    check_write(
        async |writer, cut| {
            writer.write_buffered(&much()).unwrap();
            cut.short(writer.closed()).await.map(Result::unwrap);
        },
        MUCH,
    );
}

// spec: TLS-09
#[test]
fn a_close_that_nobody_waits_for_any_more_ends_within_its_limit() {
    let polls = at_every_await(async |cut| {
        let (mut ours, mut theirs) = streams().await;
        cut.short(timeout(MS, ours.writer.closed())).await;
        drop(ours);
        assert_eq!(theirs.reader.read(1).await.unwrap(), b"");
        sleep(Duration::from_secs(40)).await;
        theirs.writer.abort();
    });
    assert!(polls >= 2, "{polls}");
}
