//! `UringDriver`: operations handed down to the kernel as they are.
//!
//! ```text
//! submit ──▶ slot ──▶ its source's queue ──▶ Ring::start      (no system call)
//! wait   ──▶ Ring::enter: shows the kernel all of it, and waits  (one system call)
//!        ──▶ Ring::next, answer by answer ──▶ `hear_…` ──▶ slot ──▶ key
//! ```

use std::{
    collections::{HashMap, hash_map::Entry},
    io::{self, IoSlice},
    os::fd::{BorrowedFd, RawFd},
    sync::Arc,
    time::Duration,
};

use roundel_driver::{
    Buffer, Completion, Driver, DriverError, DriverStatistics, Key, Notifier, Operation,
    OperationError, Outcome, Source, SourceId, Submitted,
};
use rustix::{event::PollFlags, io::Errno};

use crate::{
    Features, Unavailable, UringConfig,
    bell::Bell,
    direction::{Direction, queue, returns_bytes},
    endpoint::Endpoint,
    places::{key, place, source_id},
    probe::{self, unavailable},
    queue::Slot,
    request::{Answer, Request},
    ring::{Descriptor, Ring},
    table::{Place, Table},
};

/// Whom an answer is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tag {
    /// Those who read from the source.
    Arm(SourceId),
    /// The source's first writer.
    Writer(SourceId, Key),
    /// Whoever waits for readiness.
    Watcher(Key),
    /// Whoever does something with a file.
    File(Key),
    /// Whoever waits at all: another thread rang.
    Bell,
}

/// A driver on Linux's io_uring.
///
/// ```
/// use std::{io::Write, os::unix::net::UnixStream, time::Duration};
/// use roundel_driver::{Driver, Operation, Outcome, Source, Submitted};
/// use roundel_uring::UringDriver;
///
/// let Ok(mut driver) = UringDriver::new() else { return Ok(()) }; // not on this kernel
/// let (ours, mut theirs) = UnixStream::pair()?;
/// let source = driver.attach(Source::new(ours));
///
/// let Submitted::Pending(key) = driver.submit(Operation::Recv { source, at_most: 100 }) else {
///     panic!("nothing has been sent yet")
/// };
/// theirs.write_all(b"hello")?;
/// let mut completed = Vec::new();
/// while completed.is_empty() {
///     driver.wait(Some(Duration::from_secs(1)), &mut completed)?;
/// }
/// assert_eq!(completed, [key]);
/// let Some(Ok(Outcome::Received(data))) = driver.take(key) else { panic!("it came") };
/// assert_eq!(&data[..], b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "ProactorEventLoop")]
#[doc(alias = "IocpProactor")]
#[derive(Debug)]
pub struct UringDriver {
    /// Dropped first: the descriptors stay open until it has ended.
    pub(crate) ring: Ring<Tag>,
    pub(crate) sources: Table<Endpoint>,
    pub(crate) slots: Table<Slot>,
    /// Done since the last wait returned.
    pub(crate) finished: Vec<Key>,
    /// Sources whose last reader was given up; looked at before the next wait.
    deserted: Vec<SourceId>,
    pub(crate) waiting: usize,
    /// By which source a descriptor is waited on.
    claims: HashMap<RawFd, SourceId>,
    bell: Arc<Bell>,
    bell_descriptor: Descriptor,
    features: Features,
    pub(crate) statistics: DriverStatistics,
}

impl UringDriver {
    /// A driver with a ring of the usual size.
    ///
    /// # Errors
    /// io_uring is not to be had here; the error says why.
    pub fn new() -> Result<Self, Unavailable> {
        Self::with_config(UringConfig::default())
    }

