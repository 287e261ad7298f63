//! `SimDriver`: a driver whose kernel is a simulated host.
//!
//! Above the calls of the network it does what a readiness driver does above a kernel's: try, wait
//! for news, try again. So short reads, refusals and spurious news take the same ways as on a real
//! machine.

mod attached;
mod attempt;
mod waiting;

use std::{sync::Arc, time::Duration};

use roundel_driver::{
    BufferPool, Completion, Driver, DriverError, DriverStatistics, Family, File, Interest, Key,
    Notifier, Operation, OperationError, Outcome, Readiness, Socket, SocketError, SocketKind,
    Source, SourceId, Submitted,
};
use roundel_timer::Clock;

use self::{
    attached::{Attached, Kind},
    attempt::{Attempt, at_one_look, attempt, queue_of},
};
use crate::{
    bell::{Bell, RungHosts},
    disk::{Disk, DiskFile},
    network::{Flags, HostId, Network, SockId, State},
    slab::{Place, Slab},
    socket::SimSocket,
};

/// A driver over a simulated host.
///
/// Where a loop on it would wait, it moves the network's clock to whatever happens next. A world
/// that turns many hosts never lets them wait, and moves the clock itself.
///
/// Sockets and files are simulated. Descriptors of the real kernel can be attached, so that they
/// are closed in their time, but every operation on them fails with
/// [`Unsupported`](std::io::ErrorKind::Unsupported).
///
/// ```
/// use std::time::Duration;
/// use roundel_loop::{EventLoop, LoopConfig};
/// use roundel_sim::Network;
///
/// let network = Network::new(7);
/// let host = network.add_host("here");
/// let mut config = LoopConfig::with_driver(Box::new(network.driver(host)));
/// config.clock = network.clock().clone().into();
/// let mut event_loop = EventLoop::with_config(config);
/// let handle = event_loop.handle();
/// handle.clone().call_later(Duration::from_secs(3600), move || handle.stop());
/// event_loop.run_forever()?;
/// assert_eq!(network.clock().elapsed(), Duration::from_secs(3600));
/// # Ok::<(), roundel_loop::RunError>(())
/// ```
#[derive(Debug)]
pub struct SimDriver {
    network: Network,
    host: HostId,
    disk: Disk,
    sources: Slab<Attached>,
    slots: Slab<Slot>,
    finished: Vec<Key>,
    waiting: usize,
    pool: BufferPool,
    bell: Arc<Bell>,
    statistics: DriverStatistics,
    /// Nobody else moves the clock.
    is_alone: bool,
}

#[derive(Debug)]
enum Slot {
    Waiting {
        operation: Operation,
        /// Bytes of a send or write, 1 of a connect under way, or [`NAMED`].
        progress: usize,
    },
    Done {
        completion: Completion,
        /// Whence it came, and its place there: what goes back, should it be cancelled now.
        from: Option<(Place, u64)>,
    },
}

/// The progress of an operation that goes on, once it has been told that there is something.
const NAMED: usize = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Read,
    Write,
    Watch,
}

impl SimDriver {
    pub(crate) fn new(network: Network, host: HostId) -> Self {
        Self {
            network,
            host,
            disk: Disk::default(),
            sources: Slab::default(),
            slots: Slab::default(),
            finished: Vec::new(),
            waiting: 0,
            pool: BufferPool::new(),
            bell: Arc::default(),
            statistics: DriverStatistics::default(),
            is_alone: true,
        }
    }

    /// Makes the driver one of many, whose hosts somebody turns: it lists its host on the board when
    /// somebody rings for it, and leaves the arrival of packets to whoever reads the board.
    #[must_use]
    pub fn on_board(mut self, board: &RungHosts) -> Self {
        self.bell = Arc::new(Bell::on(Arc::clone(&board.0), self.host.number()));
        self.is_alone = false;
        self
    }

    /// Gives the driver the disk of its host's last life.
    #[must_use]
    pub fn with_disk(mut self, disk: Disk) -> Self {
        self.disk = disk;
        self
    }

    /// Something has finished outside a wait, which somebody has to make now.
    fn ask_for_a_wait(&self) {
        if !self.finished.is_empty() {
            self.network.with(|state| state.wake(self.host));
        }
    }

