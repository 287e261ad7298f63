//! `SelectorDriver`: try, arm, retry; readiness made into completion over any selector.
//!
//! A submission is tried at once unless others wait in front of it or the kernel is known to have
//! nothing. What has to wait joins its source's queue; a source is registered when first somebody
//! waits, edge-triggered where the selector can, and then stays: traffic of requests and answers
//! costs no registration call and no refused read. An event lets the queue's operations be tried
//! again, in order, until the kernel refuses.
//!
//! Only a read that waits alone is not tried then but named, and made when its owner takes it: what
//! it brings is used right after, while the cache has it and the kernel's side of its socket, and
//! the buffer is free again before the next read needs one. So it is with one that goes on.

use std::{
    io::{self, IoSlice},
    mem,
    time::Duration,
};

use roundel_selector::{Events, Notifier, Selector, SelectorError, Source};
use rustix::fd::BorrowedFd;

use crate::{
    Buffer, BufferPool, Completion, Driver, DriverError, DriverStatistics, Key, OperationError,
    SourceId, Submitted,
    arena::Arena,
    attempt::{Progress, aborted, send_now},
    blocking::CallsOut,
    operation::{Direction, Operation},
    watched::{Kind, NONE, Watched},
};

mod files;
mod registration;
mod repeating;
mod serving;
mod submitting;

/// Where an operation's answer lands, and its question until then.
#[derive(Debug)]
enum Slot {
    Waiting {
        operation: Operation,
        progress: Progress,
        next: u32,
        /// Named, to be tried when it is taken.
        due: bool,
    },
    /// Another thread makes the call.
    Out { operation: Operation },
    Done {
        completion: Completion,
        /// Whence it came, and its place there: what goes back, should it be cancelled now.
        from: Option<(SourceId, u64)>,
    },
}

/// Events handled per wait: enough that the wait's own cost vanishes.
const EVENTS_PER_WAIT: usize = 128;

/// The same for a selector without edges, where a single read is made at its event: few enough that
/// what a turn receives stays in the cache until its call-back reads it.
const LEVEL_EVENTS_PER_WAIT: usize = 32;

/// A driver over any selector.
///
/// ```
/// use std::{io::Write, os::unix::net::UnixStream, time::Duration};
/// use roundel_driver::{Driver, Operation, Outcome, SelectorDriver, Source, Submitted};
///
/// let mut driver = SelectorDriver::by_name("default")?;
/// let (ours, mut theirs) = UnixStream::pair()?;
/// let source = driver.attach(Source::new(ours));
///
/// let Submitted::Pending(key) = driver.submit(Operation::Recv { source, at_most: 100 }) else {
///     panic!("nothing has been sent yet")
/// };
/// theirs.write_all(b"hello")?;
/// let mut completed = Vec::new();
/// driver.wait(Some(Duration::from_secs(1)), &mut completed)?;
/// assert_eq!(completed, [key]);
/// let Some(Ok(Outcome::Received(data))) = driver.take(key) else { panic!("it came") };
/// assert_eq!(&data[..], b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SelectorDriver {
    selector: Box<dyn Selector>,
    /// The selector has edges.
    edge: bool,
    events: Events,
    sources: Arena<Watched>,
    slots: Arena<Slot>,
    /// Sources whose registration may no longer fit who waits; looked at before the next wait.
    changed: Vec<u32>,
    /// Done since the last wait returned.
    finished: Vec<Key>,
    waiting: usize,
    calls: CallsOut,
    pool: BufferPool,
    statistics: DriverStatistics,
}

impl SelectorDriver {
    /// A driver that hears of readiness from `selector`.
    pub fn new(selector: Box<dyn Selector>) -> Self {
        let edge = selector.supports_edge();
        let events = if edge { EVENTS_PER_WAIT } else { LEVEL_EVENTS_PER_WAIT };
        Self {
            edge,
            selector,
            events: Events::with_capacity(events),
            sources: Arena::new(),
            slots: Arena::new(),
            changed: Vec::new(),
            finished: Vec::new(),
            waiting: 0,
            calls: CallsOut::new(),
            pool: BufferPool::new(),
            statistics: DriverStatistics::default(),
        }
    }

