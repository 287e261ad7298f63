//! The echo server that can do nothing else, on io_uring: one system call a turn.
//!
//! Short messages are received by requests that go on by themselves (multishot), into buffers that
//! the kernel chooses from and gets back once their content is sent. Long ones are received one at
//! a time, each connection's into memory of its own.
//!
//! The benchmarks' only unsafe code. What the kernel may touch is leaked: nothing is freed, not even
//! when the server ends.
#![allow(unsafe_code)]

use std::{
    collections::VecDeque,
    io, mem,
    net::TcpListener,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    sync::atomic::{AtomicU64, Ordering},
};

use io_uring::{IoUring, cqueue, opcode, squeue::Entry, types::Fd};
use rustix::{
    io::Errno,
    net::{RecvFlags, SendFlags, SocketFlags, sockopt::set_tcp_nodelay},
};

/// What is received with more room than this is received one at a time.
const SHARED_AT_MOST: usize = 4 << 10;
/// Buffers that connections can share; a power of two.
const BUFFERS: u16 = 1024;
/// Of them, those on offer before the kernel runs out; it then gets twice as many. Few, so that
/// they stay in the cache.
const FIRST_OFFERED: u16 = 64;
/// The number of their group.
const GROUP: u16 = 0;
/// All of it, however often the kernel has to wait, and no signal if nobody is there.
const ALL: u32 = SendFlags::NOSIGNAL.bits() | RecvFlags::WAITALL.bits();
/// `IORING_RECVSEND_POLL_FIRST`: nothing is there, so wait before looking.
const POLL_FIRST: u16 = 1;

/// What an answer is to, in the upper half of its word; the connection's place is in the lower.
const ACCEPT: u64 = 0;
const RECEIVE: u64 = 1;
const SEND: u64 = 2;

pub(super) fn serve(listener: &TcpListener, room: usize) -> io::Result<()> {
    let mut server = Server::new(listener.as_raw_fd(), room)?;
    let mut answers = Vec::new();
    server.accept()?;
    loop {
        match server.ring.submit_and_wait(1) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        answers.extend(server.ring.completion());
        for answer in answers.drain(..) {
            server.hear(&answer)?;
        }
        server.feed_the_starved()?;
    }
}

struct Server {
    ring: IoUring,
    listener: RawFd,
    room: usize,
    /// None if every connection has its own.
    shared: Option<Shared>,
    connections: Vec<Connection>,
    /// Places of connections that have ended, with their memory.
    vacant: Vec<usize>,
    /// Connections for which there was no buffer.
    starved: Vec<usize>,
}

struct Connection {
    /// Closed when no request is under way any more, so none names a descriptor that is another's.
    socket: Option<OwnedFd>,
    receiving: bool,
    /// What has come and is not sent yet; the first of it is with the kernel.
    pieces: VecDeque<Piece>,
    /// Memory that is never freed; null if it shares that of all.
    own: *mut u8,
}

#[derive(Clone, Copy)]
struct Piece {
    address: *const u8,
    length: u32,
    /// The shared buffer it lies in.
    buffer: Option<u16>,
}

