//! `SocketOption`: the closed list of what a socket can be tuned in.

use std::time::Duration;

/// An option and its value. Names and meanings are those of socket(7), tcp(7), ip(7), ipv6(7).
///
/// ```
/// use roundel_driver::{Driver, Family, SelectorDriver, SocketKind, SocketOption, SocketOptionName};
///
/// let mut driver = SelectorDriver::by_name("default")?;
/// let socket = driver.socket(Family::V4, SocketKind::Stream)?;
/// socket.set(SocketOption::NoDelay(true))?;
/// assert_eq!(socket.get(SocketOptionName::NoDelay)?, SocketOption::NoDelay(true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SocketOption {
    /// Send small segments at once.
    #[doc(alias = "TCP_NODELAY")]
    NoDelay(bool),
    /// Probe a silent connection, or do not.
    #[doc(alias = "SO_KEEPALIVE")]
    KeepAlive(Option<KeepAlive>),
    /// Bind although connections of an earlier socket linger.
    #[doc(alias = "SO_REUSEADDR")]
    ReuseAddress(bool),
    /// Share the port with others that say so too.
    #[doc(alias = "SO_REUSEPORT")]
    ReusePort(bool),
    /// Leave IPv4 to other sockets.
    #[doc(alias = "IPV6_V6ONLY")]
    OnlyV6(bool),
    /// Send datagrams to broadcast addresses.
    #[doc(alias = "SO_BROADCAST")]
    Broadcast(bool),
    /// What the last close does with unsent data: none lets the kernel send it in its time, zero
    /// drops it and resets the connection, more blocks the close for as long (in whole seconds).
    #[doc(alias = "SO_LINGER")]
    Linger(Option<Duration>),
    /// Bytes the kernel holds for sending; Linux doubles what is set.
    #[doc(alias = "SO_SNDBUF")]
    SendBuffer(usize),
    /// Bytes the kernel holds until received; Linux doubles what is set.
    #[doc(alias = "SO_RCVBUF")]
    ReceiveBuffer(usize),
    /// Routers a packet may cross.
    #[doc(alias = "IP_TTL")]
    #[doc(alias = "IPV6_UNICAST_HOPS")]
    TimeToLive(u8),
}

/// The option to read. Each names the [`SocketOption`] of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is documented where it has its value")]
pub enum SocketOptionName {
    NoDelay,
    KeepAlive,
    ReuseAddress,
    ReusePort,
    OnlyV6,
    Broadcast,
    Linger,
    SendBuffer,
    ReceiveBuffer,
    TimeToLive,
}

/// How a silent connection is probed; what is `None` stays as it is, at first the system's choice.
/// Times are in whole seconds. Source: tcp(7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// Silence before the first probe.
    #[doc(alias = "TCP_KEEPIDLE")]
    pub idle: Option<Duration>,
    /// Time between probes.
    #[doc(alias = "TCP_KEEPINTVL")]
    pub interval: Option<Duration>,
    /// Probes without an answer that end the connection.
    #[doc(alias = "TCP_KEEPCNT")]
    pub probes: Option<u32>,
}
