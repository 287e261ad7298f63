//! The echo server as smol's users write it: a task and a buffer for each connection.

use std::{io, net::TcpListener};

use smol::{
    Async, LocalExecutor,
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(super) fn serve(listener: TcpListener, room: usize) -> io::Result<()> {
    let executor = LocalExecutor::new();
    let accepting = async {
        let listener = smol::net::TcpListener::from(Async::new(listener)?);
        loop {
            let (socket, _) = listener.accept().await?;
            executor.spawn(echo(socket, room)).detach();
        }
    };
    smol::block_on(executor.run(accepting))
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
