//! `Watched`: what a readiness driver knows of one source.

use roundel_selector::{Interest, Readiness, Source, Trigger};
use rustix::fd::AsFd;

use crate::{
    Completion, DatagramCalls, Outcome, kernel_socket,
    operation::{Direction, Operation},
    unclaimed::Unclaimed,
};

/// Links of an operation's slot; `NONE` ends a queue.
pub(crate) const NONE: u32 = u32::MAX;

/// Operations that wait in the same direction, first come first served, linked through their slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Queue {
    pub(crate) head: u32,
    pub(crate) tail: u32,
}

impl Queue {
    pub(crate) const EMPTY: Self = Self { head: NONE, tail: NONE };

    pub(crate) fn is_empty(self) -> bool {
        self.head == NONE
    }

    /// Whether exactly one waits.
    pub(crate) fn is_lone(self) -> bool {
        self.head != NONE && self.head == self.tail
    }
}

/// What is known of the descriptor behind a source; asked of the kernel at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unknown,
    /// A short transfer means that the kernel has no more to give or take for now, if no last word
    /// was reported with it.
    Tcp,
    /// Only the kernel's refusal says so. A read of a Unix stream stops at a message that carries
    /// descriptors, one of a packet pipe at the packet's end, and none of it is announced.
    Other,
}

#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) source: Source,
    pub(crate) readers: Queue,
    pub(crate) writers: Queue,
    pub(crate) watchers: Queue,
    /// What has been reported and not yet been disproved by the kernel's refusal. A new source is
    /// assumed ready: trying costs what registering would, and often succeeds.
    ready: Readiness,
    pub(crate) registered: Option<(Interest, Trigger)>,
    pub(crate) kind: Kind,
    pub(crate) calls: DatagramCalls,
    pub(crate) nonblocking: bool,
    /// Somebody watches the bare readiness, which edges cannot answer: level-triggered from then.
    pub(crate) level: bool,
    /// Listed for the next look at its registration.
    pub(crate) changed: bool,
    /// What cancelled operations had already received, for those that come next.
    unclaimed: Option<Box<Unclaimed>>,
    /// How much has come for those who waited: the place of what comes next.
    come: u64,
}

