//! Any calls of a reader, over bytes that come in any pieces, against a buffer that has them all.

mod support;

use std::{task::Poll, time::Duration};

use futures::poll;
use proptest::prelude::*;
use roundel_executor::sleep;
use roundel_stream::{ReadError, StreamReader};

use support::{End, run_simulated, sockets};

const MUCH: usize = usize::MAX;

#[derive(Clone, Debug)]
enum Call {
    Read(usize),
    ReadInto(usize),
    Chunk,
    Exact(usize),
    Line,
    Until(Vec<Vec<u8>>),
    Fill(usize),
    SetLimit(usize),
    /// Polled once, and dropped if it waits.
    LineCutShort,
    ToEnd,
}

/// What a call came to. Where the pieces may show, in the length of a read, the model takes the
/// length from the stream and checks the bytes.
#[derive(Debug, PartialEq)]
enum Got {
    Bytes(Vec<u8>),
    Incomplete(Vec<u8>, Option<usize>),
    Overrun(usize),
}

fn got(result: Result<&[u8], ReadError>) -> Got {
    match result {
        Ok(bytes) => Got::Bytes(bytes.to_vec()),
        Err(ReadError::Incomplete { partial, expected }) => Got::Incomplete(partial, expected),
        Err(ReadError::LimitOverrun { consumed, .. }) => Got::Overrun(consumed),
        Err(other) => panic!("{other}"),
    }
}

/// The bytes that are left, all known in advance, and the limit.
struct Model {
    rest: Vec<u8>,
    limit: usize,
}

impl Model {
    fn take(&mut self, len: usize) -> Got {
        Got::Bytes(self.rest.drain(..len).collect())
    }

    fn take_exact(&mut self, len: usize) -> Got {
        if len <= self.rest.len() {
            return self.take(len);
        }
        Got::Incomplete(std::mem::take(&mut self.rest), Some(len))
    }

    fn until(&mut self, separators: &[Vec<u8>]) -> Option<Got> {
        let ends = (0..=self.rest.len()).find_map(|end| {
            let shortest = separators.iter().filter(|it| self.rest[..end].ends_with(it));
            shortest.map(|it| it.len()).min().map(|len| (end - len, end))
        });
        match ends {
            Some((begin, _)) if begin > self.limit => None,
            Some((_, end)) => Some(self.take(end)),
            None => {
                let longest = separators.iter().map(|it| it.len()).max().unwrap();
                if (self.rest.len() + 1).saturating_sub(longest) > self.limit {
                    return None;
                }
                Some(Got::Incomplete(std::mem::take(&mut self.rest), None))
            }
        }
    }

    /// As the model has it; none where the limit is overrun, since where the overrun is noticed
    /// depends on the pieces.
    fn line(&mut self) -> Option<Got> {
        match self.until(&[b"\n".to_vec()])? {
            Got::Incomplete(partial, _) => Some(Got::Bytes(partial)),
            got => Some(got),
        }
    }
}

/// Whether the model still knows what is left.
#[derive(PartialEq)]
enum Known {
    Yes,
    No,
}

async fn check(call: Call, reader: &mut StreamReader, model: &mut Model) -> Known {
    match call {
        Call::Read(at_most) => {
            let read = reader.read(at_most).await.unwrap().to_vec();
            assert!(read.len() <= at_most);
            assert_eq!(read.is_empty(), at_most == 0 || model.rest.is_empty());
            assert_eq!(Got::Bytes(read.clone()), model.take(read.len()));
        }
        Call::ReadInto(room) => {
            let mut room = vec![0; room];
            let len = reader.read_into(&mut room).await.unwrap();
            assert_eq!(len == 0, room.is_empty() || model.rest.is_empty());
            assert_eq!(Got::Bytes(room[..len].to_vec()), model.take(len));
        }
        Call::Chunk => match reader.read_chunk().await.unwrap() {
            Some(chunk) => assert_eq!(Got::Bytes(chunk.to_vec()), model.take(chunk.len())),
            None => assert!(model.rest.is_empty()),
        },
        Call::Exact(len) => assert_eq!(got(reader.read_exact(len).await), model.take_exact(len)),
        Call::Line => {
            let line = got(reader.read_line().await);
            return check_line(line, reader, model).await;
        }
        Call::LineCutShort => {
            if let Poll::Ready(line) = poll!(Box::pin(reader.read_line())).map(got) {
                return check_line(line, reader, model).await;
            }
        }
        Call::Until(separators) => {
            let slices: Vec<&[u8]> = separators.iter().map(|it| &it[..]).collect();
            match (got(reader.read_until_any(&slices).await), model.until(&separators)) {
                // Nothing is read, and no separator has begun before `consumed`.
                (Got::Overrun(consumed), None) => {
                    assert!(consumed > model.limit && consumed <= reader.buffered_bytes());
                    let before = Model { rest: model.rest[..consumed].to_vec(), limit: MUCH };
                    assert!(matches!({ before }.until(&separators), Some(Got::Incomplete(..))));
                }
                (read, expected) => assert_eq!(Some(read), expected),
            }
        }
        Call::Fill(at_most) => {
            let there = reader.fill().await.unwrap();
            assert!(model.rest.starts_with(there));
            let len = there.len().min(at_most);
            reader.consume(len);
            model.take(len);
        }
        Call::SetLimit(limit) => {
            reader.set_limit(limit);
            model.limit = limit;
        }
        Call::ToEnd => {
            let rest = reader.read_to_end().await.unwrap();
            assert_eq!(Got::Bytes(rest), model.take(model.rest.len()));
        }
    }
    Known::Yes
}

