//! The echo server: a task that accepts, and a child of its group for each connection.

use std::{convert::Infallible, net::TcpListener};

use roundel::{
    LoopHandle, Outcome, Source, TaskGroup,
    event_loop::{OperationError, Socket, SocketOption},
};

use crate::{Failed, timeline::TimeLine};

/// The server takes what has come, but not more than this at once.
const AT_MOST: usize = 64 << 10;

/// Serves until it is cancelled; its connections end with it.
pub(crate) async fn serve(listener: TcpListener, timeline: TimeLine) -> Result<Infallible, Failed> {
    timeline.tell(format_args!("listens on {}", listener.local_addr()?));
    let listener = LoopHandle::current().attach(Source::new(listener));
    let connections = TaskGroup::scope(async |group| {
        for number in 1.. {
            let Outcome::Accepted(socket) = listener.accept().await? else { continue };
            let connection = async move {
                match echo(socket).await {
                    Ok(()) => timeline.tell("is closed by the client"),
                    Err(error) => timeline.tell(error),
                }
                Ok::<_, OperationError>(())
            };
            group.builder().name(format!("connection {number}")).spawn(connection);
        }
        unreachable!("numbers do not end")
    });
    Ok(connections.await?)
}

async fn echo(socket: Socket) -> Result<(), OperationError> {
    // Echo at once; a failure to hurry is none to echo.
    let _ = socket.set(SocketOption::NoDelay(true));
    // Dropped at the end of the stream, on an error and by a cancel, which closes it.
    let peer = LoopHandle::current().attach(socket);
    loop {
        match peer.recv(AT_MOST).await? {
            // The buffer that was received is the one that is sent; nothing is copied.
            Outcome::Received(data) if !data.is_empty() => peer.send(data).await?,
            _ => return Ok(()),
        };
    }
}
