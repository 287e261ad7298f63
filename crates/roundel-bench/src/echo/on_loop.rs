//! The echo server as call-backs on our loop.
//!
//! A connection receives by one operation that goes on. What comes goes back in the buffer it came in,
//! which then returns to the driver's pool.

use std::{
    cell::{Cell, RefCell},
    io,
    net::TcpListener,
    rc::Rc,
};

use roundel_loop::{
    Attached, Completion, EventLoop, LoopConfig, LoopHandle, OperationHandle, Outcome, Socket,
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

/// Sends under way at which a connection stops receiving: its peer sends and does not read.
const MOST_UNDER_WAY: usize = 16;

/// Lives as long as an operation of its own is under way.
struct Connection {
    socket: Attached<Socket>,
    room: usize,
    receiving: RefCell<Option<OperationHandle>>,
    under_way: Cell<usize>,
}

impl Connection {
    fn serve(self: &Rc<Self>) {
        let connection = Rc::clone(self);
        let receipts = self.socket.recv_many(self.room);
        let receiving = receipts.for_each(move |received| connection.answer(received));
        self.receiving.replace(Some(receiving));
    }

    /// Sends back what was received.
    fn answer(self: &Rc<Self>, received: Completion) {
        let Ok(Outcome::Received(data)) = received else { return };
        if data.is_empty() {
            return;
        }
        match self.socket.send(data).try_now() {
            Ok(sent) => self.stop_unless(sent.is_ok()),
            Err(pending) => {
                let before = self.under_way.get();
                self.under_way.set(before + 1);
                self.stop_unless(before < MOST_UNDER_WAY);
                let connection = Rc::clone(self);
                pending.then(move |sent| connection.sent(sent));
            }
        }
    }

    fn sent(self: &Rc<Self>, sent: Completion) {
        self.under_way.set(self.under_way.get() - 1);
        self.stop_unless(sent.is_ok());
        if sent.is_ok() && self.under_way.get() == 0 && self.receiving.borrow().is_none() {
            self.serve();
        }
    }

    fn stop_unless(&self, goes_on: bool) {
        if !goes_on {
            let receiving = self.receiving.take();
            if let Some(receiving) = receiving {
                receiving.cancel();
            }
        }
    }
}
