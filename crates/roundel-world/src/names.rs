//! `Names`: the resolver of a simulated host, which knows the other hosts.

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
};

use roundel_net::{Answer, RESOLVER, Resolver};
use roundel_sim::{HostId, Network};

/// Knows the hosts of a network, and itself as `localhost`.
struct Names {
    network: Network,
    asking: HostId,
}

impl Resolver for Names {
    fn look_up<'a>(&'a self, host: &'a str, port: u16) -> Answer<'a> {
        Box::pin(async move {
            let ip = match host {
                "localhost" => Ipv4Addr::LOCALHOST.into(),
                host => self.network.resolve(self.asking, host)?,
            };
            io::Result::Ok(vec![SocketAddr::new(ip, port)])
        })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("asking", &self.asking).finish_non_exhaustive()
    }
}

/// Runs a task, and the tasks that it begins, with the names that a host knows.
pub(crate) async fn knowing<F: Future>(network: Network, asking: HostId, future: F) -> F::Output {
    let names: Rc<dyn Resolver> = Rc::new(Names { network, asking });
    // The task's own from here on: a scope would cost each of its steps.
    RESOLVER.set(names);
    future.await
}
