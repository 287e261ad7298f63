//! `Stream`: one end of a connection, and the calls on it: bytes in order, and an end.
//!
//! How much may be on its way is bounded by the buffers of both ends.

use std::{collections::VecDeque, time::Duration};

use roundel_driver::{Buffer, BufferPool, Family};
use rustix::io::Errno;

use super::{
    delivery::FIRST_PAUSE,
    host::HostId,
    packet::{Content, Packet},
    sock::{Body, Flags, Sock, SockId},
    state::State,
};

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) peer: SockId,
    pub(crate) peer_host: HostId,
    /// Received and not read: pieces, and how much of the first has been read.
    inbox: VecDeque<Buffer>,
    read: usize,
    unread: usize,
    /// The other end will send no more.
    pub(crate) ended: bool,
    pub(crate) read_shut: bool,
    pub(crate) write_shut: bool,
    /// Reset, or given up.
    pub(crate) dead: bool,
    /// Sent, and not read by the other end; its limit; and whether somebody waits for room.
    outstanding: usize,
    window: usize,
    blocked: bool,
    /// What could not be delivered, in order, since when, and how long until the next try.
    pub(crate) outbox: VecDeque<(u64, Content)>,
    pub(crate) failing: Option<(u64, u64)>,
    sent: u64,
    /// When the last segment arrives: none overtakes another.
    pub(crate) last_arrival: u64,
    /// Whose queue it is on its way to.
    pub(crate) listener: Option<SockId>,
    pub(crate) probed: bool,
    /// A connect has been answered with success.
    pub(crate) is_told: bool,
}

impl Stream {
    pub(crate) fn new(peer: SockId, peer_host: HostId, window: usize) -> Self {
        Self {
            peer,
            peer_host,
            inbox: VecDeque::new(),
            read: 0,
            unread: 0,
            ended: false,
            read_shut: false,
            write_shut: false,
            dead: false,
            outstanding: 0,
            window,
            blocked: false,
            outbox: VecDeque::new(),
            failing: None,
            sent: 0,
            last_arrival: 0,
            listener: None,
            probed: false,
            is_told: false,
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.unread > 0 || self.ended || self.read_shut || self.dead
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.outstanding < self.window || self.dead || self.write_shut
    }

    pub(crate) fn put(&mut self, data: Buffer) {
        self.unread += data.len();
        self.inbox.push_back(data);
    }

    /// The number of the next segment.
    pub(crate) fn count_sent(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }

    /// Takes what is there, if it lies in one piece of at most so many bytes.
    fn take_whole(&mut self, most: usize) -> Option<Buffer> {
        if self.unread == 0 || self.unread > most || self.read > 0 || self.inbox.len() > 1 {
            return None;
        }
        self.unread = 0;
        self.inbox.pop_front()
    }

    /// Moves what is there into `room`; tells how much.
    fn take(&mut self, room: &mut [u8]) -> usize {
        let mut taken = 0;
        while taken < room.len()
            && let Some(piece) = self.inbox.front()
        {
            let rest = &piece[self.read..];
            let count = rest.len().min(room.len() - taken);
            room[taken..taken + count].copy_from_slice(&rest[..count]);
            taken += count;
            self.read += count;
            if self.read == piece.len() {
                self.inbox.pop_front();
                self.read = 0;
            }
        }
        self.unread -= taken;
        taken
    }
}

impl State {
    /// Source: recv(2).
    pub(crate) fn recv(&mut self, id: SockId, room: &mut [u8]) -> Result<usize, Errno> {
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        if matches!(sock.body, Body::Datagrams(_)) {
            let message = self.recv_from(id)?;
            let count = message.data.len().min(room.len());
            room[..count].copy_from_slice(&message.data[..count]);
            return Ok(count);
        }
        let Sock { body: Body::Stream(stream), error, .. } = sock else {
            return match (sock.error.take(), &sock.body) {
                (Some(error), _) => Err(Errno::from_raw_os_error(error)),
                (None, Body::Connecting) => Err(Errno::WOULDBLOCK),
                (None, Body::Failed) => Ok(0),
                (None, _) => Err(Errno::NOTCONN),
            };
        };
        if stream.unread > 0 {
            let all = stream.unread.min(room.len());
            let cut = all > 1 && self.strikes(self.faults.short_reads);
            let most = if cut { self.luck.within(1..all as u64) as usize } else { all };
            let stream = self.socks.get_mut(id.0).and_then(Sock::stream).ok_or(Errno::BADF)?;
            let (taken, peer) = (stream.take(&mut room[..most]), stream.peer);
            self.make_room(id, peer, taken);
            return Ok(taken);
        }
        match error.take() {
            _ if stream.ended => Ok(0),
            Some(error) => Err(Errno::from_raw_os_error(error)),
            None if stream.read_shut || stream.dead => Ok(0),
            None => Err(Errno::WOULDBLOCK),
        }
    }

    /// What [`recv`](Self::recv) would copy, if it came in one piece and fits, and the kernel neither
    /// cuts nor interrupts.
    pub(crate) fn take_piece(&mut self, id: SockId, most: usize) -> Option<Buffer> {
        if self.faults.short_reads > 0.0 || self.faults.interrupted > 0.0 {
            return None;
        }
        let stream = self.socks.get_mut(id.0)?.stream()?;
        let (piece, peer) = (stream.take_whole(most)?, stream.peer);
        self.make_room(id, peer, piece.len());
        Some(piece)
    }

