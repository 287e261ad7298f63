//! The echo server as our users write it: a task for each connection, with a reader and a writer.

use std::{io, net::TcpListener};

use roundel_executor::spawn;
use roundel_loop::{EventLoop, LoopConfig, LoopHandle, Outcome, Socket, SocketOption, Source};
use roundel_stream::{copy, open};
use roundel_uring::UringDriver;

/// On the platform's best selector.
pub(super) fn on_epoll(listener: TcpListener) -> io::Result<()> {
    serve(LoopConfig::new().map_err(io::Error::other)?, listener)
}

/// On io_uring.
pub(super) fn on_uring(listener: TcpListener) -> io::Result<()> {
    let driver = UringDriver::new().map_err(io::Error::other)?;
    serve(LoopConfig::with_driver(Box::new(driver)), listener)
}

fn serve(config: LoopConfig, listener: TcpListener) -> io::Result<()> {
    let mut event_loop = EventLoop::with_config(config);
    let listener = event_loop.handle().attach(Source::new(listener));
    let accepting = async {
        loop {
            if let Ok(Outcome::Accepted(socket)) = listener.accept().await {
                spawn(echo(socket)).detach();
            }
        }
    };
    event_loop.run_until_complete(accepting).map_err(io::Error::other)
}

/// Until either side ends the connection.
async fn echo(socket: Socket) -> io::Result<()> {
    socket.set(SocketOption::NoDelay(true))?;
    let (mut reader, mut writer) = open(LoopHandle::current().attach(socket));
    copy(&mut reader, &mut writer).await?;
    Ok(())
}
