//! `Trace`: what happened, in order; hashed always, the last of it kept to be shown.
//!
//! Two runs of one seed are the same run if and only if their hashes are the same. So whatever
//! happens goes into the hash: times, hosts, and the content of every message.

use std::{fmt, time::Duration};

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
    /// How much: bytes, call-backs; of "task" and "task ended" the task's number.
    pub amount: u64,
}

impl fmt::Display for TraceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, host, what, other, amount } = self;
        write!(f, "{:>14.9}  host {host:<4} {what:<12} {amount:>8}", at.as_secs_f64())?;
        if other == host { Ok(()) } else { write!(f, "  from host {other}") }
    }
}

/// An event, as it is noted: its time in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted {
    pub(crate) at: u64,
    pub(crate) host: u32,
    pub(crate) what: &'static str,
    pub(crate) other: u32,
    pub(crate) amount: u64,
}

impl From<Noted> for TraceEvent {
    fn from(Noted { at, host, what, other, amount }: Noted) -> Self {
        Self { at: Duration::from_nanos(at), host, what, other, amount }
    }
}

/// What happened so far.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    hash: u64,
    count: u64,
    /// A ring, unless all are kept.
    last: Vec<Noted>,
    oldest: usize,
    keeps_all: bool,
}

/// How many of the last events are shown with a failure.
const SHOWN: usize = 40;

impl Trace {
    pub(crate) fn new() -> Self {
        Self { hash: 0, count: 0, last: Vec::new(), oldest: 0, keeps_all: false }
    }

    /// Keeps all from now on.
    pub(crate) fn keep_all(&mut self) {
        self.last.rotate_left(self.oldest);
        (self.oldest, self.keeps_all) = (0, true);
    }

    /// Notes what happened; `content` stands for what the event does not show.
    // Inlined, since `what` is a constant: so its hash is one too.
    #[inline(always)]
    pub(crate) fn note(&mut self, event: Noted, content: u64) {
        let what = event.what.bytes().fold(event.what.len() as u64, |hash, byte| {
            (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(FACTOR)
        });
        self.note_hashed(event, what, content);
    }

    fn note_hashed(&mut self, event: Noted, what: u64, content: u64) {
        let about = u64::from(event.host) << 32 | u64::from(event.other);
        for word in [event.at, about, what, event.amount, content] {
            self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
        }
        self.hash = mixed(self.hash);
        self.count += 1;
        if self.keeps_all || self.last.len() < SHOWN {
            self.last.push(event);
        } else {
            self.last[self.oldest] = event;
            self.oldest = if self.oldest + 1 == SHOWN { 0 } else { self.oldest + 1 };
        }
    }

    pub(crate) fn keeps_all(&self) -> bool {
        self.keeps_all
    }

    /// Adds what only a trace that is kept whole shows, and what makes no run another.
    pub(crate) fn show(&mut self, event: Noted) {
        if self.keeps_all {
            self.last.push(event);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = TraceEvent> {
        let (newer, older) = self.last.split_at(self.oldest);
        older.iter().chain(newer).map(|&noted| noted.into())
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
