//! The client, the same for every server: each connection sends a request, reads its answer whole,
//! and sends the next.
//!
//! It never sleeps. A client that does is woken by the server's send, at the server's cost; whether
//! it sleeps depends on who of the two is a little faster, and would turn a small difference
//! between servers into a large one. On the server's core it gives way instead when there is nothing for
//! it to do: then it takes all answers, sends all requests, and the server has them all.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, EventData, EventFlags},
    },
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send, sockopt::set_tcp_congestion},
};

use super::{CONGESTION, exchange::Exchange};

/// When to stop sending.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// When this time is over.
    For(Duration),
    /// When so many requests are answered; what is under way then is answered too.
    Requests(usize),
}

/// What was done.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Requests that were answered whole.
    pub requests: usize,
    /// From the first sent to the last received.
    pub elapsed: Duration,
}

struct Connection {
    socket: TcpStream,
    /// Of the exchange under way.
    sent: usize,
    received: usize,
}

/// Some connections to one server.
pub struct Client {
    poller: OwnedFd,
    connections: Vec<Connection>,
    exchange: Exchange,
    room: Vec<u8>,
    gives_way: bool,
}

impl Client {
    /// Connects, and has every connection answered once, comparing the answer if it is an echo.
    ///
    /// # Errors
    /// The server does not accept, or does not answer with what it was sent.
    pub fn connect(
        address: SocketAddr,
        connections: usize,
        exchange: Exchange,
    ) -> io::Result<Self> {
        let poller = epoll::create(CreateFlags::CLOEXEC)?;
        let connect = |nth: usize| {
            let socket = TcpStream::connect(address)?;
            socket.set_nodelay(true)?;
            set_tcp_congestion(&socket, CONGESTION)?;
            compare(&socket, &exchange)?;
            socket.set_nonblocking(true)?;
            let token = EventData::new_u64(nth as u64);
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&poller, &socket, token, interest)?;
            Ok(Connection { socket, sent: 0, received: 0 })
        };
        let connections = (0..connections).map(connect).collect::<io::Result<_>>()?;
        let room = vec![0; exchange.answer.max(4096)];
        Ok(Self { poller, connections, room, exchange, gives_way: false })
    }

    /// For a client on the server's core: lets that run when there is nothing to do.
    pub fn giving_way(self) -> Self {
        Self { gives_way: true, ..self }
    }

    /// Loads the server; comes back when nothing is under way any more.
    ///
    /// # Errors
    /// A connection fails.
    pub fn run(&mut self, load: Load) -> io::Result<Run> {
        let start = Instant::now();
        for connection in &mut self.connections {
            connection.begin(&self.exchange)?;
        }
        let mut events = Vec::with_capacity(1024);
        let (mut requests, mut under_way) = (0, self.connections.len());
        while under_way > 0 {
            events.clear();
            epoll::wait(&self.poller, spare_capacity(&mut events), Some(&Timespec::default()))?;
            if events.is_empty() && self.gives_way {
                thread::yield_now();
            }
            let over = match load {
                Load::For(time) => start.elapsed() >= time,
                Load::Requests(number) => requests + under_way > number,
            };
            for event in &events {
                let connection = &mut self.connections[event.data.u64() as usize];
                if !connection.go_on(&self.exchange, &mut self.room)? {
                    continue;
                }
                requests += 1;
                match over {
                    true => under_way -= 1,
                    false => connection.begin(&self.exchange)?,
                }
            }
        }
        Ok(Run { requests, elapsed: start.elapsed() })
    }
}

impl Connection {
    fn begin(&mut self, exchange: &Exchange) -> io::Result<()> {
        (self.sent, self.received) = (0, 0);
        self.send(exchange)
    }

    fn send(&mut self, Exchange { request, .. }: &Exchange) -> io::Result<()> {
        while self.sent < request.len() {
            match send(&self.socket, &request[self.sent..], SendFlags::NOSIGNAL) {
                Ok(sent) => self.sent += sent,
                Err(Errno::WOULDBLOCK) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Sends and receives what it can. True if the answer has come whole.
    fn go_on(&mut self, exchange: &Exchange, room: &mut [u8]) -> io::Result<bool> {
        self.send(exchange)?;
        while self.received < exchange.answer {
            match recv(&self.socket, &mut *room, RecvFlags::empty()) {
                Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok((received, _)) => self.received += received,
                Err(Errno::WOULDBLOCK) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            if self.received == exchange.answer {
                return Ok(true);
            }
        }
        // An event of a connection that rests.
        Ok(false)
    }
}

/// One exchange, sent by one thread and read by another: none of the two buffers holds all of it.
fn compare(socket: &TcpStream, exchange: &Exchange) -> io::Result<()> {
    let Exchange { request, answer: bytes, is_echo } = exchange;
    let mut answer = vec![0; *bytes];
    thread::scope(|scope| {
        let sending = (request.len() > 4096).then(|| scope.spawn(|| (&*socket).write_all(request)));
        if sending.is_none() {
            (&*socket).write_all(request)?;
        }
        (&*socket).read_exact(&mut answer)?;
        sending.map_or(Ok(()), |thread| thread.join().expect("sending does not panic"))
    })?;
    match !is_echo || answer == *request {
        true => Ok(()),
        false => Err(io::Error::other("the server answers with something else")),
    }
}
