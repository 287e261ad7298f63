//! `World`: hosts, the network between them, and the time they live in; as tests hold it.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::BinaryHeap,
    fmt,
    future::{Future, poll_fn},
    io,
    net::IpAddr,
    rc::Rc,
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use roundel_executor::sleep;
use roundel_loop::{EventLoop, LoopHandle};
use roundel_sim::{Disk, Faults, HostId, Link, Network, Random, RungHosts};

use crate::{Host, drift::DriftClock, failure::Cause, host::Program, polled::Polled};

/// Hosts, the network between them, and the time they live in. Clones are the same world.
///
/// [`run`](crate::run) makes one and gives it to the main task, which has a host of its own, number
/// 0, called `main`.
#[derive(Clone)]
pub struct World(pub(crate) Rc<Inner>);

pub(crate) struct Inner {
    pub(crate) seed: u64,
    pub(crate) network: Network,
    pub(crate) hosts: RefCell<Vec<HostState>>,
    pub(crate) board: RungHosts,
    /// Which host is next.
    pub(crate) schedule: RefCell<Random>,
    pub(crate) random: Random,
    /// Whether the seed says which of a host's tasks goes first.
    pub(crate) shuffles_tasks: Cell<bool>,
    /// Hosts that have something to do now.
    pub(crate) ready: RefCell<Vec<u32>>,
    /// When which host's next timer is due; what does not fit the host's own note is out of date.
    pub(crate) agenda: RefCell<BinaryHeap<Reverse<(Instant, u32)>>>,
    pub(crate) orders: RefCell<Vec<Order>>,
    /// Empty between uses; kept for its memory.
    pub(crate) woken: RefCell<Vec<HostId>>,
    pub(crate) failure: RefCell<Option<Cause>>,
    pub(crate) waiting_for_quiet: RefCell<Vec<Waker>>,
    pub(crate) turns: Cell<u64>,
}

/// What is done between two turns, since it ends or begins loops.
pub(crate) enum Order {
    Stop(HostId),
    Start(HostId),
}

