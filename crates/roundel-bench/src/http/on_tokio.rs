//! hyper on tokio, in a task for each connection.

use std::{io, net::TcpListener};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

use super::service::answer;
use crate::soon::tokio_runtime;

pub(super) fn serve(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    tokio_runtime().block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let stream = TokioIo::new(socket);
            let connection = http1::Builder::new().serve_connection(stream, service_fn(answer));
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    eprintln!("a connection failed: {error}");
                }
            });
        }
    })
}