    /// A driver with a ring of this size.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_config(config: UringConfig) -> Result<Self, Unavailable> {
        let (uring, mut features) = probe::open(config.submissions, config.completions)?;
        let ring = Ring::new(uring).map_err(unavailable)?;
        features.registered_ring = ring.is_registered();
        let bell = Arc::new(Bell::new().map_err(unavailable)?);
        let mut driver = Self {
            ring,
            sources: Table::new(),
            slots: Table::new(),
            finished: Vec::new(),
            deserted: Vec::new(),
            waiting: 0,
            claims: HashMap::new(),
            bell_descriptor: Descriptor::new(bell.source()),
            bell,
            features,
            statistics: DriverStatistics::default(),
        };
        driver.watch_bell();
        Ok(driver)
    }

    /// What this kernel offers of what is made use of.
    pub fn features(&self) -> Features {
        self.features
    }

    fn watch_bell(&mut self) {
        let request = Request::Poll { events: PollFlags::IN.bits().into(), again: true };
        self.ring.start(Some(&self.bell_descriptor), request, Tag::Bell);
    }

    /// The answer to a request, on to whom it concerns.
    fn hear(&mut self, answer: &mut Answer<Tag>) {
        match answer.tag {
            Tag::Arm(source) => self.hear_arm(source, answer),
            Tag::Writer(source, key) => self.hear_writer(source, key, answer),
            Tag::Watcher(key) => self.hear_watcher(key, answer),
            Tag::File(key) => self.hear_file(key, answer),
            Tag::Bell => {
                self.bell.hear();
                if answer.ended.is_some() {
                    self.watch_bell();
                }
            }
        }
    }

    /// Files the outcome of an operation that has left its queue.
    pub(crate) fn finish(&mut self, place: Place, completion: Completion) {
        self.deliver(place, completion, 0);
    }

    /// As [`finish`](Self::finish), with what came `from` this place in its source's arrivals.
    pub(crate) fn deliver(&mut self, place: Place, completion: Completion, from: u64) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        if let Slot::Waiting(waiting) = slot {
            // What came from a place that was asked for has none among the source's arrivals.
            let source = match waiting.operation {
                Operation::ReadAt { .. } => None,
                ref operation => operation.source(),
            };
            *slot = Slot::Done { completion, source, from };
            self.finished.push(key(place));
            self.statistics.delayed += 1;
            self.waiting -= 1;
        }
    }

    /// As [`finish`](Self::finish), with an error.
    pub(crate) fn fail(&mut self, place: Place, cause: impl Into<io::Error>) {
        if let Some(Slot::Waiting(waiting)) = self.slots.get_mut(place) {
            let error = OperationError::new(&mut waiting.operation, waiting.progress, cause);
            self.finish(place, Err(error));
        }
    }

    /// Lets an operation wait; says where.
    pub(crate) fn admit(&mut self, operation: Operation) -> Place {
        self.waiting += 1;
        self.slots.insert(Slot::waiting(operation))
    }

    /// Lets a source wait on its descriptor. Two that share one would take each other's events.
    pub(crate) fn claim(&mut self, source: SourceId) -> io::Result<()> {
        let Some(endpoint) = self.sources.get_mut(place(source)) else { return Err(aborted()) };
        if !endpoint.claimed {
            match self.claims.entry(endpoint.descriptor.number()) {
                Entry::Occupied(_) => {
                    let why = "another source waits on this descriptor";
                    return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
                }
                Entry::Vacant(entry) => endpoint.claimed = entry.insert(source) == &source,
            }
        }
        Ok(())
    }

    /// Whom nobody reads from any more stops receiving, so that what comes is left to others.
    fn stop_deserted(&mut self) {
        while let Some(source) = self.deserted.pop() {
            if let Some(endpoint) = self.sources.get_mut(place(source))
                && endpoint.readers.is_empty()
            {
                stop(&mut self.ring, endpoint);
            }
        }
    }

    /// Shows the kernel what waits to be seen, and hears all that it has to say.
    fn exchange(&mut self, timeout: Option<Duration>) -> Result<(), DriverError> {
        let mut timeout = timeout;
        loop {
            self.ring.enter(timeout).map_err(waiting_failed)?;
            loop {
                // Heard where it was written: an answer is large, and to read what was just
                // written in other portions makes the processor wait.
                let mut next = self.ring.next();
                let Some(answer) = &mut next else { break };
                self.hear(answer);
            }
            // Answers that found no room come when there is some.
            if !self.ring.is_overflowing() {
                return Ok(());
            }
            timeout = Some(Duration::ZERO);
        }
    }

    /// Ends what is under way at a source and forgets it.
    pub(crate) fn let_go(&mut self, id: SourceId) -> Option<Source> {
        let mut endpoint = self.sources.remove(place(id))?;
        let mut ended = endpoint.readers.all(&mut self.slots);
        ended.extend(endpoint.watchers.all(&mut self.slots));
        ended.extend(endpoint.writers.all(&mut self.slots));
        for place in ended {
            // What it has, it has had no time to take.
            drop(self.slots.get_mut(place).and_then(Slot::take_held));
            let Some(Slot::Waiting(waiting)) = self.slots.get_mut(place) else { continue };
            self.ring.cancel(waiting.place);
            // The bytes of a send come back with its error, as soon as the kernel gives them back.
            if waiting.place == Place::NOWHERE || !returns_bytes(&waiting.operation) {
                self.fail(place, aborted());
            }
        }
        stop(&mut self.ring, &mut endpoint);
        if endpoint.claimed {
            self.claims.remove(&endpoint.descriptor.number());
        }
        Some(self.ring.part(endpoint.descriptor))
    }

    fn give_up_waiting(&mut self, place: Place) {
        let Some(Slot::Waiting(waiting)) = self.slots.get_mut(place) else { return };
        let (request, queue) = (waiting.place, queue(&waiting.operation));
        self.waiting -= 1;
        self.ring.cancel(request);
        let Some((source, direction)) = queue else { return };
        let Some(endpoint) = self.sources.get_mut(self::place(source)) else { return };
        match direction {
            Direction::Read => {
                endpoint.readers.remove(&mut self.slots, place);
                if endpoint.readers.is_empty() {
                    self.deserted.push(source);
                }
            }
            Direction::Write => endpoint.writers.remove(&mut self.slots, place),
            Direction::Watch => endpoint.watchers.remove(&mut self.slots, place),
        }
    }
}