impl Server {
    fn new(listener: RawFd, room: usize) -> io::Result<Self> {
        // As our driver's.
        let ring = IoUring::builder()
            .setup_cqsize(4096)
            .setup_submit_all()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .build(256)?;
        let shared = if room <= SHARED_AT_MOST { Some(Shared::new(&ring, room)?) } else { None };
        let (connections, vacant, starved) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { ring, listener, room, shared, connections, vacant, starved })
    }

    /// Leaves an entry for the kernel, which looks at the next turn, or now if the queue is full.
    fn push(&mut self, entry: Entry, kind: u64, place: usize) -> io::Result<()> {
        let entry = entry.user_data(kind << 32 | place as u64);
        // SAFETY: every address in an entry is that of leaked memory, which nobody here reads,
        // writes or refers to. Descriptors are those of the listener, which outlives the server,
        // and of connections, which stay open until their last request is answered.
        while unsafe { self.ring.submission().push(&entry) }.is_err() {
            self.ring.submit()?;
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        let flags = SocketFlags::CLOEXEC.bits() as i32;
        self.push(opcode::AcceptMulti::new(Fd(self.listener)).flags(flags).build(), ACCEPT, 0)
    }

    fn hear(&mut self, answer: &cqueue::Entry) -> io::Result<()> {
        let (kind, place) = (answer.user_data() >> 32, answer.user_data() as u32 as usize);
        match kind {
            ACCEPT => self.accepted(answer),
            RECEIVE => self.received(place, answer),
            _ => self.sent(place),
        }
    }

    fn accepted(&mut self, answer: &cqueue::Entry) -> io::Result<()> {
        if answer.result() >= 0 {
            // SAFETY: the kernel made this descriptor for us, and its answer is read once.
            let socket = unsafe { OwnedFd::from_raw_fd(answer.result()) };
            set_tcp_nodelay(&socket, true)?;
            let place = self.vacant.pop().unwrap_or_else(|| {
                let own = match self.shared {
                    None => vec![0; self.room].leak().as_mut_ptr(),
                    Some(_) => std::ptr::null_mut(),
                };
                let pieces = VecDeque::new();
                self.connections.push(Connection { socket: None, receiving: false, pieces, own });
                self.connections.len() - 1
            });
            self.connections[place].socket = Some(socket);
            self.receive(place, false)?;
        }
        if cqueue::more(answer.flags()) { Ok(()) } else { self.accept() }
    }

    fn receive(&mut self, place: usize, poll_first: bool) -> io::Result<()> {
        let connection = &mut self.connections[place];
        let Some(socket) = &connection.socket else { return Ok(()) };
        connection.receiving = true;
        let (fd, own) = (Fd(socket.as_raw_fd()), connection.own);
        let entry = match self.shared {
            Some(_) => opcode::RecvMulti::new(fd, GROUP).build(),
            None => opcode::Recv::new(fd, own, self.room as u32)
                .ioprio(if poll_first { POLL_FIRST } else { 0 })
                .build(),
        };
        self.push(entry, RECEIVE, place)
    }

    fn received(&mut self, place: usize, answer: &cqueue::Entry) -> io::Result<()> {
        let (result, buffer) = (answer.result(), cqueue::buffer_select(answer.flags()));
        let connection = &mut self.connections[place];
        connection.receiving = cqueue::more(answer.flags());
        if result > 0 {
            let address = match (&self.shared, buffer) {
                (Some(shared), Some(id)) => shared.address(id),
                _ => connection.own,
            };
            connection.pieces.push_back(Piece { address, length: result as u32, buffer });
            return if connection.pieces.len() == 1 { self.send(place) } else { Ok(()) };
        }
        if let (Some(shared), Some(id)) = (&mut self.shared, buffer) {
            shared.offer(id);
        }
        if result == -Errno::NOBUFS.raw_os_error() {
            self.starved.push(place);
        } else {
            self.end(place);
        }
        Ok(())
    }

    /// Sends the first piece.
    fn send(&mut self, place: usize) -> io::Result<()> {
        let connection = &self.connections[place];
        let (Some(socket), Some(piece)) = (&connection.socket, connection.pieces.front()) else {
            return Ok(());
        };
        let fd = Fd(socket.as_raw_fd());
        let entry = opcode::Send::new(fd, piece.address, piece.length).flags(ALL as i32).build();
        self.push(entry, SEND, place)
    }

    /// A failed send is left to the receive, which fails as well.
    fn sent(&mut self, place: usize) -> io::Result<()> {
        let connection = &mut self.connections[place];
        let piece = connection.pieces.pop_front();
        if let (Some(shared), Some(id)) = (&mut self.shared, piece.and_then(|piece| piece.buffer)) {
            shared.offer(id);
        }
        if !connection.pieces.is_empty() {
            self.send(place)
        } else if connection.receiving {
            Ok(())
        } else if self.shared.is_none() {
            // The client has had no time to send another.
            self.receive(place, true)
        } else {
            self.end(place);
            Ok(())
        }
    }

    /// Closes a connection whose last request is answered.
    fn end(&mut self, place: usize) {
        let connection = &mut self.connections[place];
        let starved = self.starved.contains(&place);
        if !connection.receiving && connection.pieces.is_empty() && !starved {
            connection.socket = None;
            self.vacant.push(place);
        }
    }

    /// Shows the kernel the buffers it has back; whoever found none receives again.
    fn feed_the_starved(&mut self) -> io::Result<()> {
        let Some(shared) = &mut self.shared else { return Ok(()) };
        if !self.starved.is_empty() {
            shared.widen();
        }
        // Else all are with sends, whose answers lead here again.
        if shared.publish() {
            for place in mem::take(&mut self.starved) {
                self.receive(place, false)?;
            }
        }
        Ok(())
    }
}

/// As the kernel reads them: address; length, number and, in the first record only, the ring's tail.
#[repr(align(4096))]
struct Records([[AtomicU64; 2]; BUFFERS as usize]);

/// Buffers that the kernel chooses from when it has something to put there.
struct Shared {
    records: &'static Records,
    memory: *mut u8,
    room: usize,
    /// How many there are, with the kernel or here.
    offered: u16,
    tail: u16,
    published: u16,
}

impl Shared {
    fn new(ring: &IoUring, room: usize) -> io::Result<Self> {
        let record = |_| [AtomicU64::new(0), AtomicU64::new(0)];
        let records: &Records = Box::leak(Box::new(Records(std::array::from_fn(record))));
        let memory = vec![0; room * usize::from(BUFFERS)].leak().as_mut_ptr();
        let address = records.0.as_ptr().expose_provenance() as u64;
        // SAFETY: the records are leaked, and so are the buffers that they name.
        unsafe { ring.submitter().register_buf_ring_with_flags(address, BUFFERS, GROUP, 0)? };
        let mut shared = Self { records, memory, room, offered: 0, tail: 0, published: 0 };
        (0..FIRST_OFFERED).for_each(|id| shared.offer(id));
        shared.offered = FIRST_OFFERED;
        shared.publish();
        Ok(shared)
    }

    fn address(&self, id: u16) -> *mut u8 {
        self.memory.wrapping_add(self.room * usize::from(id))
    }

    /// Writes a buffer's record behind the last; the kernel sees it when it is published.
    fn offer(&mut self, id: u16) {
        let [first, second] = &self.records.0[usize::from(self.tail % BUFFERS)];
        first.store(self.address(id).expose_provenance() as u64, Ordering::Relaxed);
        let tail = second.load(Ordering::Relaxed) & TAIL;
        let record = tail | u64::from(id) << 32 | self.room as u64;
        second.store(record, Ordering::Relaxed);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Twice as many, if there are.
    fn widen(&mut self) {
        let more = self.offered..(self.offered * 2).min(BUFFERS);
        self.offered = more.end;
        more.for_each(|id| self.offer(id));
    }

    /// Whether there was anything new.
    fn publish(&mut self) -> bool {
        let second = &self.records.0[0][1];
        let rest = second.load(Ordering::Relaxed) & !TAIL;
        // Release: the kernel reads the tail first, then the records before it.
        second.store(rest | u64::from(self.tail) << 48, Ordering::Release);
        mem::replace(&mut self.published, self.tail) != self.tail
    }
}

/// Where the first record has the ring's tail, on the little-endian machines that are measured.
const TAIL: u64 = 0xffff << 48;
