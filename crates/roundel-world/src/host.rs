//! `Host`: a machine of the world, as its tests hold it; it crashes, restarts and pauses.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    rc::Rc,
    time::Instant,
};

use roundel_executor::spawn_on;
use roundel_loop::LoopHandle;
use roundel_promise::local::{Promised, promise};
use roundel_sim::{Disk, HostId};
use roundel_timer::Clock;

use crate::{World, names::knowing};

/// What a host runs whenever it starts.
pub(crate) type Program = Rc<dyn Fn(Host) -> Pin<Box<dyn Future<Output = ()>>>>;

/// A host of a [`World`]. Clones are the same host.
///
/// Its tasks run on a loop of its own, with its own clock, sockets and disk.
#[derive(Clone)]
pub struct Host {
    pub(crate) world: World,
    pub(crate) id: HostId,
}

impl Host {
    /// Its name, which the others can [resolve](Self::resolve).
    pub fn name(&self) -> Rc<str> {
        self.world.network().name(self.id)
    }

    /// Its number, as in traces.
    pub fn number(&self) -> u32 {
        self.id.number()
    }

    /// Its IPv4 address.
    pub fn ip(&self) -> IpAddr {
        self.world.network().address(self.id)
    }

    /// Its IPv6 address.
    pub fn ip_v6(&self) -> IpAddr {
        self.world.network().address_v6(self.id)
    }

    /// A port of its IPv4 address.
    pub fn address(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip(), port)
    }

    /// The address of the host with this name, as this one is told it.
    ///
    /// # Errors
    /// There is none, or the resolver does not answer (a fault).
    pub fn resolve(&self, name: &str) -> io::Result<IpAddr> {
        self.world.network().resolve(self.id, name)
    }

    /// Its disk.
    pub fn disk(&self) -> Disk {
        self.world.with_host(self.id, |state| state.disk.clone())
    }

    /// The time by its own clock.
    pub fn now(&self) -> Instant {
        self.world.with_host(self.id, |state| state.clock.now())
    }

    /// Its loop; none while it is down.
    pub fn handle(&self) -> Option<LoopHandle> {
        self.world.with_host(
            self.id,
            |state| {
                if state.is_ending { None } else { state.handle.clone() }
            },
        )
    }

    /// Whether it runs, paused or not.
    pub fn is_up(&self) -> bool {
        self.world.with_host(self.id, |state| state.handle.is_some() && !state.is_ending)
    }

    /// Spawns a task on it. What it returns can be awaited by the tasks of any host; it is
    /// [`Broken`](roundel_promise::Broken) if the host goes down before.
    ///
    /// # Panics
    /// If the host is down.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Promised<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let handle = self.handle().expect("a host that is down runs no task");
        let (promise, promised) = promise();
        let told = async move {
            // Whoever does not want to know has dropped the other end.
            let _ = promise.set(future.await);
        };
        let network = self.world.network().clone();
        spawn_on(&handle, knowing(network, self.id, told)).detach();
        self.world.mark_ready(self.id);
        promised
    }

    /// The power fails: all tasks, all sockets and what was not synced are gone, and nobody is
    /// told. Its peers find out when they send, by their timeouts, or never.
    pub fn crash(&self) {
        self.world.stop(self.id, true);
    }

    /// The process is killed: its tasks are dropped, its sockets closed by the kernel, which tells
    /// their peers.
    pub fn kill(&self) {
        self.world.stop(self.id, false);
    }

    /// Starts it, if it is down, or crashes and starts it: its program begins anew, once the caller
    /// has let others run.
    pub fn restart(&self) {
        if self.is_up() {
            self.crash();
        }
        self.world.start(self.id);
    }

    /// Lets it do nothing until [`resume`](Self::resume), as a process that was stopped or a
    /// machine that is suspended. Its kernel goes on receiving; its clock goes on too.
    pub fn pause(&self) {
        self.world.with_host(self.id, |state| state.is_paused = true);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.world.with_host(self.id, |state| state.is_paused = false);
        self.world.mark_ready(self.id);
    }

    /// Lets its clock gain this many parts per million, or lose them. Crystals are good to 100.
    pub fn set_drift(&self, parts_per_million: i32) {
        self.world.with_host(self.id, |state| state.clock.set_drift(parts_per_million));
        self.world.mark_ready(self.id);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("name", &self.name()).field("ip", &self.ip()).finish()
    }
}
