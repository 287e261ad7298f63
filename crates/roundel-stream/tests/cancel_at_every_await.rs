//! Every method that waits, dropped at each of its awaits: no byte is lost or doubled.

mod support;

use std::{future::Future, time::Duration};

use futures::StreamExt;
use roundel_executor::{Task, sleep, spawn};
use roundel_sim::{Cut, cancel_at_every_await};
use roundel_stream::{StreamReader, StreamWriter, WaterMarks, copy, copy_bidirectional};

use support::{End, ends, file_of, run_simulated};

const BYTES: &[u8] = b"the first line\nthe second\n\nand the rest of it";

/// Runs each round on a simulated network of its own; returns the operation's polls.
fn at_every_await<R: Future<Output = ()>>(mut round: impl FnMut(Cut) -> R) -> usize {
    cancel_at_every_await(|cut| run_simulated(7, round(cut)))
}

/// Sends `BYTES` in pieces of three, some time apart, and then the end.
fn dripping(mut end: End) -> Task<End> {
    spawn(async move {
        for piece in BYTES.chunks(3) {
            end.tell(piece).await;
            // why: the clock is virtual; the pieces are to come one by one.
            sleep(Duration::from_millis(1)).await;
        }
        end.writer.write_eof().await.unwrap();
        end
    })
}

/// Whatever `read` got before it was dropped, together with what is left, is all there was.
fn check_read(read: impl AsyncFn(&mut StreamReader, Cut) -> Option<Vec<u8>>, least_polls: usize) {
    let polls = at_every_await(async |cut| {
        let (mut ours, theirs) = ends().await;
        let theirs = dripping(theirs);
        let mut all = read(&mut ours.reader, cut).await.unwrap_or_default();
        all.extend(ours.reader.read_to_end().await.unwrap());
        assert_eq!(String::from_utf8_lossy(&all), String::from_utf8_lossy(BYTES));
        theirs.await.unwrap();
    });
    assert!(polls >= least_polls, "{polls} polls: it never waited");
}

#[test]
fn a_dropped_read_loses_nothing() {
    check_read(
        async |reader, cut| cut.short(async { reader.read(5).await.unwrap().to_vec() }).await,
        2,
    );
    check_read(
        async |reader, cut| {
            let chunk = cut.short(reader.read_chunk()).await;
            chunk.map(|chunk| chunk.unwrap().unwrap().to_vec())
        },
        2,
    );
    check_read(
        async |reader, cut| {
            let mut room = [0; 5];
            let len = cut.short(reader.read_into(&mut room)).await;
            len.map(|len| room[..len.unwrap()].to_vec())
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
        async |reader, cut| cut.short(async { reader.read_line().await.unwrap().to_vec() }).await,
        5,
    );
    check_read(
        async |reader, cut| {
            cut.short(async { reader.read_until(b"\n\n").await.unwrap().to_vec() }).await
        },
        8,
    );
    check_read(
        async |reader, cut| {
            cut.short(async { reader.read_until_any(&[b"rest", b"\n\n"]).await.unwrap().to_vec() })
                .await
        },
        8,
    );
    check_read(
        async |reader, cut| cut.short(async { reader.read_to_end().await.unwrap() }).await,
        15,
    );
    check_read(
        async |reader, cut| {
            cut.short(async {
                reader.fill().await.unwrap();
            })
            .await
            .map(|()| Vec::new())
        },
        2,
    );
    check_read(
        async |reader, cut| {
            cut.short(async { reader.lines().next().await.unwrap().unwrap() }).await
        },
        5,
    );
}

/// More than the high mark, less than is worth waiting for.
const MUCH: usize = 400_000;

/// However far `write` got, `MUCH` bytes arrive, or none if it was dropped before it began.
fn check_write(
    write: impl AsyncFn(&mut StreamWriter, Cut),
    at_least: impl Fn(usize) -> usize,
    least_polls: usize,
) {
    let polls = at_every_await(async |cut| {
        let at = cut.at();
        let (mut ours, mut theirs) = ends().await;
        ours.writer.set_limits(WaterMarks::high_at(100));
        let reader = spawn(async move {
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
                sleep(Duration::from_millis(1)).await;
            }
            heard
        });
        write(&mut ours.writer, cut).await;
        drop(ours.writer);
        assert_eq!(reader.await.unwrap(), at_least(at));
    });
    assert!(polls >= least_polls, "{polls} polls: it never waited");
}

