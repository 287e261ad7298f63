//! Lines: 80 bytes each, read one by one from a connection that is always full.
//!
//! A thread on the other core sends; what is measured is the reader's thread alone, its receives
//! included. Ours are lent. The peers' line readers give each line as a string of its own; in the
//! second row they read into memory that is used again, as those write it who care for speed.

use std::{
    hint::black_box,
    io::{self, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread::{self, JoinHandle},
};

use roundel_loop::{EventLoop, LoopConfig, Socket};
use roundel_stream::StreamReader;
use roundel_uring::UringDriver;
use rustix::net::{RecvFlags, recv};

use crate::{
    echo::{ROUNDEL_URING, SMOL},
    machine::{CLIENT_CORE, cpu_per_item, pin},
    plan::Plan,
    row::{Figure, ROUNDEL, Row, TOKIO, Target, Unit},
    soon::tokio_runtime,
};

const BY_HAND: &str = "by hand";

/// With its end.
const LINE: usize = 80;
/// What the sender hands to the kernel at once, and the reader by hand receives at most.
const BLOCK: usize = 64 << 10;

/// The rows of this group.
pub fn rows(plan: &Plan) -> Vec<Row> {
    let lines = plan.scaled(2_000_000);
    let row = |title: &str, target| {
        let figure = Figure::new("CPU per line", Unit::Nanoseconds);
        Row::new(format!("lines of {LINE} bytes, {title}"), [figure.target(target)])
            .only(ROUNDEL, move || on_epoll(lines))
            .only(ROUNDEL_URING, move || on_uring(lines))
    };
    vec![
        row("the peers' as strings of their own", Target::Times(0.4, &[TOKIO]))
            .only(TOKIO, move || on_tokio(lines, Way::Strings))
            .only(SMOL, move || on_smol(lines, Way::Strings)),
        row("the peers' in memory that is used again", Target::Times(1.0, &[TOKIO]))
            .only(TOKIO, move || on_tokio(lines, Way::Again))
            .only(SMOL, move || on_smol(lines, Way::Again))
            .only(BY_HAND, move || by_hand(lines)),
    ]
}

/// How a peer is read.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Strings,
    Again,
}

/// A connection on which a thread sends that many lines.
fn full(lines: usize) -> (TcpStream, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let sender = thread::spawn(move || {
        pin(CLIENT_CORE).expect("the machine has two cores");
        send(address, lines).expect("the reader is there");
    });
    (listener.accept().expect("the sender connects").0, sender)
}

fn send(to: std::net::SocketAddr, lines: usize) -> io::Result<()> {
    let mut socket = TcpStream::connect(to)?;
    let mut line = [b'x'; LINE];
    line[LINE - 1] = b'\n';
    let block = line.repeat(BLOCK / LINE);
    let mut left = lines * LINE;
    while left > 0 {
        let len = left.min(block.len());
        socket.write_all(&block[..len])?;
        left -= len;
    }
    Ok(())
}

/// Has `read` read the lines and return their bytes.
fn measured(lines: usize, read: impl FnOnce(TcpStream) -> usize) -> f64 {
    let (socket, sender) = full(lines);
    let mut bytes = 0;
    let cost = cpu_per_item(lines, || bytes = read(socket));
    assert_eq!(bytes, lines * LINE, "every line is read");
    sender.join().expect("all is sent");
    cost
}

fn on_epoll(lines: usize) -> f64 {
    let mut event_loop = EventLoop::new().expect("there is a selector");
    measured(lines, |socket| on_loop(&mut event_loop, socket))
}

fn on_uring(lines: usize) -> f64 {
    let driver = UringDriver::new().expect("the kernel has io_uring");
    let mut event_loop = EventLoop::with_config(LoopConfig::with_driver(Box::new(driver)));
    measured(lines, |socket| on_loop(&mut event_loop, socket))
}

fn on_loop(event_loop: &mut EventLoop, socket: TcpStream) -> usize {
    let mut reader = StreamReader::new(event_loop.handle().attach(Socket::new(socket)));
    let read = async {
        let mut bytes = 0;
        loop {
            match black_box(reader.read_line().await.expect("the sender is there")).len() {
                0 => return bytes,
                len => bytes += len,
            }
        }
    };
    event_loop.run_until_complete(read).expect("the loop runs")
}

fn on_tokio(lines: usize, way: Way) -> f64 {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let runtime = tokio_runtime();
    measured(lines, |socket| {
        runtime.block_on(async {
            socket.set_nonblocking(true).expect("it is a socket");
            let socket = tokio::net::TcpStream::from_std(socket).expect("it is a socket");
            let (mut reader, mut line, mut bytes) = (BufReader::new(socket), Vec::new(), 0);
            if way == Way::Strings {
                let mut lines = reader.lines();
                while let Some(line) = lines.next_line().await.expect("the sender is there") {
                    bytes += black_box(&line).len() + 1;
                }
                return bytes;
            }
            while reader.read_until(b'\n', &mut line).await.expect("the sender is there") > 0 {
                bytes += black_box(&line).len();
                line.clear();
            }
            bytes
        })
    })
}

fn on_smol(lines: usize, way: Way) -> f64 {
    use smol::{
        io::{AsyncBufReadExt, BufReader},
        stream::StreamExt,
    };
    measured(lines, |socket| {
        smol::block_on(async {
            let socket = smol::Async::new(socket).expect("it is a socket");
            let (mut reader, mut line, mut bytes) = (BufReader::new(socket), Vec::new(), 0);
            if way == Way::Strings {
                let mut lines = reader.lines();
                while let Some(line) = lines.next().await.transpose().expect("the sender is there")
                {
                    bytes += black_box(&line).len() + 1;
                }
                return bytes;
            }
            while reader.read_until(b'\n', &mut line).await.expect("the sender is there") > 0 {
                bytes += black_box(&line).len();
                line.clear();
            }
            bytes
        })
    })
}

/// One buffer, the half of a line moved to its begin before each receive.
fn by_hand(lines: usize) -> f64 {
    measured(lines, |socket| {
        let mut buffer = vec![0; BLOCK];
        let (mut kept, mut bytes) = (0, 0);
        loop {
            let (received, _) =
                recv(&socket, &mut buffer[kept..], RecvFlags::empty()).expect("it is connected");
            if received == 0 {
                return bytes;
            }
            let (mut begin, end) = (0, kept + received);
            while let Some(at) = memchr::memchr(b'\n', &buffer[begin..end]) {
                bytes += black_box(&buffer[begin..=begin + at]).len();
                begin += at + 1;
            }
            buffer.copy_within(begin..end, 0);
            kept = end - begin;
        }
    })
}