    fn attach_kind(&mut self, kind: Kind) -> SourceId {
        let attached = Attached::new(kind);
        let place = match self.network.with(State::reuses_number) {
            true => self.sources.insert(attached),
            false => self.sources.insert_elsewhere(attached),
        };
        SourceId::new(place.index, place.generation)
    }

    fn submit_to_socket(
        &mut self,
        mut operation: Operation,
        place: Place,
        id: SockId,
        queue: Queue,
    ) -> Submitted {
        let Some(attached) = self.sources.get_mut(place) else { unreachable!("submit has looked") };
        let first = attached.queue(queue).is_empty();
        let mut progress = 0;
        if first && !operation.goes_on() {
            if let Some((_, outcome)) = attached.claim(&mut operation) {
                return Submitted::Done(Ok(outcome));
            }
            // A receive that waits is the common one, and asks no more than this.
            let waits = matches!(operation, Operation::Recv { at_most: 1.., .. })
                && !self.network.with(|state| state.has_news_for_reader(id));
            if !waits {
                let on = Attempt { network: &self.network, id, pool: &self.pool };
                if let Some(outcome) = at_one_look(&on, &mut operation, progress) {
                    self.statistics.immediate += 1;
                    return Submitted::Done(Ok(outcome));
                }
                if let Some(completion) = attempt(&on, &mut operation, &mut progress) {
                    self.statistics.immediate += 1;
                    return Submitted::Done(completion);
                }
            }
            self.statistics.refused += 1;
        }
        let goes_on = operation.goes_on();
        let slot = self.slots.insert(Slot::Waiting { operation, progress });
        if let Some(queue) = self.queue(place.index, queue) {
            queue.push_back(slot.index);
        }
        self.waiting += 1;
        if first {
            self.network.with(|state| state.maybe_lie(id));
            if goes_on {
                // What came before it is told as what comes later is.
                self.serve(place.index, queue);
            }
        }
        Submitted::Pending(Key::new(slot.index, slot.generation))
    }
}

impl Driver for SimDriver {
    fn attach(&mut self, source: Source) -> SourceId {
        self.attach_kind(Kind::Foreign(source))
    }

    fn socket(&mut self, family: Family, kind: SocketKind) -> Result<Socket, SocketError> {
        Ok(self.network.socket(self.host, family, kind))
    }

    fn attach_socket(&mut self, socket: Socket) -> SourceId {
        let Some(ours) = socket.downcast::<SimSocket>() else {
            let source = socket.source().expect("a socket is attached to the driver that made it");
            return self.attach(source);
        };
        assert!(ours.is_of(&self.network), "a socket is attached to a driver of its network");
        let id = ours.id();
        let look = |state: &mut State| {
            state.socks.get(id.0).map(|sock| (sock.host, sock.kind == SocketKind::Stream))
        };
        let (host, is_stream) = self.network.with(look).unwrap_or((self.host, true));
        assert!(host == self.host, "a socket is attached to a driver of its host");
        let source = self.attach_kind(Kind::Socket { id, is_stream, _held: socket });
        self.network.with(|state| {
            if let Some(sock) = state.socks.get_mut(id.0) {
                sock.sources.push(source.index() as u32);
            }
        });
        source
    }

    fn attach_file(&mut self, file: File) -> SourceId {
        match file.downcast::<DiskFile>() {
            Some(file) => self.attach_kind(Kind::File { file }),
            None => {
                self.attach(file.source().expect("a file is attached to the driver that opened it"))
            }
        }
    }

    fn detach(&mut self, id: SourceId) -> Option<Source> {
        let place = Place { index: id.index() as u32, generation: id.generation() };
        self.sources.get(place)?;
        self.fail_all(place.index);
        self.ask_for_a_wait();
        match self.sources.remove(place)?.kind {
            Kind::Socket { id, _held, .. } => {
                self.network.with(|state| {
                    if let Some(sock) = state.socks.get_mut(id.0) {
                        sock.sources.retain(|&source| source != place.index);
                    }
                });
                // Its drop may close the socket, which needs the network.
                drop(_held);
                None
            }
            Kind::File { .. } => None,
            Kind::Foreign(source) => Some(source),
        }
    }

