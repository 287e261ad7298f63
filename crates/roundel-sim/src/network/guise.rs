//! IPv4 in IPv6's guise: sockets of IPv6 see `::ffff:10.0.0.1` where the network has 10.0.0.1.
//!
//! Addresses are put into the guise on their way to such a socket's program, and out of it on their
//! way in: the network itself knows none.

use std::net::{IpAddr, SocketAddr};

use roundel_driver::{Address, Family};
use rustix::io::Errno;

use super::{sock::SockId, state::State};

/// The address as a socket of this family shows it.
pub(crate) fn in_guise(address: SocketAddr, family: Family) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if family == Family::V6 => {
            SocketAddr::new(ip.to_ipv6_mapped().into(), address.port())
        }
        _ => address,
    }
}

/// As [`in_guise`], of any address.
pub(crate) fn shown(address: &Address, family: Family) -> Address {
    match address.inet() {
        Some(address) => in_guise(address, family).into(),
        None => address.clone(),
    }
}

impl State {
    /// An address that a socket's program named, as the network knows it; `refusal` if it is of
    /// IPv4 and the socket is to be of IPv6 only.
    pub(crate) fn named_address(
        &self,
        id: SockId,
        address: SocketAddr,
        refusal: Errno,
    ) -> Result<SocketAddr, Errno> {
        let plain = SocketAddr::new(address.ip().to_canonical(), address.port());
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        match (sock.family, plain) {
            (Family::V4, SocketAddr::V6(_)) => Err(Errno::AFNOSUPPORT),
            (Family::V6, SocketAddr::V4(_)) if sock.options.only_v6 => Err(refusal),
            _ => Ok(plain),
        }
    }
}

/// Whether a socket at `ip` hears what is sent to `to`.
pub(crate) fn covers(ip: IpAddr, only_v6: bool, to: IpAddr) -> bool {
    let is_of_family = ip.is_ipv4() == to.is_ipv4() || ip.is_ipv6() && !only_v6;
    ip == to || ip.is_unspecified() && is_of_family
}