impl Watched {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            readers: Queue::EMPTY,
            writers: Queue::EMPTY,
            watchers: Queue::EMPTY,
            ready: Readiness::READABLE.with(Readiness::WRITABLE),
            registered: None,
            kind: Kind::Unknown,
            calls: DatagramCalls::default(),
            nonblocking: false,
            level: false,
            changed: false,
            unclaimed: None,
            come: 0,
        }
    }

    pub(crate) fn queue(&mut self, direction: Direction) -> &mut Queue {
        match direction {
            Direction::Read => &mut self.readers,
            Direction::Write => &mut self.writers,
            Direction::Watch => &mut self.watchers,
        }
    }

    /// Gives what has come its place in all that has, for the case that it is kept.
    pub(crate) fn arrived(&mut self, completion: &Completion) -> u64 {
        let from = self.come;
        self.come += Unclaimed::places(completion);
        from
    }

    /// Keeps what a cancelled operation had received, where it stood in the order.
    pub(crate) fn keep(&mut self, from: u64, completion: Completion) {
        let is_stream = || kernel_socket::is_stream(self.source.as_fd());
        let unclaimed = self.unclaimed.get_or_insert_with(|| Box::new(Unclaimed::new(is_stream())));
        unclaimed.keep(from, completion);
    }

    /// What an operation gets of what a cancelled one had received; mostly there is nothing.
    #[inline]
    pub(crate) fn claim(&mut self, operation: &mut Operation) -> Option<(u64, Outcome)> {
        if self.unclaimed.is_some() { self.claim_kept(operation) } else { None }
    }

    #[cold]
    fn claim_kept(&mut self, operation: &mut Operation) -> Option<(u64, Outcome)> {
        let unclaimed = self.unclaimed.as_mut()?;
        let outcome = unclaimed.claim(operation);
        if unclaimed.is_empty() {
            self.unclaimed = None;
        }
        outcome
    }

    /// Notes what the selector said.
    pub(crate) fn report(&mut self, readiness: Readiness) {
        self.ready = self.ready.with(readiness);
    }

    /// Whether a read has something to try: what was kept, or what the kernel is said to have.
    pub(crate) fn has_something(&self) -> bool {
        self.unclaimed.is_some() || self.may(Direction::Read)
    }

    /// Whether a call in this direction is worth making.
    pub(crate) fn may(&self, direction: Direction) -> bool {
        match direction {
            Direction::Read => self.ready.intersects(reading()),
            Direction::Write => self.ready.intersects(writing()),
            Direction::Watch => false,
        }
    }

    /// Whether a single read waits for what the kernel has, with nothing kept before it.
    pub(crate) fn has_lone_reader(&self) -> bool {
        self.readers.is_lone()
            && !self.level
            && self.unclaimed.is_none()
            && self.may(Direction::Read)
    }

    /// The kernel refused: nothing more until it reports again.
    pub(crate) fn refused(&mut self, direction: Direction) {
        self.ready = self.ready.without(match direction {
            Direction::Read => reading().with(Readiness::URGENT),
            _ => writing(),
        });
    }

    /// Whether the kernel has said that nothing more can be sent, for whatever reason. Select does
    /// not tell why a socket is writable, but what it reports is so now, and no stale edge.
    pub(crate) fn is_write_side_over(&self) -> bool {
        self.ready.intersects(Readiness::WRITE_CLOSED.with(Readiness::ERROR))
            || matches!(self.registered, Some((_, Trigger::Level)))
    }

    /// A transfer came out short. On TCP this is as good as a refusal and spares the call that
    /// would hear it (epoll(7), question 9), unless an end, urgent data or an error was reported
    /// together with the data: no further event would tell of what is behind it.
    pub(crate) fn came_short(&mut self, direction: Direction) {
        let last_word = match direction {
            Direction::Read => Readiness::READ_CLOSED.with(Readiness::URGENT),
            _ => Readiness::WRITE_CLOSED,
        };
        if !self.ready.intersects(last_word.with(Readiness::ERROR)) {
            self.refused(direction);
        }
    }

    /// Whether the registration serves whoever waits in this direction, whoever else does.
    pub(crate) fn is_settled(&self, edge: bool, direction: Direction) -> bool {
        let needed = match direction {
            Direction::Read => Interest::READ,
            Direction::Write => Interest::WRITE,
            Direction::Watch => return false,
        };
        edge && !self.level
            && self.registered.is_some_and(|(interest, _)| interest.contains(needed))
    }

    /// The registration that serves whoever waits now: to read, to write, and what the watchers
    /// want.
    pub(crate) fn wanted(
        &self,
        edge: bool,
        reading: bool,
        watching: Option<Interest>,
    ) -> Option<(Interest, Trigger)> {
        let reading = reading.then_some(Interest::READ);
        let writing = (!self.writers.is_empty()).then_some(Interest::WRITE);
        let waiting = either(either(reading, writing), watching);
        if edge && !self.level {
            // Registered at the first wait in a direction and left alone from then on: an edge
            // nobody waits for costs nothing.
            let registered = self.registered.map(|(interest, _)| interest);
            return either(registered, waiting).map(|interest| (interest, Trigger::Edge));
        }
        waiting.map(|interest| (interest, Trigger::Level))
    }
}

/// What ends a wait to read.
const fn reading() -> Readiness {
    Readiness::READABLE.with(Readiness::READ_CLOSED).with(Readiness::ERROR)
}

/// What ends a wait to write.
const fn writing() -> Readiness {
    Readiness::WRITABLE.with(Readiness::WRITE_CLOSED).with(Readiness::ERROR)
}

/// Whether a watcher that asked for `interest` is to be told of `readiness`.
pub(crate) fn concerns(interest: Interest, readiness: Readiness) -> bool {
    (interest.contains(Interest::READ) && readiness.intersects(reading()))
        || (interest.contains(Interest::WRITE) && readiness.intersects(writing()))
}

pub(crate) fn either(one: Option<Interest>, other: Option<Interest>) -> Option<Interest> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.with(other)),
        (one, other) => one.or(other),
    }
}

/// The interest of an operation that waits for bare readiness.
pub(crate) fn interest_of(operation: &Operation) -> Option<Interest> {
    match operation {
        Operation::Ready { interest, .. } => Some(*interest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Watched;

    /// Each idle connection pays for one.
    #[test]
    fn a_source_fits_a_cache_line() {
        assert!(size_of::<Watched>() <= 64, "{}", size_of::<Watched>());
    }
}
