//! The echo server as monoio's users write it: a task and a buffer for each connection, which the
//! kernel has while it reads.

use std::{io, net};

use monoio::{
    IoUringDriver, RuntimeBuilder,
    io::{AsyncReadRent, AsyncWriteRentExt},
    net::{TcpListener, TcpStream},
};

pub(super) fn serve(listener: net::TcpListener, room: usize) -> io::Result<()> {
    let mut runtime = RuntimeBuilder::<IoUringDriver>::new().build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            monoio::spawn(echo(socket, room));
        }
    })
}

/// Until either side ends the connection.
async fn echo(mut socket: TcpStream, room: usize) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(room);
    loop {
        let (received, filled) = socket.read(buffer).await;
        if received? == 0 {
            return Ok(());
        }
        let (sent, emptied) = socket.write_all(filled).await;
        sent?;
        buffer = emptied;
        buffer.clear();
    }
}
