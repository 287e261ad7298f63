//! The echo server as our users write it: a task for each connection, with a reader and a writer.

use std::{future::pending, io, net::TcpListener};

use roundel_executor::spawn_on;
use roundel_loop::{EventLoop, LoopConfig, Socket};
use roundel_net::{Connection, Listener, serve};
use roundel_stream::copy;
use roundel_uring::UringDriver;

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
        serve(listener, echo).serve_until(pending::<()>()).await;
    });
    let served = event_loop.run_until_complete(serving).map_err(io::Error::other)?;
    served.map_err(io::Error::other)
}

/// Until either side ends the connection.
async fn echo(connection: Connection) -> io::Result<()> {
    let (mut reader, mut writer) = connection.open();
    copy(&mut reader, &mut writer).await?;
    Ok(())
}