impl Driver for UringDriver {
    fn attach(&mut self, source: Source) -> SourceId {
        source_id(self.sources.insert(Endpoint::new(source)))
    }

    fn detach(&mut self, id: SourceId) -> Option<Source> {
        let source = self.let_go(id)?;
        // The kernel lets go of the file now, so that the descriptor closes when its owner does.
        if self.ring.has_unseen() {
            let _ = self.ring.enter(Some(Duration::ZERO));
        }
        Some(source)
    }

    fn submit(&mut self, mut operation: Operation) -> Submitted {
        let Some((source, direction)) = queue(&operation) else {
            return self.submit_file(operation);
        };
        let Some(endpoint) = self.sources.get_mut(place(source)) else {
            return Submitted::Done(Err(OperationError::new(&mut operation, 0, aborted())));
        };
        match direction {
            Direction::Read => {
                endpoint.asked(&operation);
                if operation.goes_on() {
                    let place = self.admit(operation);
                    self.wait_to_read(source, place);
                    // What came before it is told as what comes later is.
                    self.serve_readers(source);
                    return Submitted::Pending(key(place));
                }
                if endpoint.readers.is_empty()
                    && let Some(outcome) = endpoint
                        .answer_at_once(&mut operation)
                        .or_else(|| endpoint.receive_at_once(&operation, self.ring.pool()))
                {
                    self.statistics.immediate += 1;
                    return Submitted::Done(completion(&mut operation, outcome));
                }
                let place = self.admit(operation);
                self.wait_to_read(source, place);
                Submitted::Pending(key(place))
            }
            Direction::Write => {
                if endpoint.may_send_at_once()
                    && let Some(outcome) = endpoint.send_batch(&mut operation)
                {
                    self.statistics.immediate += 1;
                    return Submitted::Done(Ok(outcome));
                }
                self.submit_write(source, operation)
            }
            Direction::Watch => self.submit_watch(source, operation),
        }
    }

