//! The echo server as compio's users write it: a task and a buffer for each connection, which the
//! kernel has while it reads.

use std::{io, net};

use compio::{
    BufResult,
    io::{AsyncRead, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};

pub(super) fn serve(listener: net::TcpListener, room: usize) -> io::Result<()> {
    Runtime::new()?.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            compio::runtime::spawn(echo(socket, room)).detach();
        }
    })
}

/// Until either side ends the connection.
async fn echo(mut socket: TcpStream, room: usize) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(room);
    loop {
        let BufResult(received, filled) = socket.read(buffer).await;
        if received? == 0 {
            return Ok(());
        }
        let BufResult(sent, emptied) = socket.write_all(filled).await;
        sent?;
        buffer = emptied;
        buffer.clear();
    }
}