    /// A driver over the platform's selector of this name: "epoll", "poll", "select", "polling",
    /// or "default" for the best there is.
    ///
    /// # Errors
    /// There is no selector of this name here (the error lists those there are), or the kernel
    /// refuses it.
    pub fn by_name(name: &str) -> Result<Self, SelectorError> {
        Ok(Self::new(roundel_selector::by_name(name)?))
    }

    /// Lets an operation wait at the end of its source's queue.
    fn enqueue(&mut self, operation: Operation, progress: Progress) -> Key {
        let (id, direction) = operation.queue().expect("submit checked that it has one");
        let place =
            self.slots.insert(Slot::Waiting { operation, progress, next: NONE, due: false });
        let index = place.index;
        let watched = self.sources.get_mut(id.0).expect("submit checked the source");
        let queue = watched.queue(direction);
        let last = mem::replace(&mut queue.tail, index);
        if queue.head == NONE {
            queue.head = index;
        }
        if let Some(Slot::Waiting { next, .. }) = self.slots.at(last) {
            *next = index;
        }
        self.waiting += 1;
        self.note_change(id.0.index, direction);
        Key(place)
    }

    /// Takes the operation at `index` out of its source's queue, wherever it stands.
    fn unlink(&mut self, source: u32, direction: Direction, index: u32) {
        let Some(watched) = self.sources.at(source) else { return };
        let queue = watched.queue(direction);
        let (mut before, mut here) = (NONE, queue.head);
        while here != NONE {
            let Some(Slot::Waiting { next, .. }) = self.slots.at(here) else { return };
            let next = *next;
            if here != index {
                (before, here) = (here, next);
                continue;
            }
            if queue.tail == index {
                queue.tail = before;
            }
            match self.slots.at(before) {
                Some(Slot::Waiting { next: link, .. }) => *link = next,
                _ => queue.head = next,
            }
            self.waiting -= 1;
            break;
        }
        self.note_change(source, direction);
    }

    /// Files the outcome of the operation at `index`, already taken out of its queue; nothing
    /// of it would have to go back.
    fn finish(&mut self, index: u32, completion: Completion) {
        let (place, slot) = self.slots.entry(index).expect("an operation under way has a slot");
        *slot = Slot::Done { completion, from: None };
        self.finished.push(Key(place));
        self.statistics.delayed += 1;
    }

    /// Ends every operation of a source.
    fn fail_all(&mut self, source: u32, why: impl Fn() -> io::Error) {
        for direction in [Direction::Read, Direction::Write, Direction::Watch] {
            while let Some(head) =
                self.sources.at(source).map(|watched| watched.queue(direction).head)
                && let Some(Slot::Waiting { operation, progress, .. }) = self.slots.at(head)
            {
                let error = OperationError::new(operation, *progress, why());
                self.unlink(source, direction, head);
                self.finish(head, Err(error));
            }
        }
    }
}

impl Driver for SelectorDriver {
    fn attach(&mut self, source: Source) -> SourceId {
        let mut watched = Watched::new(source);
        if self.selector.supports_edge() && !self.selector.reports_close() {
            // A short transfer proves nothing here: an end may have come with it unannounced.
            watched.kind = Kind::Other;
        }
        SourceId(self.sources.insert(watched))
    }

    fn detach(&mut self, id: SourceId) -> Option<Source> {
        self.sources.get_mut(id.0)?;
        self.fail_all(id.0.index, aborted);
        let watched = self.sources.remove(id.0)?;
        if watched.registered.is_some() {
            // A descriptor closed behind our back has left the kernel's list already.
            let _ = self.selector.unregister(&watched.source);
        }
        Some(watched.source)
    }

