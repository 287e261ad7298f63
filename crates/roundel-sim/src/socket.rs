//! `SimSocket`: a socket of a simulated host, as its program holds it.

use std::{fmt, io, net::Shutdown};

use roundel_driver::{Address, Credentials, SocketCalls, SocketOption, SocketOptionName};

use crate::network::{Network, SockId};

/// The calls of a simulated socket; dropped by the last clone of a `Socket`, which closes it.
pub(crate) struct SimSocket {
    network: Network,
    id: SockId,
}

impl SimSocket {
    pub(crate) fn new(network: Network, id: SockId) -> Self {
        Self { network, id }
    }

    pub(crate) fn id(&self) -> SockId {
        self.id
    }

    pub(crate) fn is_of(&self, network: &Network) -> bool {
        self.network.is_same(network)
    }
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        self.network.with(|state| state.close(self.id));
    }
}

impl SocketCalls for SimSocket {
    fn bind(&self, address: &Address) -> io::Result<()> {
        Ok(self.network.with(|state| state.bind(self.id, address))?)
    }

    fn listen(&self, backlog: u32) -> io::Result<()> {
        Ok(self.network.with(|state| state.listen(self.id, backlog))?)
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(self.network.with(|state| state.local_address(self.id))?)
    }

    fn peer_address(&self) -> io::Result<Address> {
        Ok(self.network.with(|state| state.peer_address(self.id))?)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let (read, write) = (how != Shutdown::Write, how != Shutdown::Read);
        Ok(self.network.with(|state| state.shut(self.id, read, write))?)
    }

    fn set(&self, option: SocketOption) -> io::Result<()> {
        self.network.with(|state| state.set_option(self.id, option))
    }

    fn get(&self, option: SocketOptionName) -> io::Result<SocketOption> {
        self.network.with(|state| state.option(self.id, option))
    }

    fn peer_credentials(&self) -> io::Result<Credentials> {
        Ok(self.network.with(|state| state.peer_credentials(self.id))?)
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        let take = |state: &mut crate::network::State| {
            state.socks.get_mut(self.id.0).and_then(|sock| sock.error.take())
        };
        Ok(self.network.with(take).map(io::Error::from_raw_os_error))
    }
}

impl fmt::Debug for SimSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self
            .network
            .with(|state| (state.local_address(self.id).ok(), state.peer_address(self.id).ok()));
        let text = |address: Option<Address>| address.map(|address| address.to_string());
        f.debug_struct("SimSocket")
            .field("local", &text(addresses.0))
            .field("peer", &text(addresses.1))
            .finish()
    }
}
