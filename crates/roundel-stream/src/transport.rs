//! `Transport`: a connection that calls back.
//!
//! It stands beside reader and writer on the same ground, and calls a [`Protocol`] where they would
//! wake a task. The protocol is taken out of its place while it is called, so that it may do with
//! the transport what it likes; what a call brings about, such as a pause, is told behind it.

use std::{
    cell::{Cell, RefCell},
    fmt, io, mem,
    rc::{Rc, Weak},
};

use roundel_driver::{Address, Buffer, Completion, Outcome};
use roundel_loop::{LoopHandle, OperationHandle, ReceiptsHandle, Submission};

use crate::{
    Carrier, Chunk, Protocol, WaterMarks,
    connection::{Connection, Progress},
    error::Failure,
    outgoing::Stage,
};

/// What a receive brings at most; asyncio's.
const AT_MOST: usize = 256 << 10;

/// A connection that calls a [`Protocol`] back. Clones are the same connection.
///
/// ```
/// use std::{io::{Read, Write}, os::unix::net::UnixStream};
/// use roundel_loop::{EventLoop, Socket};
/// use roundel_stream::{Chunk, Protocol, Transport};
///
/// /// Sends back what it is sent, and ends with its peer.
/// struct Echo;
///
/// impl Protocol for Echo {
///     fn data_received(&mut self, transport: &Transport, data: Chunk) {
///         // An error is told by connection_lost too.
///         transport.write(data).ok();
///     }
/// }
///
/// let mut event_loop = EventLoop::new()?;
/// let handle = event_loop.handle();
/// let (ours, mut theirs) = UnixStream::pair()?;
/// Transport::start(&handle, handle.attach(Socket::new(ours)), Echo);
/// theirs.write_all(b"hello")?;
/// theirs.shutdown(std::net::Shutdown::Write)?;
/// let remote = handle.remote();
/// let answer = std::thread::spawn(move || {
///     let mut answer = String::new();
///     theirs.read_to_string(&mut answer).unwrap();
///     remote.stop();
///     answer
/// });
/// event_loop.run_forever()?;
/// assert_eq!(answer.join().unwrap(), "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Transport(Rc<Inner>);

struct Inner {
    handle: LoopHandle,
    connection: Rc<Connection>,
    /// Nothing ever comes; it is only watched for its reader's leaving.
    is_write_only: bool,
    /// Empty while it is called, and when the connection is lost.
    protocol: RefCell<Option<Box<dyn Protocol>>>,
    receiving: RefCell<Option<Receiving>>,
    /// What a single receive brought while reading was paused.
    held: RefCell<Option<Completion>>,
    reading: Cell<Reading>,
    /// The protocol was told that writing is paused.
    told_pause: Cell<bool>,
    is_lost: Cell<bool>,
}

/// What is under way to hear from the peer.
enum Receiving {
    /// To the end of the stream.
    Many(ReceiptsHandle),
    /// Once.
    One(OperationHandle),
}

/// What becomes of what the peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The connection is not made yet; reading begins behind that, unless it is paused by then.
    NotYet,
    On,
    Paused,
    /// The peer has ended, or nobody wants to hear more.
    Over,
}

impl Transport {
    /// Lets `protocol` have a connection, or an end of a pipe: first
    /// [`connection_made`](Protocol::connection_made) is called, then reading begins, each in a
    /// call-back of its own. A pipe's writing end is watched instead: when its reader leaves, the
    /// connection is lost, with [`BrokenPipe`](io::ErrorKind::BrokenPipe) if anything was unsent.
    #[doc(alias = "create_connection")]
    #[doc(alias = "connect_read_pipe")]
    #[doc(alias = "connect_write_pipe")]
    pub fn start(
        handle: &LoopHandle,
        carrier: impl Into<Carrier>,
        protocol: impl Protocol + 'static,
    ) -> Self {
        let carrier = carrier.into();
        let inner = Rc::new(Inner {
            handle: handle.clone(),
            is_write_only: carrier.is_write_only(),
            connection: Connection::new(carrier),
            protocol: RefCell::new(Some(Box::new(protocol))),
            receiving: RefCell::default(),
            held: RefCell::default(),
            reading: Cell::new(Reading::NotYet),
            told_pause: Cell::new(false),
            is_lost: Cell::new(false),
        });
        let told: Weak<Inner> = Rc::downgrade(&inner);
        inner.connection.tell(told);
        let transport = Self(inner);
        let made = transport.clone();
        handle.call_soon(move || {
            made.call(|protocol| protocol.connection_made(&made));
            let begin = made.clone();
            made.0.handle.call_soon(move || {
                if begin.0.reading.get() == Reading::NotYet {
                    begin.0.reading.set(Reading::On);
                }
                begin.receive();
            });
        });
        transport
    }