    fn submit(&mut self, operation: Operation) -> Submitted {
        match operation {
            // The two that a busy stream is made of have a way of their own, which is short.
            Operation::Send { source, data } => self.submit_send(source, data),
            Operation::RecvMany { source, .. } => self.begin_repeating(source, operation),
            _ => self.submit_any(operation, 0),
        }
    }

    fn send_now(
        &mut self,
        source: SourceId,
        data: &[IoSlice<'_>],
    ) -> Result<usize, OperationError> {
        let Some(watched) = self.sources.get_mut(source.0) else { return Ok(0) };
        if !watched.writers.is_empty() || !watched.may(Direction::Write) {
            return Ok(0);
        }
        match send_now(watched, data) {
            Ok(0) => self.statistics.refused += 1,
            Ok(sent) => {
                self.statistics.immediate += 1;
                return Ok(sent);
            }
            Err(cause) => {
                let mut operation = Operation::Send { source, data: Buffer::default() };
                return Err(OperationError::new(&mut operation, 0, cause));
            }
        }
        Ok(0)
    }

    fn take(&mut self, key: Key) -> Option<Completion> {
        match self.slots.get_mut(key.0)? {
            Slot::Waiting { due: true, operation: Operation::RecvMany { .. }, .. } => {
                self.take_piece(key)
            }
            Slot::Waiting { due: true, .. } => self.take_due(key),
            Slot::Waiting { .. } | Slot::Out { .. } => None,
            Slot::Done { .. } => match self.slots.remove(key.0)? {
                Slot::Done { completion, .. } => Some(completion),
                Slot::Waiting { .. } | Slot::Out { .. } => None,
            },
        }
    }

    fn cancel(&mut self, key: Key) -> bool {
        if let Some(&mut Slot::Waiting { ref operation, due, .. }) = self.slots.get_mut(key.0)
            && let Some((source, direction)) = operation.queue()
        {
            self.unlink(source.0.index, direction, key.0.index);
            if due {
                // What it was named for is for whoever has come behind it.
                self.serve(source.0.index, direction);
            }
        }
        match self.slots.remove(key.0) {
            Some(Slot::Done { completion, from }) => {
                if let Some((source, from)) = from
                    && let Some(watched) = self.sources.get_mut(source.0)
                {
                    watched.keep(from, completion);
                    // Somebody may be waiting for just this.
                    self.serve(source.0.index, Direction::Read);
                }
                true
            }
            Some(Slot::Out { .. }) => {
                self.waiting -= 1;
                true
            }
            slot => slot.is_some(),
        }
    }

    fn wait(
        &mut self,
        timeout: Option<Duration>,
        completed: &mut Vec<Key>,
    ) -> Result<(), DriverError> {
        self.apply_changes();
        let timeout = if self.finished.is_empty() { timeout } else { Some(Duration::ZERO) };
        self.statistics.waits += 1;
        self.selector.select(&mut self.events, timeout)?;
        for nth in 0..self.events.len() {
            let Some(&event) = self.events.iter().nth(nth) else { break };
            // A source detached since the kernel spoke is gone; nobody waits for it.
            let Ok(index) = u32::try_from(event.token.0) else { continue };
            let Some(watched) = self.sources.at(index) else { continue };
            watched.report(event.readiness);
            let (writers, watchers) = (!watched.writers.is_empty(), !watched.watchers.is_empty());
            self.serve(index, Direction::Read);
            if writers {
                self.serve(index, Direction::Write);
            }
            if watchers {
                self.tell_watchers(index, event);
            }
        }
        self.collect_answers();
        completed.append(&mut self.finished);
        Ok(())
    }

    fn notifier(&self) -> Notifier {
        self.selector.notifier()
    }

    fn in_flight(&self) -> usize {
        self.waiting + self.finished.len()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.selector.descriptor()
    }

    fn name(&self) -> &'static str {
        self.selector.name()
    }

    fn statistics(&self) -> DriverStatistics {
        DriverStatistics {
            sources: self.sources.len(),
            operations: self.slots.len(),
            buffers: self.pool.lent(),
            ..self.statistics
        }
    }
}
