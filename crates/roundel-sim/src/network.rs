//! `Network`: hosts, links and sockets without a kernel; what all drivers of one world share.
//!
//! A call on a socket changes the state at once, and what has to travel becomes a packet that
//! arrives at a later time. Nothing here waits: whoever moves the clock lets packets arrive.

mod address;
mod connecting;
mod datagram;
mod delivery;
mod fault;
mod guise;
mod host;
mod link;
mod luck;
mod options;
mod packet;
mod sock;
mod state;
mod stream;
mod unix;
mod wire;

use std::{
    cell::RefCell,
    fmt, io,
    net::IpAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use roundel_driver::{Family, Socket, SocketKind};
use roundel_timer::VirtualClock;

pub use fault::Faults;
pub use host::HostId;
pub(crate) use host::News;
pub use link::Link;
pub(crate) use sock::{Flags, Message as Arrived, SockId};
pub(crate) use state::State;

use crate::{SimDriver, TraceEvent, socket::SimSocket};

/// A network of simulated hosts. Clones are the same network.
///
/// It has a clock and no will: [`next_arrival`](Self::next_arrival) says when something happens
/// next, [`advance_to`](Self::advance_to) lets time pass until then. A world of hosts with loops
/// does that by itself; by hand it is for tests of drivers.
///
/// ```
/// use std::time::Duration;
/// use roundel_sim::{Link, Network};
///
/// let network = Network::new(7);
/// let client = network.add_host("client");
/// let server = network.add_host("server");
/// network.set_link(client, server, Link { latency: Duration::from_millis(3), ..Link::default() });
/// assert_eq!(network.resolve(client, "server")?, network.address(server));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Network {
    state: Rc<RefCell<State>>,
    clock: VirtualClock,
    /// When the clock was made: its moments are counted from there.
    begin: Instant,
}

impl Network {
    /// A network without hosts; whatever is random in it follows from the seed.
    pub fn new(seed: u64) -> Self {
        Self::with_clock(seed, VirtualClock::new())
    }

    /// As [`new`](Self::new), with a clock that others read too.
    pub fn with_clock(seed: u64, clock: VirtualClock) -> Self {
        let begin = roundel_timer::Clock::now(&clock) - clock.elapsed();
        Self { state: Rc::new(RefCell::new(State::new(seed, clock.elapsed()))), clock, begin }
    }

    /// Adds a host, known by this name and by an address of its own.
    ///
    /// # Panics
    /// If there is one of this name.
    #[track_caller]
    pub fn add_host(&self, name: &str) -> HostId {
        self.with(|state| state.add_host(name))
    }

    /// A driver whose sockets are this host's.
    pub fn driver(&self, host: HostId) -> SimDriver {
        SimDriver::new(self.clone(), host)
    }

    /// A host's IPv4 address.
    pub fn address(&self, host: HostId) -> IpAddr {
        self.with(|state| state.host(host).v4.into())
    }

    /// A host's IPv6 address.
    pub fn address_v6(&self, host: HostId) -> IpAddr {
        self.with(|state| state.host(host).v6.into())
    }

    /// A host's name.
    pub fn name(&self, host: HostId) -> Rc<str> {
        self.with(|state| Rc::clone(&state.host(host).name))
    }

    /// The address of the host with this name, as `asking` is told it.
    ///
    /// # Errors
    /// There is no such name, or the [`Faults`] have it that the resolver does not answer.
    pub fn resolve(&self, asking: HostId, name: &str) -> io::Result<IpAddr> {
        self.with(|state| state.resolve(asking, name))
    }

    /// Sets how packets travel between two hosts, in both directions.
    pub fn set_link(&self, one: HostId, other: HostId, link: Link) {
        self.with(|state| state.links.set(one, other, link));
    }

    /// Sets how packets travel between hosts that have no link of their own.
    pub fn set_default_link(&self, link: Link) {
        self.with(|state| state.links.default = link);
    }

    /// Sets how often what goes wrong, on all hosts.
    pub fn set_faults(&self, faults: Faults) {
        self.with(|state| state.faults = faults);
    }

    /// Lets only so many faults happen: those of [`Faults`], and losses, duplicates and changes of
    /// order on links. Those beyond are drawn and left out. For whoever looks for the one that
    /// matters.
    pub fn limit_faults(&self, most: u64) {
        self.with(|state| state.most_faults = most);
    }

    /// How many faults have happened.
    pub fn faults_so_far(&self) -> u64 {
        self.with(|state| state.struck)
    }

    /// Whether a wake of a host comes late, by the [`Faults`]; and by how much.
    pub fn wake_delay(&self) -> Option<Duration> {
        self.with(|state| state.wake_delay())
    }

    /// Lets the seed decide between packets that arrive at one time, instead of the order in which
    /// they were sent.
    pub fn shuffle_ties(&self, shuffles: bool) {
        self.with(|state| state.shuffles_ties = shuffles);
    }

