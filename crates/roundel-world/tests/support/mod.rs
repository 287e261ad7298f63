//! What the world's tests share: a few words for sockets, over the loop's own.
#![allow(dead_code)] // each test file uses its own part

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use roundel_executor::spawn;
use roundel_loop::{Attached, Family, LoopHandle, OperationError, Outcome, Socket, SocketKind};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) type Connection = Attached<Socket>;

fn socket(kind: SocketKind) -> Socket {
    LoopHandle::current().socket(Family::V4, kind).unwrap()
}

/// Listens on a port of all addresses of the host.
pub(crate) fn listen(port: u16) -> Connection {
    listen_with(port, 4096)
}

pub(crate) fn listen_with(port: u16, backlog: u32) -> Connection {
    let socket = socket(SocketKind::Stream);
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into()).unwrap();
    socket.listen(backlog).unwrap();
    LoopHandle::current().attach(socket)
}

pub(crate) fn datagrams(port: u16) -> Connection {
    let socket = socket(SocketKind::Datagram);
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into()).unwrap();
    LoopHandle::current().attach(socket)
}

pub(crate) async fn accept(listener: &Connection) -> Result<Connection, OperationError> {
    match listener.accept().await? {
        Outcome::Accepted(socket) => Ok(LoopHandle::current().attach(socket)),
        other => panic!("no connection: {other:?}"),
    }
}

pub(crate) async fn connect(to: SocketAddr) -> Result<Connection, OperationError> {
    let connection = LoopHandle::current().attach(socket(SocketKind::Stream));
    connection.connect(to).await?;
    Ok(connection)
}

/// What has come; empty at the end.
pub(crate) async fn recv(from: &Connection) -> Result<Vec<u8>, OperationError> {
    match from.recv(4096).await? {
        Outcome::Received(data) => Ok(data.into_vec()),
        other => panic!("no data: {other:?}"),
    }
}

/// Exactly so much.
pub(crate) async fn recv_exactly(from: &Connection, count: usize) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    while all.len() < count {
        let Outcome::Received(data) = from.recv(count - all.len()).await? else { unreachable!() };
        if data.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        all.extend_from_slice(&data);
    }
    Ok(all)
}

pub(crate) async fn send(to: &Connection, data: &[u8]) -> Result<(), OperationError> {
    to.send(data).await.map(|_| ())
}

/// Serves echo on a port for ever.
pub(crate) async fn echo(port: u16) {
    let listener = listen(port);
    loop {
        let Ok(connection) = accept(&listener).await else { continue };
        spawn(async move {
            while let Ok(data) = recv(&connection).await
                && !data.is_empty()
                && send(&connection, &data).await.is_ok()
            {}
        })
        .detach();
    }
}