async fn check_line(line: Got, reader: &mut StreamReader, model: &mut Model) -> Known {
    let Some(expected) = model.line() else {
        let Got::Overrun(consumed) = line else { panic!("{line:?} is over the limit") };
        assert!(consumed > model.limit);
        assert!(!model.rest[..consumed].contains(&b'\n'));
        // The line is dropped as far as it has come; whether its end had come, the pieces decide.
        let rest = reader.read_to_end().await.unwrap();
        let ended = model.rest.get(consumed) == Some(&b'\n');
        assert!(rest == model.rest[consumed..] || ended && rest == model.rest[consumed + 1..]);
        return Known::No;
    };
    assert_eq!(line, expected);
    Known::Yes
}

fn call() -> impl Strategy<Value = Call> {
    let len = || prop_oneof![0..20_usize, 0..10_000_usize];
    // Of few letters, so that separators are there and overlap.
    let separator = || prop::collection::vec(prop::sample::select(&b"ab\n"[..]), 1..4);
    prop_oneof![
        len().prop_map(Call::Read),
        len().prop_map(Call::ReadInto),
        Just(Call::Chunk),
        len().prop_map(Call::Exact),
        Just(Call::Line),
        Just(Call::LineCutShort),
        prop::collection::vec(separator(), 1..4).prop_map(Call::Until),
        len().prop_map(Call::Fill),
        len().prop_map(Call::SetLimit),
        Just(Call::ToEnd),
    ]
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let letters = |letters| prop::collection::vec(prop::sample::select(letters), 0..30);
    prop_oneof![
        4 => letters(&b"aab\n"[..]),
        4 => letters(&b"ab"[..]),
        1 => (1..20_000_usize).prop_map(|len| vec![b'b'; len]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 5_000 }))]

    #[test]
    fn any_reads_of_any_pieces_give_what_a_buffer_of_all_would(
        pieces in prop::collection::vec((piece(), 0..3_u64), 0..12),
        calls in prop::collection::vec(call(), 1..30),
    ) {
        run_simulated(7, async move {
            let (ours, theirs) = sockets().await;
            let (mut ours, mut theirs) = (End::new(ours), End::new(theirs));
            let rest = pieces.iter().flat_map(|(piece, _)| piece.iter().copied()).collect();
            let mut model = Model { rest, limit: ours.reader.limit() };
            let tell = async move {
                for (piece, pause) in pieces {
                    theirs.tell(&piece).await;
                    // why: the clock is virtual; the pieces are to come one by one.
                    sleep(Duration::from_millis(pause)).await;
                }
                // Dropped whole, it would reset what is not read yet.
                theirs.writer.write_eof().await.unwrap();
                theirs
            };
            let read = async {
                for call in calls {
                    if check(call, &mut ours.reader, &mut model).await == Known::No {
                        return;
                    }
                }
                let rest = ours.reader.read_to_end().await.unwrap();
                assert!(rest == model.rest, "{} of {} bytes are left", rest.len(), model.rest.len());
                assert!(ours.reader.at_eof());
            };
            let _both = futures::join!(tell, read);
        });
    }
}