    /// Lets no packet through from `from` to `to`, or lets them through again. Connections are not
    /// told: they send again and again, until it works or they give up.
    pub fn cut(&self, from: HostId, to: HostId, is_cut: bool) {
        self.with(|state| state.links.cut(from, to, is_cut));
    }

    /// Lets all packets through again.
    pub fn heal(&self) {
        self.with(|state| state.links.heal());
    }

    /// The host loses its power: its sockets are gone and nobody is told. Until it
    /// [starts](Self::power_on) again, packets to it get lost.
    pub fn power_off(&self, host: HostId) {
        self.with(|state| state.power_off(host));
    }

    /// The host is there again, without a socket: whoever still has a connection to it is reset.
    pub fn power_on(&self, host: HostId) {
        self.with(|state| state.host_mut(host).up = true);
    }

    /// The clock by which packets travel.
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// When the next packet arrives, or something else of the network's happens.
    pub fn next_arrival(&self) -> Option<Instant> {
        let at = self.with(|state| state.packets.next_at())?;
        Some(self.begin + Duration::from_nanos(at))
    }

    /// Moves the clock to the [next arrival](Self::next_arrival), unless that comes after `limit`, and
    /// lets arrive what is due; false if it does, or nothing is on its way.
    pub fn advance_to_next(&self, limit: Option<Instant>) -> bool {
        let Some(at) = self.with(|state| state.packets.next_at()) else { return false };
        let instant = self.begin + Duration::from_nanos(at);
        if limit.is_some_and(|limit| instant > limit) {
            return false;
        }
        self.clock.advance_to(instant);
        self.with(|state| state.deliver_until(at.max(state.now)));
        true
    }

    /// Moves the clock, and lets arrive what is due by then.
    pub fn advance_to(&self, instant: Instant) {
        self.clock.advance_to(instant);
        self.with(|state| {
            let until = instant.saturating_duration_since(self.begin).as_nanos() as u64;
            state.deliver_until(until.max(state.now));
        });
    }

    /// Lets arrive what is due.
    pub fn deliver(&self) {
        let now = self.clock.elapsed().as_nanos() as u64;
        self.with(|state| state.deliver_until(now));
    }

    /// Whether anything has happened for some host since the last call of
    /// [`take_woken`](Self::take_woken).
    #[inline]
    pub fn has_woken(&self) -> bool {
        self.with(|state| !state.woken.is_empty())
    }

    /// The hosts for which something has happened since the last call.
    pub fn take_woken(&self, into: &mut Vec<HostId>) {
        self.with(|state| state.take_woken(into));
    }

    /// How many sockets programs hold open, on all hosts.
    pub fn open_sockets(&self) -> usize {
        self.with(|state| state.open_sockets())
    }

    /// How many packets have arrived, and how much else has happened.
    pub fn events(&self) -> u64 {
        self.with(|state| state.trace.count())
    }

    /// What happened so far, as one number: the same for two runs if and only if they were the
    /// same.
    pub fn trace_hash(&self) -> u64 {
        self.with(|state| state.trace.hash())
    }

    /// What happened last, or all since [`keep_trace`](Self::keep_trace).
    pub fn trace(&self) -> Vec<TraceEvent> {
        self.with(|state| state.trace.events().collect())
    }

    /// Keeps the whole trace from now on.
    pub fn keep_trace(&self) {
        self.with(|state| state.trace.keep_all());
    }

    /// Whether the whole trace is kept, with what [`show`](Self::show) adds.
    pub fn keeps_trace(&self) -> bool {
        self.with(|state| state.trace.keeps_all())
    }

    /// Adds to a trace that is kept whole what happened on a host. It has no part in the trace's
    /// hash, so it need not be told of a run that is not to be shown.
    pub fn show(&self, host: HostId, what: &'static str, amount: u64) {
        self.with(|state| state.show(host, what, amount));
    }

    /// Adds to the trace what happens on a host; `content` stands for what is not shown.
    #[inline]
    pub fn note(&self, host: HostId, what: &'static str, amount: u64, content: u64) {
        self.with(|state| state.note(host, what, host, amount, content));
    }

    pub(crate) fn socket(&self, host: HostId, family: Family, kind: SocketKind) -> Socket {
        let id = self.with(|state| state.open(host, family, kind));
        self.wrap(id)
    }

    /// The program's side of a socket.
    pub(crate) fn wrap(&self, id: SockId) -> Socket {
        self.with(|state| state.hold(id));
        Socket::foreign(Rc::new(SimSocket::new(self.clone(), id)))
    }

    /// Looks at the state; nothing of a user's runs meanwhile.
    #[inline]
    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.borrow_mut())
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.state, &other.state)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("clock", &self.clock).finish_non_exhaustive()
    }
}
