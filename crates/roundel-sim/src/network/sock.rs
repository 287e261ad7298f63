//! `Sock`: a socket, as the network knows it.

use std::{collections::VecDeque, net::SocketAddr, ops::BitOr};

use roundel_driver::{Address, Family, SocketKind};

use super::{host::HostId, options::Options, stream::Stream};
use crate::slab::Place;

/// A socket of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SockId(pub(crate) Place);

pub(crate) struct Sock {
    pub(crate) host: HostId,
    pub(crate) family: Family,
    pub(crate) kind: SocketKind,
    pub(crate) local: Option<Address>,
    pub(crate) peer: Option<Address>,
    pub(crate) options: Options,
    pub(crate) body: Body,
    /// The pending error, by the system's number.
    pub(crate) error: Option<i32>,
    /// The places in the driver's table at which it is attached.
    pub(crate) sources: Vec<u32>,
    /// What there is to tell, and whether the host's driver has been told to ask.
    pub(crate) news: Flags,
    pub(crate) is_listed: bool,
    /// A program has it; until it is accepted, nobody has.
    pub(crate) held: bool,
    /// The program has closed it; what it sent is still on its way.
    pub(crate) closed: bool,
}

pub(crate) enum Body {
    Fresh,
    Connecting,
    /// A connect came to nothing; another may be tried.
    Failed,
    Listener(Listener),
    Stream(Stream),
    Datagrams(Datagrams),
}

#[derive(Default)]
pub(crate) struct Listener {
    pub(crate) backlog: usize,
    pub(crate) queue: VecDeque<SockId>,
    /// Connections on their way into the queue.
    pub(crate) coming: usize,
}

#[derive(Default)]
pub(crate) struct Datagrams {
    pub(crate) queue: VecDeque<Message>,
    pub(crate) bytes: usize,
    pub(crate) read_shut: bool,
    pub(crate) write_shut: bool,
    /// When the last one sent arrives: the next one does not overtake it.
    pub(crate) last_arrival: u64,
    pub(crate) default_to: Option<SocketAddr>,
}

pub(crate) struct Message {
    pub(crate) from: Address,
    pub(crate) data: Vec<u8>,
}

/// The two directions, or what is known of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) const READ: Self = Self(1);
    pub(crate) const WRITE: Self = Self(2);
    pub(crate) const BOTH: Self = Self(3);

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Sock {
    pub(crate) fn new(host: HostId, family: Family, kind: SocketKind) -> Self {
        let body = match kind {
            SocketKind::Datagram => Body::Datagrams(Datagrams::default()),
            _ => Body::Fresh,
        };
        Self {
            host,
            family,
            kind,
            local: None,
            peer: None,
            options: Options::default(),
            body,
            error: None,
            sources: Vec::new(),
            news: Flags::default(),
            is_listed: false,
            held: false,
            closed: false,
        }
    }

    pub(crate) fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.body {
            Body::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    pub(crate) fn listener(&mut self) -> Option<&mut Listener> {
        match &mut self.body {
            Body::Listener(listener) => Some(listener),
            _ => None,
        }
    }

    pub(crate) fn datagrams(&mut self) -> Option<&mut Datagrams> {
        match &mut self.body {
            Body::Datagrams(datagrams) => Some(datagrams),
            _ => None,
        }
    }

    /// In which directions a call would not have to wait.
    pub(crate) fn readiness(&self) -> Flags {
        let when = |is: bool, flags: Flags| if is { flags } else { Flags::default() };
        let ready = match &self.body {
            Body::Fresh | Body::Failed => Flags::BOTH,
            Body::Connecting => Flags::default(),
            Body::Listener(listener) => when(!listener.queue.is_empty(), Flags::READ),
            Body::Stream(stream) => {
                when(stream.is_readable(), Flags::READ) | when(stream.is_writable(), Flags::WRITE)
            }
            Body::Datagrams(datagrams) => {
                let readable = !datagrams.queue.is_empty() || datagrams.read_shut;
                when(readable, Flags::READ) | Flags::WRITE
            }
        };
        ready | when(self.error.is_some(), Flags::BOTH)
    }
}
