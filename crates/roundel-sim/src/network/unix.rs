//! Unix sockets: names within a host, and connections that take no time.

use roundel_driver::{Address, Credentials, SocketKind, UnixAddress};
use rustix::io::Errno;

use super::{
    packet::Content,
    sock::{Body, Flags, Message, Sock, SockId},
    state::State,
    stream::Stream,
};

/// Under which a host keeps a name; none for a socket without one.
fn key(name: &UnixAddress) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt;
    let path = name.path().map(|path| [b"p", path.as_os_str().as_bytes()].concat());
    path.or_else(|| name.abstract_name().map(|name| [b"a", name].concat()))
}

impl State {
    /// A name is free again when its socket is closed; there is no file that stays behind.
    pub(crate) fn bind_name(&mut self, id: SockId, name: &UnixAddress) -> Result<(), Errno> {
        let key = key(name).ok_or(Errno::INVAL)?;
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        sock.local = Some(Address::Unix(name.clone()));
        let host = sock.host;
        let names = &mut self.host_mut(host).names;
        if names.contains_key(&key) {
            if let Some(sock) = self.socks.get_mut(id.0) {
                sock.local = None;
            }
            return Err(Errno::ADDRINUSE);
        }
        names.insert(key, id);
        Ok(())
    }

    fn named(&self, id: SockId, name: &UnixAddress) -> Result<SockId, Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        let key = key(name).ok_or(Errno::CONNREFUSED)?;
        self.host(sock.host).names.get(&key).copied().ok_or(Errno::NOENT)
    }

    pub(crate) fn connect_by_name(&mut self, id: SockId, name: &UnixAddress) -> Result<(), Errno> {
        let listener = self.named(id, name)?;
        if self.socks.get_mut(listener.0).and_then(Sock::listener).is_none() {
            return Err(Errno::CONNREFUSED);
        }
        if self.is_full(listener) {
            return Err(Errno::WOULDBLOCK);
        }
        let window = self.window(id, listener);
        let sock = self.socks.get_mut(id.0).ok_or(Errno::BADF)?;
        let (host, ours) = (sock.host, sock.local.clone());
        let mut other = Sock::new(host, sock.family, SocketKind::Stream);
        other.local = Some(Address::Unix(name.clone()));
        other.peer = Some(ours.unwrap_or_else(Address::unnamed_unix));
        other.body = Body::Stream(Stream::new(id, host, window));
        let end = SockId(self.socks.insert(other));
        if let Some(sock) = self.socks.get_mut(id.0) {
            sock.peer = Some(Address::Unix(name.clone()));
            let mut stream = Stream::new(end, host, window);
            stream.is_told = true;
            sock.body = Body::Stream(stream);
        }
        if let Some(listening) = self.socks.get_mut(listener.0).and_then(Sock::listener) {
            listening.queue.push_back(end);
        }
        self.note(host, "queued", host, 0, 0);
        self.tell(listener, Flags::READ);
        Ok(())
    }

    /// Puts a piece of a stream straight into the other end.
    pub(crate) fn hand_over(&mut self, id: SockId, content: Content) -> Result<(), Errno> {
        let peer = self.socks.get_mut(id.0).and_then(Sock::stream).ok_or(Errno::BADF)?.peer;
        let sock = self.socks.get_mut(peer.0).ok_or(Errno::PIPE)?;
        let host = sock.host;
        let stream = sock.stream().ok_or(Errno::PIPE)?;
        match content {
            Content::Data(data) => {
                let (count, hash) = (data.len() as u64, crate::trace::hash_of(&data));
                stream.put(data);
                self.note(host, "data", host, count, hash);
            }
            Content::End => {
                stream.ended = true;
                self.note(host, "end", host, 0, 0);
            }
        }
        self.tell(peer, Flags::READ);
        Ok(())
    }

    /// The other end sees it at once: an end, or a reset if something was left unread.
    pub(crate) fn close_unix(&mut self, id: SockId, abort: bool) {
        let peer = self.socks.get_mut(id.0).and_then(Sock::stream).map(|stream| stream.peer);
        self.remove(id);
        let Some(sock) = peer.and_then(|peer| self.socks.get_mut(peer.0)) else { return };
        if abort {
            sock.error = Some(Errno::CONNRESET.raw_os_error());
        }
        if let Some(stream) = sock.stream() {
            stream.ended = !abort;
            stream.read_shut = true;
            stream.write_shut = true;
        }
        if let Some(peer) = peer {
            self.tell(peer, Flags::BOTH);
        }
    }

    pub(crate) fn send_to_name(
        &mut self,
        id: SockId,
        data: Vec<u8>,
        name: &UnixAddress,
    ) -> Result<(), Errno> {
        let to = self.named(id, name)?;
        let from = self.local_address(id)?;
        let sock = self.socks.get_mut(to.0).ok_or(Errno::CONNREFUSED)?;
        let (host, limit) = (sock.host, sock.options.receive_buffer);
        let datagrams = sock.datagrams().ok_or(Errno::PROTOTYPE)?;
        if datagrams.bytes + data.len() > limit {
            return Err(Errno::NOBUFS);
        }
        let (count, hash) = (data.len(), crate::trace::hash_of(&data));
        datagrams.bytes += count;
        datagrams.queue.push_back(Message { from, data });
        self.note(host, "datagram", host, count as u64, hash);
        self.tell(to, Flags::READ);
        Ok(())
    }

    /// A host is one process of one user.
    pub(crate) fn peer_credentials(&self, id: SockId) -> Result<Credentials, Errno> {
        let sock = self.socks.get(id.0).ok_or(Errno::BADF)?;
        match (sock.family, &sock.body) {
            (roundel_driver::Family::Unix, Body::Stream(_)) => {
                Ok(Credentials::new(1000 + sock.host.0 as i32, 1000, 1000))
            }
            _ => Err(Errno::OPNOTSUPP),
        }
    }
}