fn much() -> Vec<u8> {
    (0..MUCH).map(|nth| (nth % 251) as u8).collect()
}

fn all_once_polled(at: usize) -> usize {
    if at == 0 { 0 } else { MUCH }
}

#[test]
fn a_dropped_write_is_sent_all_the_same_once() {
    check_write(
        async |writer, cut| {
            cut.short(writer.write(much())).await.map(Result::unwrap);
        },
        all_once_polled,
        2,
    );
    check_write(
        async |writer, cut| {
            let parts = much().chunks(1000).map(Into::into).collect();
            cut.short(writer.write_vectored(parts)).await.map(Result::unwrap);
        },
        all_once_polled,
        2,
    );
}

#[test]
fn a_dropped_wait_changes_nothing() {
    check_write(
        async |writer, cut| {
            writer.write_buffered(&much()).unwrap();
            cut.short(writer.drain()).await.map(Result::unwrap);
        },
        |_| MUCH,
        2,
    );
    check_write(
        async |writer, cut| {
            writer.write_buffered(&much()).unwrap();
            cut.short(writer.flush()).await.map(Result::unwrap);
        },
        |_| MUCH,
        2,
    );
    check_write(
        async |writer, cut| {
            writer.write_buffered(&much()).unwrap();
            cut.short(writer.write_eof()).await.map(Result::unwrap);
        },
        |_| MUCH,
        2,
    );
    check_write(
        async |writer, cut| {
            writer.write_buffered(&much()).unwrap();
            cut.short(writer.closed()).await.map(Result::unwrap);
        },
        |_| MUCH,
        2,
    );
}

#[test]
fn a_dropped_copy_is_gone_on_with() {
    let polls = at_every_await(async |cut| {
        let (mut near, theirs) = ends().await;
        let theirs = dripping(theirs);
        let (mut far, mut end) = ends().await;
        cut.short(copy(&mut near.reader, &mut far.writer)).await.map(Result::unwrap);
        copy(&mut near.reader, &mut far.writer).await.unwrap();
        far.writer.write_eof().await.unwrap();
        assert_eq!(end.reader.read_to_end().await.unwrap(), BYTES);
        theirs.await.unwrap();
    });
    assert!(polls >= 15, "{polls}");
}

#[test]
fn a_dropped_copy_of_both_directions_is_gone_on_with() {
    let polls = at_every_await(async |cut| {
        let (mut one, theirs) = ends().await;
        let (mut other, far) = ends().await;
        let (theirs, far) = (dripping(theirs), dripping(far));
        cut.short(copy_bidirectional(
            (&mut one.reader, &mut one.writer),
            (&mut other.reader, &mut other.writer),
        ))
        .await
        .map(Result::unwrap);
        copy_bidirectional(
            (&mut one.reader, &mut one.writer),
            (&mut other.reader, &mut other.writer),
        )
        .await
        .unwrap();
        for end in [theirs, far] {
            assert_eq!(end.await.unwrap().reader.read_to_end().await.unwrap(), BYTES);
        }
    });
    assert!(polls >= 15, "{polls}");
}

#[test]
fn a_dropped_send_of_a_file_has_sent_the_begin_of_it() {
    let content: Vec<u8> = (0..4_000_007).map(|nth| (nth % 251) as u8).collect();
    let content = content.as_slice();
    let polls = at_every_await(async |cut| {
        let (mut ours, mut theirs) = ends().await;
        let file = file_of(content).await;
        ours.writer.set_limits(WaterMarks::high_at(20_000));
        let reading = spawn(async move { theirs.reader.read_to_end().await.unwrap().to_vec() });
        cut.short(ours.writer.send_file(&file, 0, u64::MAX)).await;
        ours.writer.write(b"tail").await.unwrap();
        ours.writer.write_eof().await.unwrap();
        let all = reading.await.unwrap();
        let (sent, tail) = all.split_at(all.len() - 4);
        assert!(tail == b"tail" && content.starts_with(sent));
    });
    assert!(polls >= 3, "{polls} polls: it never waited");
}