    /// Sends as much as goes at once and keeps the rest; never waits.
    ///
    /// # Errors
    /// The transport was ended or closed, or sending failed, which
    /// [`connection_lost`](Protocol::connection_lost) tells too. The bytes are dropped.
    pub fn write(&self, data: impl AsRef<[u8]> + Into<Buffer>) -> io::Result<()> {
        let written = self.0.connection.write(data);
        self.progress();
        written
    }

    /// Sends several buffers, in one operation where that can be.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    #[doc(alias = "writelines")]
    pub fn write_vectored(&self, data: Vec<Buffer>) -> io::Result<()> {
        let written = self.0.connection.write_vectored(data);
        self.progress();
        written
    }

    /// Ends sending behind what is unsent; reading goes on. Where one direction cannot end by
    /// itself, the transport closes.
    pub fn write_eof(&self) {
        self.0.connection.end(Stage::Ending);
        self.progress();
    }

    /// Whether sending can end while reading goes on.
    pub fn can_write_eof(&self) -> bool {
        self.0.connection.can_end_sending()
    }

    /// Reads no more, sends what is unsent, then closes.
    pub fn close(&self) {
        self.read_no_more();
        self.0.connection.end(Stage::Closing);
        self.progress();
    }

    /// Drops what is unsent and closes.
    pub fn abort(&self) {
        self.read_no_more();
        self.0.connection.abort();
        self.progress();
    }

    /// Whether it is closed, or about to be.
    pub fn is_closing(&self) -> bool {
        self.0.connection.is_closed()
            || self.0.connection.outgoing(|outgoing| outgoing.stage == Stage::Closing)
    }

    /// Lets what the peer sends wait with the peer. No effect if it does, or if the transport is
    /// closing.
    pub fn pause_reading(&self) {
        match self.0.reading.replace(Reading::Paused) {
            Reading::NotYet => {}
            Reading::On => self.pause_receiving(),
            other => self.0.reading.set(other),
        }
    }

    /// Goes on reading. No effect unless it was paused.
    pub fn resume_reading(&self) {
        if self.0.reading.get() == Reading::Paused {
            self.0.reading.set(Reading::On);
            let transport = self.clone();
            self.0.handle.call_soon(move || {
                let held = transport.0.held.take();
                if let Some(completion) = held {
                    transport.received(completion);
                }
                transport.receive();
            });
        }
    }

    /// Whether data is delivered as it comes.
    pub fn is_reading(&self) -> bool {
        matches!(self.0.reading.get(), Reading::NotYet | Reading::On)
    }

    /// Lets another protocol have the connection from now on; it is not told that the connection is
    /// made.
    pub fn set_protocol(&self, protocol: impl Protocol + 'static) {
        if !self.0.is_lost.get() {
            drop(self.0.protocol.replace(Some(Box::new(protocol))));
        }
    }

    /// How many bytes are unsent; a send under way counts in full until it is done.
    #[doc(alias = "get_write_buffer_size")]
    pub fn buffered_bytes(&self) -> usize {
        self.0.connection.outgoing(|outgoing| outgoing.unsent())
    }

    /// The water marks.
    #[doc(alias = "get_write_buffer_limits")]
    pub fn limits(&self) -> WaterMarks {
        self.0.connection.outgoing(|outgoing| outgoing.flow.marks())
    }

    /// Sets the water marks, which count at once.
    #[doc(alias = "set_write_buffer_limits")]
    pub fn set_limits(&self, marks: WaterMarks) {
        self.0.connection.set_marks(marks);
    }