    fn send_now(
        &mut self,
        source: SourceId,
        data: &[IoSlice<'_>],
    ) -> Result<usize, OperationError> {
        self.send_by_call(source, data).map_err(|cause| {
            let mut operation = Operation::Send { source, data: Buffer::default() };
            OperationError::new(&mut operation, 0, cause)
        })
    }

    fn take(&mut self, key: Key) -> Option<Completion> {
        let place = Place { index: key.index() as u32, generation: key.generation() };
        match self.slots.get_mut(place)? {
            Slot::Done { .. } => {}
            Slot::Holding { .. } => return self.take_held(place),
            // Named, and for more than once.
            Slot::Waiting(waiting) if waiting.operation.goes_on() && waiting.progress == 1 => {
                return self.take_piece(place);
            }
            Slot::Waiting(_) => return None,
        }
        match self.slots.remove(place)? {
            Slot::Done { completion, .. } => Some(completion),
            Slot::Waiting(_) | Slot::Holding { .. } => None,
        }
    }

    fn cancel(&mut self, key: Key) -> bool {
        let place = Place { index: key.index() as u32, generation: key.generation() };
        self.give_piece_back(place);
        self.give_up_waiting(place);
        match self.slots.remove(place) {
            None | Some(Slot::Holding { .. }) => false,
            Some(Slot::Waiting(waiting)) => {
                if waiting.operation.goes_on()
                    && let Some(source) = waiting.operation.source()
                {
                    // What it was named for is for whoever has come behind it.
                    self.serve_readers(source);
                    self.arm(source);
                }
                true
            }
            Some(Slot::Done { completion, source, from }) => {
                if let Some(source) = source
                    && let Some(endpoint) = self.sources.get_mut(self::place(source))
                {
                    endpoint.take_back(from, completion);
                    // Whoever goes on may hold what came behind this, and has taken nothing yet.
                    if let Some(first) = endpoint.readers.head(&mut self.slots) {
                        self.give_piece_back(first);
                    }
                    // Somebody may be waiting for just this.
                    self.serve_readers(source);
                }
                true
            }
        }
    }

    fn wait(
        &mut self,
        timeout: Option<Duration>,
        completed: &mut Vec<Key>,
    ) -> Result<(), DriverError> {
        self.statistics.waits += 1;
        self.stop_deserted();
        let timeout = if self.finished.is_empty() { timeout } else { Some(Duration::ZERO) };
        self.exchange(timeout)?;
        // What the answers led to is shown to the kernel by the next wait; a foreign loop, which
        // waits in its own way, does not come back for it.
        let mut rounds = 0;
        while timeout == Some(Duration::ZERO)
            && self.finished.is_empty()
            && self.ring.has_unseen()
            && rounds < ROUNDS
        {
            rounds += 1;
            self.exchange(timeout)?;
        }
        completed.append(&mut self.finished);
        Ok(())
    }

    fn notifier(&self) -> Notifier {
        Notifier::new(self.bell.clone())
    }

    fn in_flight(&self) -> usize {
        self.waiting + self.finished.len()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.ring.fd())
    }

    fn name(&self) -> &'static str {
        "uring"
    }

    fn statistics(&self) -> DriverStatistics {
        let mut statistics = self.statistics;
        statistics.sources = self.sources.len();
        statistics.operations = self.slots.len();
        statistics.buffers = self.ring.pool().lent() - self.ring.offered();
        statistics
    }
}

/// Answers that lead to requests that are answered at once: more than this in a row is no step
/// towards a wait but traffic.
const ROUNDS: usize = 8;

/// Tells a source's arm to stop.
pub(crate) fn stop(ring: &mut Ring<Tag>, endpoint: &mut Endpoint) {
    if let Some(arm) = endpoint.arm.as_mut().filter(|arm| !arm.stopping) {
        arm.stopping = true;
        ring.cancel(arm.place);
    }
}

/// What operations of a source that was let go end with.
pub(crate) fn aborted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the source was detached from its driver")
}

fn waiting_failed(cause: Errno) -> DriverError {
    DriverError::Io { action: "waiting for completions", source: cause.into() }
}

/// An outcome, or the kernel's refusal of `operation`.
pub(crate) fn completion(operation: &mut Operation, outcome: Result<Outcome, Errno>) -> Completion {
    outcome.map_err(|cause| OperationError::new(operation, 0, cause))
}
