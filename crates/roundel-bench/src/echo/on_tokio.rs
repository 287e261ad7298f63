//! The echo server as tokio's users write it: a task and a buffer for each connection.

use std::{io, net::TcpListener};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::soon::tokio_runtime;

pub(super) fn serve(listener: TcpListener, room: usize) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    tokio_runtime().block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            tokio::spawn(echo(socket, room));
        }
    })
}

/// Until either side ends the connection.
async fn echo(mut socket: TcpStream, room: usize) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = vec![0; room];
    loop {
        match socket.read(&mut buffer).await? {
            0 => return Ok(()),
            received => socket.write_all(&buffer[..received]).await?,
        }
    }
}
