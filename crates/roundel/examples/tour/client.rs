//! A client: sends a megabyte in odd pieces and, meanwhile, checks every byte that comes back.

use std::{
    cell::Cell,
    net::{SocketAddr, TcpStream},
};

use roundel::{Attached, LoopHandle, Outcome, Source, TaskGroup};
use rustix::net::{AddressFamily, SocketType, socket};

use crate::{Failed, timeline::TimeLine};

/// How much each client sends.
const MEGABYTE: usize = 1 << 20;

/// The lengths of the pieces, over and over: from one byte to more than a socket holds.
const PIECES: [usize; 6] = [1, 4_099, 17, 65_537, 1_021, 300_007];

/// Talks to the server. What has come back unharmed is added to `checked`.
pub(crate) async fn talk(
    server: SocketAddr,
    number: usize,
    checked: &Cell<usize>,
    timeline: TimeLine,
) -> Result<(), Failed> {
    let stream = connect(server).await?;
    timeline.tell("is connected");
    let message = message(number);
    let (stream, message) = (&stream, &message[..]);
    // Both directions at once. The child borrows what this function owns.
    let (sent, received) = TaskGroup::scope(async |group| {
        let receiver = group.builder().name(format!("receiver {number}"));
        let receiver = receiver.spawn(receive(stream, message, checked));
        let sent = send(stream, message).await?;
        Ok::<_, Failed>((sent, receiver.await))
    })
    .await?;
    timeline.tell(format!("has its megabyte back: sent {sent} pieces, received {received}"));
    Ok(())
}

async fn connect(server: SocketAddr) -> Result<Attached, Failed> {
    let socket = TcpStream::from(socket(AddressFamily::INET, SocketType::STREAM, None)?);
    // A small piece goes out at once; it does not wait for the one before to be acknowledged.
    socket.set_nodelay(true)?;
    let stream = LoopHandle::current().attach(Source::new(socket));
    stream.connect(server).await?;
    Ok(stream)
}

/// A megabyte that is not another client's.
fn message(number: usize) -> Vec<u8> {
    (0..MEGABYTE).map(|at| (at ^ (at >> 8) ^ number) as u8).collect()
}

/// Returns the number of pieces.
async fn send(stream: &Attached, mut message: &[u8]) -> Result<usize, Failed> {
    let mut pieces = 0;
    while !message.is_empty() {
        let length = PIECES[pieces % PIECES.len()].min(message.len());
        let (piece, rest) = message.split_at(length);
        stream.send(piece).await?;
        message = rest;
        pieces += 1;
    }
    Ok(pieces)
}

/// Returns the number of pieces.
async fn receive(
    stream: &Attached,
    mut message: &[u8],
    checked: &Cell<usize>,
) -> Result<usize, Failed> {
    let mut pieces = 0;
    while !message.is_empty() {
        let Outcome::Received(data) = stream.recv(message.len()).await? else { continue };
        message = match message.strip_prefix(&data[..]) {
            Some(rest) if !data.is_empty() => rest,
            Some(_) => return Err("the server hung up".into()),
            None => return Err("something else came back".into()),
        };
        checked.set(checked.get() + data.len());
        pieces += 1;
    }
    Ok(pieces)
}
