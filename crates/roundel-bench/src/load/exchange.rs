//! `Exchange`: what the client sends, and how much comes back.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// One request, always the same, and the length of its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub(super) request: Vec<u8>,
    pub(super) answer: usize,
    /// The answer is the request.
    pub(super) is_echo: bool,
}

impl Exchange {
    /// A message that comes back.
    ///
    /// # Errors
    /// None: the server is not asked.
    pub fn echo(_server: SocketAddr, bytes: usize) -> io::Result<Self> {
        let request = (0..bytes).map(|nth| (nth % 251) as u8).collect();
        Ok(Self { request, answer: bytes, is_echo: true })
    }

    /// An HTTP request for a body of `bytes` bytes. Every answer is as long as the first, which is
    /// read here.
    ///
    /// # Errors
    /// The server does not answer with such a body.
    pub fn http(server: SocketAddr, bytes: usize) -> io::Result<Self> {
        let request =
            format!("GET /{bytes} HTTP/1.1\r\nhost: {server}\r\naccept: */*\r\n\r\n").into_bytes();
        let mut socket = TcpStream::connect(server)?;
        socket.write_all(&request)?;
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            socket.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let is_right = text.starts_with("http/1.1 200 ok\r\n")
            && text.contains(&format!("\r\ncontent-length: {bytes}\r\n"));
        if !is_right {
            return Err(io::Error::other(format!("an unexpected answer: {text}")));
        }
        socket.read_exact(&mut vec![0; bytes])?;
        Ok(Self { request, answer: head.len() + bytes, is_echo: false })
    }
}