    fn submit(&mut self, mut operation: Operation) -> Submitted {
        let Some(source) = operation.source() else {
            return Submitted::Done(self.disk.open(operation));
        };
        let place = Place { index: source.index() as u32, generation: source.generation() };
        let Some(attached) = self.sources.get_mut(place) else {
            return Submitted::Done(Err(OperationError::new(&mut operation, 0, aborted())));
        };
        if matches!(operation, Operation::Close { .. }) {
            drop(self.detach(source));
            return Submitted::Done(Ok(Outcome::Closed));
        }
        match &attached.kind {
            Kind::File { file } => Submitted::Done(file.perform(operation, &self.pool)),
            Kind::Foreign(_) => {
                Submitted::Done(Err(OperationError::new(&mut operation, 0, not_simulated())))
            }
            Kind::Socket { id, .. } => {
                let id = *id;
                let queue = queue_of(&operation);
                self.submit_to_socket(operation, place, id, queue)
            }
        }
    }

    fn take(&mut self, key: Key) -> Option<Completion> {
        let place = Place { index: key.index() as u32, generation: key.generation() };
        match self.slots.get(place)? {
            Slot::Done { .. } => {}
            Slot::Waiting { operation, progress: NAMED } if operation.goes_on() => {
                return self.take_piece(place);
            }
            Slot::Waiting { .. } => return None,
        }
        match self.slots.remove(place)? {
            Slot::Done { completion, .. } => Some(completion),
            Slot::Waiting { .. } => None,
        }
    }

    fn cancel(&mut self, key: Key) -> bool {
        let place = Place { index: key.index() as u32, generation: key.generation() };
        match self.slots.remove(place) {
            None => false,
            Some(Slot::Waiting { operation, .. }) => {
                if let Some(source) = operation.source() {
                    self.unqueue(place.index, source, queue_of(&operation));
                    if operation.goes_on() {
                        // What it was named for is for whoever has come behind it.
                        self.serve(source.index() as u32, Queue::Read);
                        self.ask_for_a_wait();
                    }
                }
                true
            }
            Some(Slot::Done { completion, from }) => {
                if let Some((source, from)) = from
                    && let Some(attached) = self.sources.get_mut(source)
                {
                    attached.keep(from, completion);
                    // Somebody may be waiting for just this.
                    self.serve(source.index, Queue::Read);
                    self.ask_for_a_wait();
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
        if self.is_alone {
            self.network.deliver();
        }
        self.hear();
        // Whoever rang before has been heard by the time that this returns.
        let may_wait = timeout != Some(Duration::ZERO) && !self.bell.take();
        let until = may_wait.then(|| Some(self.network.clock().now() + timeout?)).flatten();
        while may_wait && self.finished.is_empty() && !self.bell.take() {
            match (self.network.next_arrival(), until) {
                (Some(next), until) if until.is_none_or(|until| next <= until) => {
                    self.network.advance_to(next);
                }
                (_, Some(until)) => {
                    self.network.advance_to(until);
                    self.hear();
                    break;
                }
                // Only another thread can help.
                (_, None) => {
                    self.bell.wait();
                    break;
                }
            }
            self.hear();
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

    fn buggify(&mut self, site: &'static str) -> bool {
        self.network.with(|state| state.buggify(self.host, site))
    }

    fn name(&self) -> &'static str {
        "sim"
    }

    fn statistics(&self) -> DriverStatistics {
        let mut statistics = self.statistics;
        statistics.sources = self.sources.len();
        statistics.operations = self.slots.len();
        statistics.buffers = self.pool.lent();
        statistics
    }
}

/// What of `ready` somebody asked for.
fn readiness(ready: Flags, interest: Interest) -> Option<Readiness> {
    let ways = [(Flags::READ, Readiness::READABLE), (Flags::WRITE, Readiness::WRITABLE)];
    let ready = ways.into_iter().filter(|(way, _)| ready.has(*way));
    let told = ready.fold(Readiness::NONE, |told, (_, way)| told.with(way)).within(interest);
    (!told.is_none()).then_some(told)
}

fn aborted() -> std::io::Error {
    let why = "the source was detached from its driver";
    std::io::Error::new(std::io::ErrorKind::ConnectionAborted, why)
}

fn not_simulated() -> std::io::Error {
    let why = "a simulated host cannot use what belongs to the real kernel";
    std::io::Error::new(std::io::ErrorKind::Unsupported, why)
}
