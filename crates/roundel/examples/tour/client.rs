//! A client: sends a megabyte in odd pieces and, meanwhile, checks every byte that comes back.

use std::{
    cell::Cell,
    io,
    net::{SocketAddr, TcpStream},
    rc::Rc,
};

use roundel::{
    LoopHandle,
    event_loop::{Attached, Outcome, Source},
};
use rustix::net::{AddressFamily, SocketType, socket};

use crate::timeline::TimeLine;

/// How much each client sends.
pub(crate) const MEGABYTE: usize = 1 << 20;

/// The lengths of the pieces, over and over: from one byte to more than a socket holds.
const PIECES: [usize; 6] = [1, 4_099, 17, 65_537, 1_021, 300_007];

pub(crate) struct Client {
    name: String,
    timeline: TimeLine,
    stream: Attached,
    message: Vec<u8>,
    sent: Cell<usize>,
    pieces_out: Cell<usize>,
    pieces_in: Cell<usize>,
    /// Told how many bytes more have come back unharmed.
    on_checked: Box<dyn Fn(usize)>,
}

/// A megabyte that is not another client's.
pub(crate) fn message(number: usize) -> Vec<u8> {
    (0..MEGABYTE).map(|at| (at ^ (at >> 8) ^ number) as u8).collect()
}

impl Client {
    pub(crate) fn new(
        handle: &LoopHandle,
        name: String,
        message: Vec<u8>,
        timeline: TimeLine,
        on_checked: impl Fn(usize) + 'static,
    ) -> io::Result<Rc<Self>> {
        let socket = TcpStream::from(socket(AddressFamily::INET, SocketType::STREAM, None)?);
        // A small piece goes out at once; it does not wait for the one before to be acknowledged.
        socket.set_nodelay(true)?;
        Ok(Rc::new(Self {
            name,
            timeline,
            stream: handle.attach(Source::new(socket)),
            message,
            sent: Cell::new(0),
            pieces_out: Cell::new(0),
            pieces_in: Cell::new(0),
            on_checked: Box::new(on_checked),
        }))
    }

    pub(crate) fn connect(self: Rc<Self>, server: SocketAddr) {
        self.stream.connect(server).then(move |completion| match completion {
            Ok(_) => {
                self.timeline.tell(&self.name, "is connected");
                // Both directions at once: neither waits for the other.
                Rc::clone(&self).send();
                self.receive(0);
            }
            Err(error) => self.give_up(error),
        });
    }

    /// Sends the next piece, and when that is gone, the one after it.
    fn send(self: Rc<Self>) {
        let (sent, pieces) = (self.sent.get(), self.pieces_out.get());
        let end = MEGABYTE.min(sent + PIECES[pieces % PIECES.len()]);
        if sent == end {
            return;
        }
        self.stream.send(&self.message[sent..end]).then(move |completion| match completion {
            Ok(_) => {
                self.sent.set(end);
                self.pieces_out.set(pieces + 1);
                self.send();
            }
            Err(error) => self.give_up(error),
        });
    }

    /// Receives what comes next, and checks it against what stands `at` this place of the message.
    fn receive(self: Rc<Self>, at: usize) {
        self.stream.recv(MEGABYTE - at).then(move |completion| match completion {
            Ok(Outcome::Received(data)) if data.is_empty() => {
                self.give_up(format!("the server hung up after {at} bytes"));
            }
            Ok(Outcome::Received(data)) if self.message[at..].starts_with(&data) => {
                self.checked(at + data.len(), data.len());
            }
            Ok(_) => self.give_up(format!("something else came back at byte {at}")),
            Err(error) => self.give_up(error),
        });
    }

    /// The message is back up to `at`, after `more` bytes.
    fn checked(self: Rc<Self>, at: usize, more: usize) {
        self.pieces_in.set(self.pieces_in.get() + 1);
        if at == MEGABYTE {
            let (sent, received) = (self.pieces_out.get(), self.pieces_in.get());
            let what = format!("has its megabyte back: sent {sent} pieces, received {received}");
            self.timeline.tell(&self.name, what);
        }
        (self.on_checked)(more);
        if at < MEGABYTE {
            self.receive(at);
        }
    }

    fn give_up(&self, why: impl std::fmt::Display) {
        self.timeline.tell(&self.name, format_args!("gives up: {why}"));
        LoopHandle::current().stop();
    }
}
