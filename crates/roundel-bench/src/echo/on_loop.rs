//! The echo server as call-backs on our loop.
//!
//! What is received goes back in the buffer it came in, which then returns to the driver's pool.
//! As long as the kernel has data and takes it, a connection goes on without a turn of the loop.

use std::{io, net::TcpListener, rc::Rc};

use roundel_loop::{
    Attached, Completion, EventLoop, LoopConfig, LoopHandle, Outcome, Socket, SocketOption, Source,
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
            Rc::new(Connection { socket, room: self.room }).serve();
        }
        // In a call-back of its own: a stream of clients must not keep the loop here.
        let handle = self.handle.clone();
        handle.call_soon(move || self.accept());
    }
}

/// Lives as long as an operation of its own is under way.
struct Connection {
    socket: Attached<Socket>,
    room: usize,
}

impl Connection {
    /// Receives and answers until one of the two has to wait.
    fn serve(self: Rc<Self>) {
        loop {
            match self.socket.recv(self.room).try_now() {
                Ok(completion) => {
                    if !self.answer(completion) {
                        return;
                    }
                }
                Err(pending) => {
                    pending.then(move |completion| {
                        if self.answer(completion) {
                            self.serve();
                        }
                    });
                    return;
                }
            }
        }
    }

    /// Sends back what was received. True if all of it is out already; false if the rest waits, or
    /// the connection has ended.
    fn answer(self: &Rc<Self>, received: Completion) -> bool {
        let Ok(Outcome::Received(data)) = received else { return false };
        if data.is_empty() {
            return false;
        }
        match self.socket.send(data).try_now() {
            Ok(sent) => sent.is_ok(),
            Err(pending) => {
                let connection = Rc::clone(self);
                pending.then(move |sent| {
                    if sent.is_ok() {
                        connection.serve();
                    }
                });
                false
            }
        }
    }
}
