//! `Trace`: what happened, in order; hashed always, the last of it kept to be shown.
//!
//! Two runs of one seed are the same run if and only if their hashes are the same. So whatever
//! happens goes into the hash: times, hosts, and the content of every message.

use std::{collections::VecDeque, fmt, time::Duration};

use crate::random::mixed;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// When, since the world's begin.
    pub at: Duration,
    /// To whom: a host's number.
    pub host: u32,
    /// What, as "data" or "turn".
    pub what: &'static str,
    /// From whom or about whom; the host itself where that says nothing.
    pub other: u32,
    /// How much: bytes, call-backs.
    pub amount: u64,
}

impl fmt::Display for TraceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, host, what, other, amount } = self;
        write!(f, "{:>14.9}  host {host:<4} {what:<12} {amount:>8}", at.as_secs_f64())?;
        if other == host { Ok(()) } else { write!(f, "  from host {other}") }
    }
}

/// What happened so far.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    hash: u64,
    count: u64,
    last: VecDeque<TraceEvent>,
    keep: usize,
}

/// How many of the last events are shown with a failure.
const SHOWN: usize = 40;

impl Trace {
    pub(crate) fn new() -> Self {
        Self { hash: 0, count: 0, last: VecDeque::new(), keep: SHOWN }
    }

    /// Keeps all from now on.
    pub(crate) fn keep_all(&mut self) {
        self.keep = usize::MAX;
    }

    /// Notes what happened; `content` stands for what the event does not show.
    pub(crate) fn note(&mut self, event: TraceEvent, content: u64) {
        let about = u64::from(event.host) << 32 | u64::from(event.other);
        let what = event.what.bytes().fold(event.what.len() as u64, |hash, byte| {
            (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(FACTOR)
        });
        for word in [event.at.as_nanos() as u64, about, what, event.amount, content] {
            self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
        }
        self.hash = mixed(self.hash);
        self.count += 1;
        if self.last.len() >= self.keep {
            self.last.pop_front();
        }
        self.last.push_back(event);
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &TraceEvent> {
        self.last.iter()
    }
}

/// Odd, with its bits well mixed: what a fast hash multiplies with.
const FACTOR: u64 = 0x517c_c1b7_2722_0a95;

/// Of some bytes; the same everywhere.
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let whole = words.iter().fold(bytes.len() as u64, |hash, word| {
        (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR)
    });
    rest.iter().fold(whole, |hash, &byte| mixed(hash ^ u64::from(byte)))
}
