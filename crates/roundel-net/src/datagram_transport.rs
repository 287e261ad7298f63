//! `DatagramTransport`: a socket for datagrams that calls back.
//!
//! Each message is an operation of its own, and the driver keeps them in order; here they are only
//! counted. The protocol is taken out of its place while it is called, so that it may do with the
//! transport what it likes; what a call brings about, such as a pause, is told behind it.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt, io, mem,
    rc::Rc,
};

use roundel_loop::{
    Address, Buffer, Completion, LoopHandle, OperationError, OperationHandle, Outcome,
    PendingOperation, Submission,
};
use roundel_stream::{Flow, WaterMarks};

use crate::{DatagramProtocol, DatagramSocket};

/// What a message may have at most; asyncio's.
const AT_MOST: usize = 256 << 10;

/// What a message that waits counts beside its bytes, so that empty ones count too; asyncio's, and
/// the size of UDP's header.
const HEADER: usize = 8;

/// A socket for datagrams that calls a [`DatagramProtocol`] back. Clones are the same transport.
///
/// ```
/// use roundel_executor::spawn_on;
/// use roundel_loop::{Datagram, LoopHandle};
/// use roundel_net::{DatagramProtocol, DatagramSocket, DatagramTransport};
///
/// /// Sends back what it is sent.
/// struct Echo;
///
/// impl DatagramProtocol for Echo {
///     fn datagram_received(&mut self, transport: &DatagramTransport, datagram: Datagram) {
///         transport.send_to(datagram.data, datagram.from).ok();
///     }
/// }
///
/// let mut event_loop = roundel_loop::EventLoop::new()?;
/// let task = spawn_on(&event_loop.handle(), async {
///     let socket = DatagramSocket::bind("127.0.0.1:0").await?;
///     let client = DatagramSocket::connect(socket.local().inet().unwrap()).await?;
///     let server = DatagramTransport::start(&LoopHandle::current(), socket, Echo);
///     client.send(b"hello").await?;
///     assert_eq!(&client.recv(1500).await?[..], b"hello");
///     server.close();
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// event_loop.run_until_complete(task)???;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DatagramTransport(Rc<Inner>);

struct Inner {
    handle: LoopHandle,
    /// None once it is closed.
    socket: RefCell<Option<DatagramSocket>>,
    /// Where it is connected to.
    peer: Option<Address>,
    /// Empty while it is called, and when the transport is closed.
    protocol: RefCell<Option<Box<dyn DatagramProtocol>>>,
    receiving: RefCell<Option<OperationHandle>>,
    sending: RefCell<Sending>,
    untold: RefCell<VecDeque<OperationError>>,
    /// The protocol was told that writing is paused.
    told_pause: Cell<bool>,
    is_closing: Cell<bool>,
}

/// Messages that the driver has not sent yet, in order.
#[derive(Default)]
struct Sending {
    under_way: VecDeque<(u64, usize, OperationHandle)>,
    next_number: u64,
    unsent: usize,
    flow: Flow,
}

impl Sending {
    fn begin(&mut self, weight: usize) -> u64 {
        self.next_number += 1;
        self.count(self.unsent + weight);
        self.next_number
    }

    fn done(&mut self, number: u64) {
        let place = self.under_way.iter().position(|(waiting, ..)| *waiting == number);
        if let Some((_, weight, _)) = place.and_then(|place| self.under_way.remove(place)) {
            self.count(self.unsent - weight);
        }
    }

    fn count(&mut self, unsent: usize) {
        self.unsent = unsent;
        self.flow.note(unsent);
    }
}

