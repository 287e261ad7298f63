//! The echo server as call-backs on our loop.
//!
//! A connection receives by one operation that goes on. What comes goes back in the buffer it came in,
//! which then returns to the driver's pool.

use std::{
    cell::{Cell, OnceCell},
    io,
    net::TcpListener,
    rc::Rc,
};

use roundel_loop::{
    Attached, Completion, EventLoop, LoopConfig, LoopHandle, Outcome, ReceiptsHandle, Socket,
    SocketOption, Source,
};
use roundel_uring::UringDriver;

/// On the platform's best selector.
pub(super) fn on_epoll(listener: TcpListener, room: usize) -> io::Result<()> {
    serve(LoopConfig::new().map_err(io::Error::other)?, listener, room)
}

/// On io_uring.
pub(super) fn on_uring(listener: TcpListener, room: usize) -> io::Result<()> {
    let driver = UringDriver::new().map_err(io::Error::other)?;
    serve(LoopConfig::with_driver(Box::new(driver)), listener, room)
}

fn serve(config: LoopConfig, listener: TcpListener, room: usize) -> io::Result<()> {
    let mut event_loop = EventLoop::with_config(config);
    let handle = event_loop.handle();
    let listener = handle.attach(Source::new(listener));
    Rc::new(Acceptor { handle, listener, room }).accept();
    event_loop.run_forever().map_err(io::Error::other)
}

struct Acceptor {
    handle: LoopHandle,
    listener: Attached,
    room: usize,
}

impl Acceptor {
    fn accept(self: Rc<Self>) {
        match self.listener.accept().try_now() {
            Ok(completion) => self.accepted(completion),
            Err(pending) => {
                pending.then(move |completion| self.accepted(completion));
            }
        }
    }

    fn accepted(self: Rc<Self>, completion: Completion) {
        if let Ok(Outcome::Accepted(socket)) = completion
            && socket.set(SocketOption::NoDelay(true)).is_ok()
        {
            let socket = self.handle.attach(socket);
            let (receiving, under_way) = Default::default();
            Rc::new(Connection { socket, room: self.room, receiving, under_way }).serve();
        }
        // In a call-back of its own: a stream of clients must not keep the loop here.
        let handle = self.handle.clone();
        handle.call_soon(move || self.accept());
    }
}

/// Bytes under way at which a connection pauses receiving until they are sent: the high water mark of
/// streams. Below it pieces may follow each other, above it the next is the larger for the wait.
const MOST_UNDER_WAY: usize = 64 << 10;

/// Lives as long as an operation of its own is under way.
struct Connection {
    socket: Attached<Socket>,
    room: usize,
    receiving: OnceCell<ReceiptsHandle>,
    /// In bytes.
    under_way: Cell<usize>,
}

impl Connection {
    fn serve(self: &Rc<Self>) {
        let connection = Rc::clone(self);
        let receipts = self.socket.recv_many(self.room);
        let receiving = receipts.for_each(move |received| connection.answer(received));
        let _ = self.receiving.set(receiving);
    }

    /// Sends back what was received.
    fn answer(self: &Rc<Self>, received: Completion) {
        let Ok(Outcome::Received(data)) = received else { return };
        if data.is_empty() {
            return;
        }
        let bytes = data.len();
        match self.socket.send(data).try_now() {
            Ok(sent) => self.end_unless(sent.is_ok()),
            Err(pending) => {
                self.under_way.set(self.under_way.get() + bytes);
                if self.under_way.get() >= MOST_UNDER_WAY {
                    self.receiving().pause();
                }
                let connection = Rc::clone(self);
                pending.then(move |sent| connection.sent(sent, bytes));
            }
        }
    }

    fn sent(&self, sent: Completion, bytes: usize) {
        self.under_way.set(self.under_way.get() - bytes);
        self.end_unless(sent.is_ok());
        if self.under_way.get() == 0 {
            self.receiving().resume();
        }
    }

    fn end_unless(&self, goes_on: bool) {
        if !goes_on {
            self.receiving().cancel();
        }
    }

    fn receiving(&self) -> &ReceiptsHandle {
        self.receiving.get().expect("a connection is served from its beginning")
    }
}