    /// The local address of the socket beneath.
    ///
    /// # Errors
    /// The transport runs over no socket, or is closed.
    #[doc(alias = "get_extra_info")]
    pub fn local_address(&self) -> io::Result<Address> {
        self.0.connection.ask(Carrier::local_address)
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// The transport runs over no socket, or is closed.
    #[doc(alias = "get_extra_info")]
    pub fn peer_address(&self) -> io::Result<Address> {
        self.0.connection.ask(Carrier::peer_address)
    }

    fn read_no_more(&self) {
        self.0.reading.set(Reading::Over);
        self.stop_receiving();
        drop(self.0.held.take());
    }

    fn stop_receiving(&self) {
        match self.0.receiving.take() {
            Some(Receiving::Many(receipts)) => drop(receipts.cancel()),
            Some(Receiving::One(operation)) => drop(operation.cancel()),
            None => {}
        }
    }

    /// Given up, what goes on holds the transport no longer, and what has come already is for when it is
    /// begun anew. A single receive may have brought something, and be queued with it: it is let come,
    /// and held.
    fn pause_receiving(&self) {
        let mut receiving = self.0.receiving.borrow_mut();
        let many = receiving.take_if(|receiving| matches!(receiving, Receiving::Many(_)));
        drop(receiving);
        if let Some(Receiving::Many(receipts)) = many {
            receipts.cancel();
        }
    }

    /// Receives, to the end where one operation can, else once more; delivered in call-backs of their
    /// own, so that a peer that never rests leaves everybody else their turn.
    fn receive(&self) {
        if self.0.reading.get() != Reading::On || self.0.receiving.borrow().is_some() {
            return;
        }
        let transport = self.clone();
        let receiving = match self.0.connection.receive_many(AT_MOST) {
            Some(receipts) => {
                Receiving::Many(receipts.for_each(move |completion| transport.received(completion)))
            }
            None => {
                let Some(submission) = self.receive_once() else { return };
                Receiving::One(submission.then(move |completion| {
                    transport.0.receiving.take();
                    transport.received(completion);
                    transport.receive();
                }))
            }
        };
        self.0.receiving.replace(Some(receiving));
    }

    fn receive_once(&self) -> Option<Submission> {
        match self.0.is_write_only {
            true => self.0.connection.with(Carrier::hang_up).flatten(),
            false => self.0.connection.receive(AT_MOST),
        }
    }

    fn received(&self, completion: Completion) {
        match (self.0.reading.get(), completion) {
            (Reading::Paused, completion) => drop(self.0.held.replace(Some(completion))),
            (Reading::On, Ok(Outcome::Received(data))) if !data.is_empty() => {
                self.call(|protocol| protocol.data_received(self, Chunk::new(data, 0)));
            }
            (Reading::On, Ok(Outcome::Ready(_))) => {
                if self.buffered_bytes() > 0 {
                    self.0.connection.fail(Failure::new(io::ErrorKind::BrokenPipe.into()));
                    self.progress();
                } else {
                    self.close();
                }
            }
            (Reading::On, Ok(_)) => {
                self.0.reading.set(Reading::Over);
                let mut stays_open = false;
                self.call(|protocol| stays_open = protocol.eof_received(self));
                // A pipe's end is the end of it.
                if !stays_open || !self.can_write_eof() {
                    self.close();
                }
            }
            (Reading::On, Err(error)) => {
                self.0.connection.fail(Failure::new(error.into()));
                self.progress();
            }
            (Reading::NotYet | Reading::Over, _) => {}
        }
    }

    /// Calls the protocol, unless it is being called or has gone; then tells it what that brought
    /// about.
    fn call(&self, call: impl FnOnce(&mut dyn Protocol)) {
        let Some(mut protocol) = self.0.protocol.take() else { return };
        let unharmed = AbortOnPanic(self);
        call(&mut *protocol);
        mem::forget(unharmed);
        // Another one may have been set meanwhile.
        let is_ours = self.0.protocol.borrow().is_none();
        if is_ours {
            self.0.protocol.replace(Some(protocol));
        } else {
            drop(protocol);
        }
        self.progress();
    }

    /// Tells the protocol what has become of its connection and it does not know.
    fn progress(&self) {
        // While it is called it is told nothing; behind the call this is looked at again.
        if self.0.is_lost.get() || self.0.protocol.borrow().is_none() {
            return;
        }
        if let Some(error) = self.0.connection.failure() {
            self.read_no_more();
            self.lose(Some(error));
            self.0.connection.abort();
        } else if self.0.connection.is_closed() {
            self.lose(None);
        } else {
            let paused = self.0.connection.outgoing(|outgoing| outgoing.flow.is_paused());
            match (self.0.told_pause.replace(paused), paused) {
                (false, true) => self.call(|protocol| protocol.pause_writing(self)),
                (true, false) => self.call(|protocol| protocol.resume_writing(self)),
                _ => {}
            }
        }
    }

    fn lose(&self, error: Option<io::Error>) {
        self.0.is_lost.set(true);
        let transport = self.clone();
        self.0.handle.call_soon(move || {
            let protocol = transport.0.protocol.take();
            if let Some(mut protocol) = protocol {
                protocol.connection_lost(error);
            }
        });
    }
}

impl Progress for Inner {
    fn progress(self: Rc<Self>) {
        Transport(self).progress();
    }
}

/// A protocol that panics has no more to say.
struct AbortOnPanic<'a>(&'a Transport);

impl Drop for AbortOnPanic<'_> {
    fn drop(&mut self) {
        self.0.0.is_lost.set(true);
        self.0.read_no_more();
        self.0.0.connection.abort();
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("reading", &self.0.reading.get())
            .field("buffered_bytes", &self.buffered_bytes())
            .field("is_closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}