impl DatagramTransport {
    /// Lets `protocol` have a socket: first
    /// [`connection_made`](DatagramProtocol::connection_made) is called, then receiving begins,
    /// each in a call-back of its own.
    #[doc(alias = "create_datagram_endpoint")]
    pub fn start(
        handle: &LoopHandle,
        socket: DatagramSocket,
        protocol: impl DatagramProtocol + 'static,
    ) -> Self {
        let transport = Self(Rc::new(Inner {
            handle: handle.clone(),
            peer: socket.peer(),
            socket: RefCell::new(Some(socket)),
            protocol: RefCell::new(Some(Box::new(protocol))),
            receiving: RefCell::default(),
            sending: RefCell::default(),
            untold: RefCell::default(),
            told_pause: Cell::new(false),
            is_closing: Cell::new(false),
        }));
        let made = transport.clone();
        handle.call_soon(move || {
            made.call(|protocol| protocol.connection_made(&made));
            let begin = made.clone();
            made.0.handle.call_soon(move || begin.receive());
        });
        transport
    }

    /// Sends a message to where the transport is connected, or queues it behind others; never
    /// waits. What becomes of it, [`error_received`](DatagramProtocol::error_received) tells if it
    /// goes wrong.
    ///
    /// # Errors
    /// The transport is not connected, or is closing. The message is dropped.
    pub fn send(&self, data: impl Into<Buffer>) -> io::Result<()> {
        if self.0.peer.is_none() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "sending to nobody"));
        }
        self.submit(data.into(), None)
    }

    /// Sends a message to an address, or queues it behind others; never waits. As
    /// [`send`](Self::send).
    ///
    /// # Errors
    /// The transport is connected to another address, or is closing. The message is dropped.
    #[doc(alias = "sendto")]
    pub fn send_to(&self, data: impl Into<Buffer>, to: impl Into<Address>) -> io::Result<()> {
        let to = to.into();
        match &self.0.peer {
            None => self.submit(data.into(), Some(to)),
            Some(peer) if *peer == to => self.submit(data.into(), None),
            Some(_) => {
                let why = "sending to another address than the one it is connected to";
                Err(io::Error::new(io::ErrorKind::InvalidInput, why))
            }
        }
    }

    fn submit(&self, data: Buffer, to: Option<Address>) -> io::Result<()> {
        if self.is_closing() {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "sending after the close"));
        }
        let weight = data.len() + HEADER;
        let submission = self.with(|socket| socket.submit(data, to));
        match submission.map(Submission::try_now) {
            Some(Ok(completion)) => self.note(completion),
            Some(Err(pending)) => self.go_on(pending, weight),
            None => {}
        }
        self.progress();
        Ok(())
    }

    /// A message waits for the system.
    fn go_on(&self, pending: PendingOperation, weight: usize) {
        let number = self.0.sending.borrow_mut().begin(weight);
        let transport = self.clone();
        let handle = pending.then(move |completion| {
            transport.0.sending.borrow_mut().done(number);
            transport.note(completion);
            transport.progress();
            transport.close_if_flushed();
        });
        self.0.sending.borrow_mut().under_way.push_back((number, weight, handle));
    }

    /// Receives no more, sends what is unsent, then closes.
    pub fn close(&self) {
        if !self.0.is_closing.replace(true) {
            self.receive_no_more();
            self.close_if_flushed();
        }
    }

    /// Drops what is unsent and closes.
    pub fn abort(&self) {
        self.end();
    }

    /// Whether it is closed, or about to be.
    pub fn is_closing(&self) -> bool {
        self.0.is_closing.get()
    }

    /// Lets another protocol have the socket from now on; it is not told that the transport is
    /// there.
    pub fn set_protocol(&self, protocol: impl DatagramProtocol + 'static) {
        let is_open = self.0.socket.borrow().is_some();
        if is_open {
            drop(self.0.protocol.replace(Some(Box::new(protocol))));
        }
    }

    /// How much is unsent, in bytes: each message counts its length and 8 more.
    #[doc(alias = "get_write_buffer_size")]
    pub fn buffered_bytes(&self) -> usize {
        self.0.sending.borrow().unsent
    }

    /// The water marks.
    #[doc(alias = "get_write_buffer_limits")]
    pub fn limits(&self) -> WaterMarks {
        self.0.sending.borrow().flow.marks()
    }

    /// Sets the water marks, which count at once.
    #[doc(alias = "set_write_buffer_limits")]
    pub fn set_limits(&self, marks: WaterMarks) {
        let mut sending = self.0.sending.borrow_mut();
        let unsent = sending.unsent;
        sending.flow.set_marks(marks, unsent);
        drop(sending);
        self.progress();
    }

    /// The address of this end; none when it is closed.
    #[doc(alias = "get_extra_info")]
    pub fn local(&self) -> Option<Address> {
        self.with(DatagramSocket::local)
    }

    /// Where it is connected to.
    #[doc(alias = "get_extra_info")]
    pub fn peer(&self) -> Option<&Address> {
        self.0.peer.as_ref()
    }

    fn with<R>(&self, ask: impl FnOnce(&DatagramSocket) -> R) -> Option<R> {
        self.0.socket.borrow().as_ref().map(ask)
    }

    /// Receives once more; delivered in a call-back of its own, so that messages without end leave
    /// everybody else their turn.
    fn receive(&self) {
        if self.is_closing() {
            return;
        }
        let Some(submission) = self.with(|socket| socket.socket().recv_from(AT_MOST)) else {
            return;
        };
        let transport = self.clone();
        let receiving = submission.then(move |completion| {
            transport.0.receiving.take();
            transport.received(completion);
        });
        self.0.receiving.replace(Some(receiving));
    }

    fn received(&self, completion: Completion) {
        if self.is_closing() {
            return;
        }
        if let Ok(Outcome::Datagram(datagram)) = completion {
            self.call(|protocol| protocol.datagram_received(self, *datagram));
        } else {
            self.note(completion);
            self.progress();
        }
        self.receive();
    }

    fn receive_no_more(&self) {
        let receiving = self.0.receiving.take();
        if let Some(receiving) = receiving {
            receiving.cancel();
        }
    }

    /// Keeps an error for the protocol.
    fn note(&self, completion: Completion) {
        match completion {
            Ok(outcome) => drop(outcome),
            Err(error) => self.0.untold.borrow_mut().push_back(error),
        }
    }

    /// Calls the protocol, unless it is being called or has gone; then tells it what that brought
    /// about.
    fn call(&self, call: impl FnOnce(&mut dyn DatagramProtocol)) {
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

    /// Tells the protocol what it does not know yet. While it is called that is nothing; behind the
    /// call this is looked at again.
    fn progress(&self) {
        if self.0.socket.borrow().is_none() || self.0.protocol.borrow().is_none() {
            return;
        }
        let error = self.0.untold.borrow_mut().pop_front();
        if let Some(error) = error {
            return self.call(|protocol| protocol.error_received(self, error));
        }
        let paused = self.0.sending.borrow().flow.is_paused();
        match (self.0.told_pause.replace(paused), paused) {
            (false, true) => self.call(|protocol| protocol.pause_writing(self)),
            (true, false) => self.call(|protocol| protocol.resume_writing(self)),
            _ => {}
        }
    }

    fn close_if_flushed(&self) {
        let is_flushed = self.0.sending.borrow().under_way.is_empty();
        if self.is_closing() && is_flushed {
            self.end();
        }
    }

    /// Closes the socket and tells the protocol, once.
    fn end(&self) {
        self.0.is_closing.set(true);
        self.receive_no_more();
        let sending = mem::take(&mut *self.0.sending.borrow_mut());
        for (_, _, handle) in sending.under_way {
            handle.cancel();
        }
        let Some(socket) = self.0.socket.take() else { return };
        drop(socket);
        let transport = self.clone();
        self.0.handle.call_soon(move || {
            let protocol = transport.0.protocol.take();
            if let Some(mut protocol) = protocol {
                let untold = transport.0.untold.take();
                untold.into_iter().for_each(|error| protocol.error_received(&transport, error));
                protocol.connection_lost();
            }
        });
    }
}

/// A protocol that panics has no more to say.
struct AbortOnPanic<'a>(&'a DatagramTransport);

impl Drop for AbortOnPanic<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl fmt::Debug for DatagramTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatagramTransport")
            .field("local", &self.local().map(|address| address.to_string()))
            .field("peer", &self.peer().map(|address| address.to_string()))
            .field("buffered_bytes", &self.buffered_bytes())
            .field("is_closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}