pub(crate) struct HostState {
    pub(crate) event_loop: Option<EventLoop>,
    pub(crate) handle: Option<LoopHandle>,
    pub(crate) clock: DriftClock,
    pub(crate) disk: Disk,
    pub(crate) program: Option<Program>,
    pub(crate) is_ready: bool,
    pub(crate) is_paused: bool,
    /// It was told to stop, and does so before the next turn.
    pub(crate) is_ending: bool,
    /// What the agenda says of it.
    pub(crate) armed: Option<Instant>,
    pub(crate) polled: Polled,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let random = Random::new(seed);
        let network = Network::new(random.split("network").number());
        network.shuffle_ties(true);
        Self(Rc::new(Inner {
            seed,
            network,
            hosts: RefCell::default(),
            board: RungHosts::new(),
            schedule: RefCell::new(random.split("schedule")),
            random,
            shuffles_tasks: Cell::new(true),
            ready: RefCell::default(),
            agenda: RefCell::default(),
            orders: RefCell::default(),
            woken: RefCell::default(),
            failure: RefCell::default(),
            waiting_for_quiet: RefCell::default(),
            turns: Cell::new(0),
        }))
    }

    /// The seed from which everything random follows.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// Random numbers for one purpose of the test's: the same for the same purpose and seed.
    pub fn random(&self, purpose: &str) -> Random {
        self.0.random.split("test").split(purpose)
    }

    /// The network, for what is not here.
    pub fn network(&self) -> &Network {
        &self.0.network
    }

    /// Adds a host that runs a program, now and at each [`restart`](Host::restart).
    ///
    /// # Panics
    /// If there is one of this name.
    #[track_caller]
    pub fn host<P>(&self, name: &str, program: P) -> Host
    where
        P: AsyncFn(Host) + 'static,
    {
        let host = self.add_host(name);
        let program = Rc::new(program);
        let program: Program = Rc::new(move |host| {
            let program = Rc::clone(&program);
            Box::pin(async move { program(host).await })
        });
        self.with_host(host.id, |state| state.program = Some(program));
        self.run_program(host.id);
        host
    }

    /// Adds a host without a program, on which the test [spawns](Host::spawn) tasks.
    ///
    /// # Panics
    /// If there is one of this name.
    #[track_caller]
    pub fn add_host(&self, name: &str) -> Host {
        let id = self.0.network.add_host(name);
        self.0.hosts.borrow_mut().push(HostState {
            event_loop: None,
            handle: None,
            clock: DriftClock::new(self.0.network.clock().clone()),
            disk: Disk::new(),
            program: None,
            is_ready: false,
            is_paused: false,
            is_ending: false,
            armed: None,
            polled: Polled::default(),
        });
        self.open_loop(id);
        Host { world: self.clone(), id }
    }

    /// The host on which the main task runs.
    pub fn main_host(&self) -> Host {
        self.host_numbered(0)
    }

    /// The host with this number.
    ///
    /// # Panics
    /// If there are not that many.
    #[track_caller]
    pub fn host_numbered(&self, number: usize) -> Host {
        let count = self.0.hosts.borrow().len();
        assert!(number < count, "host {number} of a world of {count}");
        Host { world: self.clone(), id: self.id(number as u32) }
    }

    /// The address of the host with this name, as the main host is told it.
    ///
    /// # Errors
    /// There is none, or the resolver does not answer (a fault).
    pub fn resolve(&self, name: &str) -> io::Result<IpAddr> {
        self.main_host().resolve(name)
    }

    /// Sets how packets travel between two hosts.
    pub fn set_link(&self, one: &Host, other: &Host, link: Link) {
        self.0.network.set_link(one.id, other.id, link);
    }

    /// Sets how packets travel between hosts that have no link of their own.
    pub fn set_default_link(&self, link: Link) {
        self.0.network.set_default_link(link);
    }

    /// Sets how often what goes wrong.
    pub fn set_faults(&self, faults: Faults) {
        self.0.network.set_faults(faults);
    }

    /// Lets no packet through between the hosts of one side and those of the other. Nobody is
    /// told; connections stay, and go on when the partition [heals](Self::heal) in time.
    pub fn partition(&self, one_side: &[&Host], other_side: &[&Host]) {
        for one in one_side {
            for other in other_side {
                self.0.network.cut(one.id, other.id, true);
                self.0.network.cut(other.id, one.id, true);
            }
        }
    }

    /// Lets no packet through in one direction.
    pub fn cut(&self, from: &Host, to: &Host) {
        self.0.network.cut(from.id, to.id, true);
    }

    /// Lets all packets through again.
    pub fn heal(&self) {
        self.0.network.heal();
    }

    /// The virtual time since the world began.
    pub fn elapsed(&self) -> Duration {
        self.0.network.clock().elapsed()
    }

    /// Lets time pass for whoever calls, by its own clock.
    ///
    /// # Cancel safety
    /// Nothing is lost; the time that has passed has passed.
    pub fn advance(&self, time: Duration) -> impl Future<Output = ()> + use<> {
        sleep(time)
    }

    /// Waits until no task of any host can go on without time passing or a packet arriving.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[doc(alias = "wait_all_tasks_blocked")]
    pub async fn all_tasks_blocked(&self) {
        let mut told = false;
        poll_fn(|context| {
            if std::mem::replace(&mut told, true) {
                return Poll::Ready(());
            }
            self.0.waiting_for_quiet.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Adds something to the trace: two runs that differ in it are told apart.
    pub fn note(&self, what: &'static str, content: u64) {
        self.0.network.note(self.id(0), what, 0, content);
    }

    pub(crate) fn id(&self, number: u32) -> HostId {
        HostId::new(number)
    }

    pub(crate) fn with_host<R>(&self, id: HostId, look: impl FnOnce(&mut HostState) -> R) -> R {
        look(&mut self.0.hosts.borrow_mut()[id.number() as usize])
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.0.seed)
            .field("elapsed", &self.elapsed())
            .field("hosts", &self.0.hosts.borrow().len())
            .finish_non_exhaustive()
    }
}
