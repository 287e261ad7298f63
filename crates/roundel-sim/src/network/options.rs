//! `Options`: what a socket was tuned to.

use std::{io, time::Duration};

use roundel_driver::{Family, KeepAlive, SocketKind, SocketOption, SocketOptionName};
use rustix::io::Errno;

use super::{packet::Packet, sock::SockId, state::State};

/// Values as Linux begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    no_delay: bool,
    pub(crate) keep_alive: bool,
    pub(crate) idle: Duration,
    pub(crate) interval: Duration,
    pub(crate) probes: u32,
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) only_v6: bool,
    pub(crate) broadcast: bool,
    pub(crate) linger: Option<Duration>,
    pub(crate) send_buffer: usize,
    pub(crate) receive_buffer: usize,
    time_to_live: u8,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            no_delay: false,
            keep_alive: false,
            idle: Duration::from_secs(7200),
            interval: Duration::from_secs(75),
            probes: 9,
            reuse_address: false,
            reuse_port: false,
            only_v6: false,
            broadcast: false,
            linger: None,
            send_buffer: 87_040,
            receive_buffer: 131_072,
            time_to_live: 64,
        }
    }
}

impl State {
    pub(crate) fn set_option(&mut self, id: SockId, option: SocketOption) -> io::Result<()> {
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        let tcp = sock.kind == SocketKind::Stream && sock.family != Family::Unix;
        let options = &mut sock.options;
        match option {
            SocketOption::NoDelay(_) if !tcp => return Err(Errno::OPNOTSUPP.into()),
            SocketOption::NoDelay(on) => options.no_delay = on,
            SocketOption::KeepAlive(how) => {
                options.keep_alive = how.is_some();
                let how = how.unwrap_or_default();
                options.idle = how.idle.unwrap_or(options.idle);
                options.interval = how.interval.unwrap_or(options.interval);
                options.probes = how.probes.unwrap_or(options.probes);
                self.look_after(id);
            }
            SocketOption::ReuseAddress(on) => options.reuse_address = on,
            SocketOption::ReusePort(on) => options.reuse_port = on,
            SocketOption::OnlyV6(on) if sock.family == Family::V6 => options.only_v6 = on,
            SocketOption::OnlyV6(_) => return Err(Errno::NOPROTOOPT.into()),
            SocketOption::Broadcast(on) => options.broadcast = on,
            SocketOption::Linger(time) => {
                options.linger = time.map(|time| Duration::from_secs(time.as_secs()));
            }
            // Linux doubles, and keeps a least amount.
            SocketOption::SendBuffer(size) => options.send_buffer = (size * 2).max(4_608),
            SocketOption::ReceiveBuffer(size) => options.receive_buffer = (size * 2).max(2_304),
            SocketOption::TimeToLive(hops) => options.time_to_live = hops,
            _ => return Err(Errno::NOPROTOOPT.into()),
        }
        Ok(())
    }

    pub(crate) fn option(&self, id: SockId, name: SocketOptionName) -> io::Result<SocketOption> {
        use SocketOptionName as Name;
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        let tcp = sock.kind == SocketKind::Stream && sock.family != Family::Unix;
        let options = &sock.options;
        Ok(match name {
            Name::NoDelay if !tcp => return Err(Errno::OPNOTSUPP.into()),
            Name::NoDelay => SocketOption::NoDelay(options.no_delay),
            Name::KeepAlive => SocketOption::KeepAlive(options.keep_alive.then_some(KeepAlive {
                idle: Some(options.idle),
                interval: Some(options.interval),
                probes: Some(options.probes),
            })),
            Name::ReuseAddress => SocketOption::ReuseAddress(options.reuse_address),
            Name::ReusePort => SocketOption::ReusePort(options.reuse_port),
            Name::OnlyV6 => SocketOption::OnlyV6(options.only_v6),
            Name::Broadcast => SocketOption::Broadcast(options.broadcast),
            Name::Linger => SocketOption::Linger(options.linger),
            Name::SendBuffer => SocketOption::SendBuffer(options.send_buffer),
            Name::ReceiveBuffer => SocketOption::ReceiveBuffer(options.receive_buffer),
            Name::TimeToLive => SocketOption::TimeToLive(options.time_to_live),
            _ => return Err(Errno::NOPROTOOPT.into()),
        })
    }

    /// Begins to probe a connection that asked for it.
    pub(crate) fn look_after(&mut self, id: SockId) {
        let Some(sock) = self.socks.get_mut(id.0) else { return };
        let (keep_alive, idle) = (sock.options.keep_alive, sock.options.idle);
        if let Some(stream) = sock.stream()
            && keep_alive
            && !stream.probed
        {
            stream.probed = true;
            self.later(idle, Packet::Probe { of: id, missed: 0 });
        }
    }
}