    /// What [`send`](Self::send) would do, if all of it goes at once over TCP, and the kernel neither
    /// cuts nor interrupts; else nothing, and false.
    pub(crate) fn send_piece(&mut self, id: SockId, data: &[u8], pool: &BufferPool) -> bool {
        if self.faults.short_writes > 0.0 || self.faults.interrupted > 0.0 {
            return false;
        }
        let Some(sock) = self.socks.get_mut(id.0) else { return false };
        let Sock { body: Body::Stream(stream), error: None, host, family, .. } = sock else {
            return false;
        };
        let is_open = !stream.dead && !stream.write_shut && *family != Family::Unix;
        let goes = is_open && !data.is_empty() && stream.outstanding + data.len() <= stream.window;
        if goes {
            stream.outstanding += data.len();
            let (number, ends) = (stream.count_sent(), (*host, stream.peer_host));
            self.ship_as(id, number, ends, Content::Data(pool.copied(data)));
        }
        goes
    }

    /// The other end may send more, since this one has read.
    fn make_room(&mut self, id: SockId, peer: SockId, taken: usize) {
        let Some(theirs) = self.socks.get_mut(peer.0).and_then(Sock::stream) else { return };
        theirs.outstanding = theirs.outstanding.saturating_sub(taken);
        // Linux says so when a third is free.
        if theirs.blocked && theirs.outstanding * 3 <= theirs.window * 2 {
            theirs.blocked = false;
            let Some((host, peer_host)) = self.ends(id) else { return };
            let at = self.now + self.latency(host, peer_host);
            self.at(at, Packet::Room { to: peer });
        }
    }

    pub(crate) fn room_arrives(&mut self, to: SockId) {
        let Some((host, peer_host)) = self.ends(to) else { return };
        if self.links.is_cut(peer_host, host) {
            self.later(Duration::from_nanos(FIRST_PAUSE), Packet::Room { to });
        } else {
            self.tell(to, Flags::WRITE);
        }
    }

    /// Source: send(2). Takes what there is room for; a message whole.
    pub(crate) fn send(&mut self, id: SockId, data: &[u8]) -> Result<usize, Errno> {
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        if matches!(sock.body, Body::Datagrams(_)) {
            return self.send_datagram(id, data, None).map(|()| data.len());
        }
        let is_unix = sock.family == Family::Unix;
        let Sock { body: Body::Stream(stream), error, .. } = sock else {
            return Err(match sock.body {
                Body::Connecting => Errno::WOULDBLOCK,
                _ if is_unix => Errno::NOTCONN,
                _ => sock.error.take().map_or(Errno::PIPE, Errno::from_raw_os_error),
            });
        };
        if let Some(error) = error.take() {
            return Err(Errno::from_raw_os_error(error));
        }
        if stream.dead || stream.write_shut {
            return Err(Errno::PIPE);
        }
        let room = stream.window.saturating_sub(stream.outstanding).min(data.len());
        if room == 0 && !data.is_empty() {
            stream.blocked = true;
            return Err(Errno::WOULDBLOCK);
        }
        let short = room > 1 && self.strikes(self.faults.short_writes);
        let count = if short { self.luck.within(1..room as u64) as usize } else { room };
        if short {
            self.later(Duration::from_micros(100), Packet::Room { to: id });
        }
        if let Some(stream) = self.socks.get_mut(id.0).and_then(Sock::stream) {
            stream.outstanding += count;
            stream.blocked |= count < data.len() && !short;
        }
        let content = Content::Data(data[..count].into());
        if is_unix {
            self.hand_over(id, content)?;
        } else {
            self.ship(id, content);
        }
        Ok(count)
    }

    /// Source: shutdown(2).
    pub(crate) fn shut(&mut self, id: SockId, read: bool, write: bool) -> Result<(), Errno> {
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        let is_unix = sock.family == Family::Unix;
        let connected = sock.peer.is_some();
        if let Some(datagrams) = sock.datagrams() {
            datagrams.read_shut |= read;
            datagrams.write_shut |= write;
            self.tell(id, Flags::BOTH);
            return if connected { Ok(()) } else { Err(Errno::NOTCONN) };
        }
        let stream = sock.stream().filter(|stream| !stream.dead).ok_or(Errno::NOTCONN)?;
        stream.read_shut |= read;
        let ends = write && !stream.write_shut;
        stream.write_shut |= write;
        if ends && is_unix {
            let _ = self.hand_over(id, Content::End);
        } else if ends {
            self.ship(id, Content::End);
        }
        self.tell(id, Flags::BOTH);
        Ok(())
    }

    /// The program has closed its end. What was not read is a reason to reset, as on Linux.
    pub(crate) fn close_stream(&mut self, id: SockId) {
        let Some(sock) = self.socks.get_mut(id.0) else { return };
        let (is_unix, linger) = (sock.family == Family::Unix, sock.options.linger);
        let Some(stream) = sock.stream() else { return };
        let abort = stream.unread > 0 || linger == Some(Duration::ZERO);
        if stream.dead {
            self.remove(id);
        } else if is_unix {
            self.close_unix(id, abort);
        } else if abort {
            self.abort(id);
        } else {
            if !stream.write_shut {
                self.ship(id, Content::End);
            }
            let stream = self.socks.get_mut(id.0).and_then(Sock::stream);
            if stream.is_some_and(|stream| stream.outbox.is_empty()) {
                self.remove(id);
            }
        }
    }
}
