//! hyper on our streams, in a task for each connection.

use std::{future::pending, io, net::TcpListener};

use hyper::{server::conn::http1, service::service_fn};
use roundel_executor::spawn_on;
use roundel_loop::{EventLoop, LoopConfig, Socket};
use roundel_net::{Connection, Listener, serve};
use roundel_stream::Duplex;
use roundel_uring::UringDriver;

use super::service::answer;

/// On the platform's best selector.
pub(super) fn on_epoll(listener: TcpListener) -> io::Result<()> {
    run(LoopConfig::new().map_err(io::Error::other)?, listener)
}

/// On io_uring.
pub(super) fn on_uring(listener: TcpListener) -> io::Result<()> {
    let driver = UringDriver::new().map_err(io::Error::other)?;
    run(LoopConfig::with_driver(Box::new(driver)), listener)
}

fn run(config: LoopConfig, listener: TcpListener) -> io::Result<()> {
    let mut event_loop = EventLoop::with_config(config);
    let serving = spawn_on(&event_loop.handle(), async {
        let listener = Listener::from_sockets([Socket::new(listener)]);
        serve(listener, handle).serve_until(pending::<()>()).await;
    });
    let served = event_loop.run_until_complete(serving).map_err(io::Error::other)?;
    served.map_err(io::Error::other)
}

async fn handle(connection: Connection) -> Result<(), hyper::Error> {
    let stream = Duplex::from(connection.open());
    http1::Builder::new().serve_connection(stream, service_fn(answer)).await
}
